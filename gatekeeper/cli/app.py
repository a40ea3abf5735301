"""The ``gatekeeper`` command: finds the subcommand, and turns every error into one clear line and an exit code.

Exit codes (design §7): 0 done; 1 the answer is no; 2 wrong use or bad input; 3 a system it needs is unavailable.
"""

from __future__ import annotations

import importlib
from typing import Any, NoReturn

import click
from rich.text import Text

from gatekeeper import __version__
from gatekeeper.cli.caller import Caller, shared_options
from gatekeeper.errors import GatekeeperError

EXIT_INTERRUPTED = 130

COMMANDS = {
    "init": "gatekeeper.cli.init:init",
    "apply": "gatekeeper.cli.apply:apply",
    "demo": "gatekeeper.cli.demo:demo",
    "content": "gatekeeper.cli.logs:content",
    "rights": "gatekeeper.cli.logs:rights",
    "evidence": "gatekeeper.cli.evidence:evidence",
    "gate": "gatekeeper.cli.gate:gate",
    "sweep": "gatekeeper.cli.sweep:sweep",
    "decide": "gatekeeper.cli.decide:decide",
    "explain": "gatekeeper.cli.explain:explain",
    "holds": "gatekeeper.cli.holds:holds",
    "build": "gatekeeper.cli.build:build",
    "check": "gatekeeper.cli.check:check",
    "review": "gatekeeper.cli.review:review",
    "status": "gatekeeper.cli.status:status",
    "dead-letters": "gatekeeper.cli.dead_letters:dead_letters",
    "approve": "gatekeeper.cli.approve:approve",
    "publish": "gatekeeper.cli.publish:publish",
    "releases": "gatekeeper.cli.releases:releases",
    "verify": "gatekeeper.cli.verify:verify",
    "replay": "gatekeeper.cli.replay:replay",
    "recall": "gatekeeper.cli.recall:recall",
    "trace": "gatekeeper.cli.trace:trace",
    "withdrawals": "gatekeeper.cli.withdrawals:withdrawals",
    "use": "gatekeeper.cli.use:use",
    "maintain": "gatekeeper.cli.maintain:maintain",
    "erase": "gatekeeper.cli.erase:erase",
}
"""In the order people need them. A module is imported when its command is used, so that ``--help`` is quick."""


class App(click.Group):
    """A group whose commands load on use and whose errors never show a traceback (except with ``--debug``)."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, name = target.partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        caller = ctx.ensure_object(Caller)
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except click.ClickException as error:
            if caller.json:
                caller.line({"error": error.format_message(), "exit_code": error.exit_code})
            raise
        except GatekeeperError as error:
            _fail(caller, error)
        except KeyboardInterrupt:
            caller.note("stopped")
            raise click.exceptions.Exit(EXIT_INTERRUPTED) from None
        except Exception as error:
            if caller.debug:
                raise
            _fail(caller, _unexpected(error))


def _fail(caller: Caller, error: GatekeeperError) -> NoReturn:
    if caller.debug:
        raise error
    caller.note(Text.assemble(("error: ", "what"), error.what))
    if error.do:
        caller.note(Text.assemble(("  what to do: ", "do"), error.do))
    if caller.json:
        caller.line({"error": error.what, "what_to_do": error.do, "exit_code": error.exit_code})
    raise click.exceptions.Exit(error.exit_code)


def _unexpected(error: Exception) -> GatekeeperError:
    if isinstance(error, OSError):
        return GatekeeperError(str(error), "mend what the operating system says and run the command again")
    what = f"unexpected: {type(error).__name__}: {error}"
    return GatekeeperError(what, "run it again with --debug and report what it prints")


@click.group(cls=App, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@shared_options
@click.version_option(__version__, prog_name="gatekeeper")
def main() -> None:
    """Gatekeeper decides which recordings may go into which dataset, and can show why.

    Exit codes: 0 done; 1 the answer is no; 2 wrong use or bad input; 3 a system it needs is unavailable.
    """

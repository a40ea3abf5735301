"""Who calls and how they want the answer: the options every command shares, before or after its name.

Human text goes to standard output, progress and warnings to standard error. With ``--json`` the last line on standard
output is one JSON object and nothing else is written there by the command itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import update_wrapper
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console, RenderableType

from gatekeeper.cli.theme import THEME

PIPED_COLUMNS = 160
"""Where nobody looks, lines are long rather than broken, so that they can be searched."""


def _console(*, stderr: bool) -> Console:
    console = Console(theme=THEME, highlight=False, stderr=stderr)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPED_COLUMNS
    return console


@dataclass
class Caller:
    """``workspace`` is what was asked for. ``clock_us`` stands in for the system's clock where somebody brings one."""

    workspace: Path | None = None
    json: bool = False
    debug: bool = False
    clock_us: Callable[[], int] | None = None
    out: Console = field(default_factory=lambda: _console(stderr=False))
    err: Console = field(default_factory=lambda: _console(stderr=True))

    def answer(self, machine: Mapping[str, Any], human: Callable[[], RenderableType] | RenderableType) -> None:
        """The command's one answer: a JSON object with ``--json``, otherwise the rendering for people."""
        if self.json:
            self.line(machine)
        else:
            self.out.print(human() if callable(human) else human)

    def line(self, document: Mapping[str, Any]) -> None:
        click.echo(orjson.dumps(document, default=str))

    def say(self, text: RenderableType) -> None:
        """Something on the way, for people: standard output, silent with ``--json``."""
        if not self.json:
            self.out.print(text)

    def note(self, text: RenderableType) -> None:
        """Errors and warnings: standard error, each on one line however long."""
        self.err.print(text, soft_wrap=True)


def _remember(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    if value and option.name is not None:
        setattr(ctx.find_root().ensure_object(Caller), option.name, value)


def _flag(name: str, help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(name, is_flag=True, expose_value=False, is_eager=True, callback=_remember, help=help_text)


_OPTIONS = (
    click.option(
        "--workspace",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="GATEKEEPER_WORKSPACE",
        expose_value=False,
        is_eager=True,
        callback=_remember,
        help="Folder with gatekeeper.yaml. Default: the current one, where it holds gatekeeper.yaml.",
    ),
    _flag("--json", "The last line on standard output is one JSON object."),
    _flag("--debug", "Show where in the program an error arose."),
)


def shared_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def with_caller(function: Callable[..., Any]) -> Callable[..., Any]:
    """Hand the ``Caller`` to a command as its first argument and give the command the shared options."""

    @click.pass_context
    def call(ctx: click.Context, /, *args: Any, **kwargs: Any) -> Any:
        return function(ctx.find_root().ensure_object(Caller), *args, **kwargs)

    return shared_options(update_wrapper(call, function))

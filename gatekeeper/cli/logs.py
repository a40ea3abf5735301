"""``gatekeeper content …`` and ``gatekeeper rights …``: events onto the logs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.files import LINES, source_of
from gatekeeper.cli.importing import import_
from gatekeeper.cli.open import opened
from gatekeeper.cli.progress import bytes_read
from gatekeeper.cli.theme import number

if TYPE_CHECKING:
    from gatekeeper.stages.append import Judge, Result
    from gatekeeper.wiring import OpenWorkspace

FILES = click.argument("files", nargs=-1, required=True, type=LINES)
EXIT_REFUSED = 2


@click.group(short_help="Put content events on their log.")
def content() -> None:
    """Content events: what was published, changed or removed."""


@content.command("append")
@FILES
@with_caller
def content_append(caller: Caller, files: tuple[Path, ...]) -> None:
    """Put the content events of FILES (JSON lines; - is standard input) on the content log.

    Every line is held against its contract. A bad line is refused with its number and ends the work; the good ones
    before it stay on the log.
    """
    from gatekeeper.stages.append import content_judge

    _append(caller, "content", files, lambda w: content_judge(w.contracts.check_content, w.workspace.limits))


content.add_command(import_)


@click.group(short_help="Put rights events on their log; answer unreadable ones.")
def rights() -> None:
    """Rights events: what rightsholders, accounts and operators said."""


@rights.command("append")
@FILES
@with_caller
def rights_append(caller: Caller, files: tuple[Path, ...]) -> None:
    """Put the rights events of FILES (JSON lines; - is standard input) on the rights log.

    Refused, with the line's number: what breaks the contract, a purpose the policy does not know, a time more than five
    minutes ahead. The good lines before it stay on the log.
    """
    from gatekeeper import wiring

    _append(caller, "rights", files, wiring.rights_judge)


@rights.command("resolve")
@click.argument("position", type=click.IntRange(min=0))
@click.option("--because", required=True, help="What was found and done, in words. It stays on the log.")
@with_caller
def rights_resolve(caller: Caller, position: int, because: str) -> None:
    """Answer the rights event at POSITION that nobody could read. It then holds nothing any more.

    Look at its bytes first (`gatekeeper status` shows them): it may be a withdrawal. If it is, append a readable one
    before you answer.
    """
    from gatekeeper.stages.resolve import resolve

    workspace = opened(caller)
    register = workspace.rights(workspace.policy()).register
    with closing(workspace.writer("rights")) as log:
        event = resolve(position, because, register, log, workspace.clock_us())
    caller.answer({"answered": position, "event": event}, f"Answered: rights event {position} holds nothing any more.")


def _append(caller: Caller, log: str, files: tuple[Path, ...], judge_of: Callable[[OpenWorkspace], Judge]) -> None:
    from gatekeeper.stages.append import append_lines, blocks

    workspace = opened(caller)
    judge, limits = judge_of(workspace), workspace.workspace.limits
    results: list[Result] = []
    with closing(workspace.writer(log)) as writer:
        for path in files:
            with source_of(path) as source, bytes_read(caller, path) as read:
                lines = blocks(source, limits.append_block_bytes, limits.event_bytes_max)
                results.append(append_lines(lines, str(path), judge, writer, read))
            if results[-1].refused is not None:
                break
    _answer(caller, log, results)


def _answer(caller: Caller, log: str, results: list[Result]) -> None:
    appended, refused = sum(r.appended for r in results), results[-1].refused
    machine: dict[str, object] = {"log": log, "appended": appended}
    if refused is not None:
        caller.note(f"[what]refused:[/] {refused.file} line {refused.line}: {refused.reason}")
        caller.note(f"  [do]what to do:[/] {refused.detail}")
        line = {"file": refused.file, "line": refused.line, "reason": refused.reason, "detail": refused.detail}
        machine["refused"] = line
    caller.answer(machine, f"Appended {number(appended)} events to the {log} log.")
    if refused is not None:
        click.get_current_context().exit(EXIT_REFUSED)

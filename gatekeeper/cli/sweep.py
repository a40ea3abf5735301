"""``gatekeeper sweep``: decide again what changed rights, time and rules touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened
from gatekeeper.cli.theme import number, table, verdict
from gatekeeper.core.times import ALWAYS_US, format_instant

if TYPE_CHECKING:
    from gatekeeper.wiring.sweeping import SweptWorkspace


@click.command(short_help="Decide again what rights changes since the last sweep touch.")
@click.option("--full", is_flag=True, help="Decide the whole catalogue again, whatever is touched.")
@with_caller
def sweep(caller: Caller, full: bool) -> None:
    """Decide the catalogue again where rights, time, policy or declarations changed since the last sweep.

    Only decisions that differ are appended; then every dataset table follows. It may run beside a gate, be stopped and
    be run again at will: what has been decided already is not decided twice.
    """
    from gatekeeper.wiring.sweeping import SweepOptions, sweep

    workspace = opened(caller)
    with _progress(caller) as tell:
        done = sweep(workspace, SweepOptions("it was asked for" if full else None, tell))
    caller.answer(_machine(done), lambda: _shown(done))


@contextmanager
def _progress(caller: Caller) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("deciding again"), BarColumn(), MofNCompleteColumn(), TextColumn("assets"))
    with Progress(*columns, console=caller.err, transient=True, disable=not caller.err.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _machine(done: SweptWorkspace) -> dict[str, Any]:
    swept, tally = done.swept, done.swept.tally
    decided: dict[str, dict[str, dict[str, int]]] = {name: {} for name in done.datasets}
    for (dataset, verdict_, reason), count in sorted(tally.decided.items()):
        decided.setdefault(dataset, {}).setdefault(verdict_, {})[reason] = count
    return {
        "from": swept.basis.swept,
        "to": swept.basis.moment.position,
        "instant": format_instant(swept.basis.moment.instant_us),
        "next_instant": _next(done),
        "everything": swept.everything,
        "looked_at": swept.looked_at,
        "decided": decided,
        "rows": {name: {"entered": tally.entered[name], "left": tally.left[name]} for name in done.datasets},
        "retired": list(done.retired),
        "commits": tally.commits,
    }


def _next(done: SweptWorkspace) -> str | None:
    """When a statement next begins or ends without any event."""
    next_us = done.swept.basis.next_us
    return None if next_us >= ALWAYS_US else format_instant(next_us)


def _shown(done: SweptWorkspace) -> RenderableType:
    swept, tally = done.swept, done.swept.tally
    start = "the beginning" if swept.basis.swept < 0 else f"position {swept.basis.swept}"
    because = f" (everything: {swept.everything})" if swept.everything else ""
    lines: list[RenderableType] = [
        Text(f"Swept rights from {start} to {swept.basis.moment.position}; looked at "
             f"{number(swept.looked_at)} assets{because}.")
    ]  # fmt: skip
    if (next_instant := _next(done)) is not None:
        lines.append(Text(f"Without any event rights change next at {next_instant}: sweep again then.", style="quiet"))
    if not tally.decided:
        return Group(*lines, Text("No decision changed."))
    rows = table("dataset", "verdict", "reason", "decided anew", numbers=("decided anew",))
    for (dataset, verdict_, reason), count in sorted(tally.decided.items()):
        rows.add_row(dataset, verdict(verdict_), reason, number(count))
    moved = table("dataset", "rows entered", "rows left", numbers=("rows entered", "rows left"))
    for name in done.datasets:
        moved.add_row(name, number(tally.entered[name]), number(tally.left[name]))
    return Group(*lines, rows, Text(), moved)

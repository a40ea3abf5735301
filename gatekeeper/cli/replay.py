"""``gatekeeper replay``: recorded decisions made again from the logs, and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.console import Group, RenderableType
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened
from gatekeeper.cli.theme import number, table

if TYPE_CHECKING:
    from gatekeeper.stages.replay.comparing import Replayed


@click.command(short_help="Recorded decisions made again from the logs, and compared.")
@click.option(
    "--dataset", "datasets", multiple=True, metavar="NAME", help="Only its decisions. Several times: of each."
)
@click.option("--asset", "assets", multiple=True, metavar="ID", help="Only decisions on it. Several times: on each.")
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="N of them, by chance. Default: every one.")
@click.option(
    "--reference", is_flag=True, help="By the readable implementation, row by row: slower, and another's word."
)
@with_caller
def replay(
    caller: Caller, datasets: tuple[str, ...], assets: tuple[str, ...], sample: int | None, reference: bool
) -> None:
    """Make decisions again on what they say they rest on, and compare verdict, reason, holder and evidence.

    That is the asset's event in the catalogue, the rights log below the recorded position, and the policy and
    declaration active there, which the lake keeps by digest; never the workspace's files as they are now. Exit 1 with
    what differs. Nothing is written.
    """
    from gatekeeper.wiring.replaying import ReplayOptions, replay_decisions

    workspace = opened(caller)
    with _progress(caller) as tell:
        done = replay_decisions(workspace, ReplayOptions(datasets, assets, sample, reference, tell))
    differ, decisions = done.differ.total(), done.decisions.total()
    machine = {
        "same": not differ,
        "decisions": decisions,
        "differ": differ,
        "datasets": {name: {"decisions": n, "differ": done.differ[name]} for name, n in sorted(done.decisions.items())},
        "differences": [asdict(difference) for difference in done.differences],
    }
    caller.answer(machine, lambda: _shown(done))
    if differ:
        caller.note(Text(f"error: {number(differ)} of {number(decisions)} decisions are not made again", style="what"))
        raise click.exceptions.Exit(1)


@contextmanager
def _progress(caller: Caller) -> Iterator[Callable[[int], None]]:
    columns = (SpinnerColumn(), TextColumn("decided again"), MofNCompleteColumn())
    with Progress(*columns, console=caller.err, transient=True, disable=not caller.err.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda more: progress.advance(task, more)


def _shown(done: Replayed) -> RenderableType:
    if not done.decisions:
        return Text("There is no such decision.")
    rows = table("dataset", "decisions", "differ", "result", numbers=("decisions", "differ"))
    for name, count in sorted(done.decisions.items()):
        differ = done.differ[name]
        result = Text("x differs", style="deny") if differ else Text("+ same", style="permit")
        rows.add_row(name, number(count), number(differ), result)
    told = [
        Text(f"{d.dataset} {d.asset_id} ({d.partition}:{d.offset}, {d.decided_at}): {d.what}") for d in done.differences
    ]
    more = done.differ.total() - len(told)
    return Group(rows, *told, *([Text(f"… and {number(more)} more")] if more else []))

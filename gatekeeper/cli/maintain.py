"""``gatekeeper maintain``: merge small files, delete what left the datasets longer ago than the grace."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.stages.maintain import Maintained


@click.command()
@click.option(
    "--grace-hours",
    type=click.IntRange(min=0),
    help="Files that left a table longer ago are deleted from the store. Default: grace_hours of gatekeeper.yaml (24).",
)
@with_caller
def maintain(caller: Caller, grace_hours: int | None) -> None:
    """Keep the lake quick and deletions real. Safe beside a running gate: it is refused once and tries again.

    Rows, decisions and what they can be replayed from stay. With --grace-hours 0 nobody may be reading the lake.
    """
    from gatekeeper.wiring import open_workspace, system_clock_us
    from gatekeeper.wiring.maintaining import maintain as keep

    opened = open_workspace(caller.workspace, Path.cwd(), system_clock_us)
    grace = opened.workspace.limits.grace_hours if grace_hours is None else grace_hours
    with caller.err.status("merging files", spinner="dots") as status:
        done = keep(opened, grace, lambda name: status.update(f"{name}: done"))
    caller.answer(asdict(done), lambda: _table(done))


def _table(done: Maintained) -> Table:
    table = Table(title="maintained")
    table.add_column("table")
    table.add_column("files merged away", justify="right")
    table.add_column("files deleted", justify="right")
    for name, count in done.files_merged.items():
        table.add_row(name, f"{count:,}", f"{done.merged_away.get(name, 0):,}")
    for name, count in done.files_deleted.items():
        table.add_row(f"datasets/{name}", "", f"{count:,}")
    return table

"""``gatekeeper maintain``: merge small files, delete what left the datasets longer ago than the grace."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.stages.maintain import GRACE_HOURS, Maintained


@click.command()
@click.option(
    "--grace-hours",
    type=click.IntRange(min=0),
    default=GRACE_HOURS,
    show_default=True,
    help="Files that left a dataset table longer ago are deleted from the store.",
)
@with_caller
def maintain(caller: Caller, grace_hours: int) -> None:
    """Keep the lake quick and deletions real. Safe beside a running gate: it is refused once and tries again.

    Rows, decisions and what they can be replayed from stay. With --grace-hours 0 nobody may be reading a dataset.
    """
    from gatekeeper.wiring import open_workspace, system_clock_us
    from gatekeeper.wiring.maintaining import maintain as keep

    opened = open_workspace(caller.workspace, Path.cwd(), system_clock_us)
    with caller.err.status("merging files", spinner="dots") as status:
        done = keep(opened, grace_hours, lambda name: status.update(f"{name}: done"))
    caller.answer({"files_merged": done.files_merged, "files_deleted": done.files_deleted}, lambda: _table(done))


def _table(done: Maintained) -> Table:
    table = Table(title="maintained")
    table.add_column("table")
    table.add_column("files merged away", justify="right")
    table.add_column("files deleted", justify="right")
    for name, count in done.files_merged.items():
        table.add_row(name, f"{count:,}", "")
    for name, count in done.files_deleted.items():
        table.add_row(f"datasets/{name}", "", f"{count:,}")
    return table

"""``gatekeeper erase``: a person's fields leave the lake; decisions stay checkable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.console import Group, RenderableType
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened
from gatekeeper.cli.theme import number, table

if TYPE_CHECKING:
    from gatekeeper.stages.erase import Erased


@click.command(short_help="A person's fields leave catalogue, dead letters and datasets.")
@click.option("--account", metavar="ID", help="Everything that this account published.")
@click.option("--asset", metavar="ID", help="Every event of this asset.")
@click.option("--because", required=True, metavar="TEXT", help="Why: kept with the erasure.")
@click.option("--dry-run", is_flag=True, help="Count what would be erased; write nothing.")
@with_caller
def erase(caller: Caller, account: str | None, asset: str | None, because: str, dry_run: bool) -> None:
    """Erase titles, artists, links, attributes and unknown fields of an account or an asset, and the bytes of its dead
    letters. Ids and what decisions rest on stay, so that replay and verify go on working.

    It is no withdrawal: say that on the rights log. The files that held the fields are deleted by `gatekeeper maintain`
    after the grace; the content log, builds and published releases are not touched. A gate may run meanwhile; run it
    again when the gate has ended to be sure that nothing it held came after.
    """
    from gatekeeper.wiring.erasing import erase

    if (account is None) == (asset is None):
        raise click.UsageError("name an account or an asset: one of --account ID and --asset ID")
    if not because.strip():
        raise click.UsageError("--because must say why")
    subject = f"account:{account}" if asset is None else f"asset:{asset}"
    with caller.err.status("looking through the tables", spinner="dots"):
        done = erase(opened(caller), subject, because, dry_run=dry_run)
    machine = {"subject": subject, "dry_run": dry_run, "rows": dict(done.rows), "erasure": done.digest}
    caller.answer(machine, lambda: _shown(done, dry_run=dry_run))


def _shown(done: Erased, *, dry_run: bool) -> RenderableType:
    rows = table("table", "rows", numbers=("rows",), title="would be erased" if dry_run else "erased")
    for name, count in done.rows.items():
        rows.add_row(name, number(count))
    then = "Nothing was written." if dry_run else "Gone from the store after the grace: gatekeeper maintain."
    return Group(rows, Text(then))

"""``gatekeeper verify``: a release held against its manifest, and its decisions made again."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.console import Group, RenderableType
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened
from gatekeeper.cli.theme import number, table

if TYPE_CHECKING:
    from gatekeeper.stages.verify import Verified


@click.command(short_help="Digests, counts and decisions of a release, made again.")
@click.argument("release", required=False)
@click.option("--all", "every_row", is_flag=True, help="Decide every row again, not a sample of 1,000.")
@with_caller
def verify(caller: Caller, release: str | None, every_row: bool) -> None:
    """Verify RELEASE (dataset@version), or every release: files by SHA-256, rows counted, and decisions made again.

    Rows are decided by the reference implementation on the catalogue's events, at the recorded rights positions,
    instants and policy, of the build and of publication. Exit 1 with what differs.
    """
    from gatekeeper.wiring import releasing

    found = releasing.verify(opened(caller), release, every_row=every_row)
    differ = sum(bool(one.problems) for one in found)
    machine = {"verified": not differ, "releases": [asdict(one) for one in found]}
    caller.answer(machine, lambda: _shown(found))
    if differ:
        caller.note(Text(f"error: {differ} of {len(found)} release(s) differ from what was published", style="what"))
        raise click.exceptions.Exit(1)


def _shown(found: list[Verified]) -> RenderableType:
    if not found:
        return Text("There is no release.")
    rows = table("release", "files", "rows", "decided again", "result", numbers=("files", "rows", "decided again"))
    for one in found:
        result = Text("x differs", style="deny") if one.problems else Text("+ verified", style="permit")
        rows.add_row(one.release, number(one.files), number(one.rows), number(one.decided), result)
    return Group(rows, *(Text(f"{one.release}: {problem}") for one in found for problem in one.problems))

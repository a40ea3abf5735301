"""``gatekeeper check``: the quality gate before a candidate may be published."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.console import Group, RenderableType
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened
from gatekeeper.cli.theme import number, table
from gatekeeper.errors import Refused

if TYPE_CHECKING:
    from gatekeeper.core.quality import Met, Results

SHOWN_MAX = 10
"""Offending rows of one expectation on the screen; ``quality/results.json`` has more."""


@click.command(short_help="Hold a candidate against its expectations; exit 1 when it is blocked.")
@click.argument("build", metavar="BUILD")
@with_caller
def check(caller: Caller, build: str) -> None:
    """Hold the candidate BUILD (dataset@version) against every expectation of its dataset.

    Every row is decided again at the end of the rights log, from the catalogue's event. A failed expectation, one that
    could not be looked at, or none at all blocks: exit 1. Results and a page stay in the candidate's folder `quality`.
    """
    from gatekeeper.wiring.checking import check as checked

    results = checked(opened(caller), build)
    caller.answer(results.document, lambda: _shown(results))
    if not results.passed:
        if caller.json:
            raise click.exceptions.Exit(Refused.exit_code)
        failed = ", ".join(met.name for met in results.failed if met.blocks) or "no expectation was looked at"
        raise Refused(f"{build} is blocked: {failed}", "do what stands beside each, then build and check again")


def _shown(results: Results) -> RenderableType:
    rows = table("expectation", "", "rows", "offending", "expects that", numbers=("rows", "offending"))
    for met in results.expectations:
        offending = number(met.offending_count) if met.offending_count else "-"
        rows.add_row(Text(met.name), _sign(met), number(met.looked_at), offending, Text(met.what))
    failed = [_failed(met) for met in results.failed]
    ending = Text(f"{results.build}: ").append(
        "passed" if results.passed else "blocked", style="permit" if results.passed else "deny"
    )
    ending.append(f", every row decided at rights position {results.rights_position}")
    return Group(rows, *failed, ending)


def _sign(met: Met) -> Text:
    if met.passed:
        return Text("+ met", style="permit")
    return Text("x failed", style="deny") if met.blocks else Text("! warning", style="hold")


def _failed(met: Met) -> RenderableType:
    text = Text.assemble("\n", (met.name, "name"), ": ", met.what)
    for row in met.offending[:SHOWN_MAX]:
        text.append(f"\n  {row.asset_id}: {row.reason}" if row.asset_id else f"\n  {row.reason}")
    if met.offending_count > SHOWN_MAX:
        text.append(f"\n  … {number(met.offending_count)} in all", style="quiet")
    return text.append("\n  what to do: ", style="do").append(met.do + "\n")

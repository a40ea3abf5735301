"""``gatekeeper withdrawals``: how far each no has come, and which deadline has passed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.console import Group, RenderableType
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened
from gatekeeper.cli.theme import number, table
from gatekeeper.core.times import parse_instant

if TYPE_CHECKING:
    from gatekeeper.stages.withdrawals import Told, Withdrawals

LAST = 20
_STYLE = {"overdue": "deny", "at_risk": "hold", "done": "permit"}


@click.command(short_help="How far each withdrawal has come; exit 1 when a deadline has passed.")
@click.option("--last", type=click.IntRange(min=0), default=LAST, show_default=True, help="Of those that are done.")
@with_caller
def withdrawals(caller: Caller, last: int) -> None:
    """Show the clock of every no: acknowledged, gate, tables, releases, holders of copies.

    Exit 1 when one is not everywhere although its deadline has passed (`withdrawal_deadline_h`).
    """
    from gatekeeper.wiring.withdrawing import withdrawals as asked

    found = asked(opened(caller), last)
    caller.answer(asdict(found), lambda: page(found))
    if found.overdue:
        caller.note(Text(f"error: {found.overdue} deadline(s) have passed", style="what"))
        raise click.exceptions.Exit(1)


def page(found: Withdrawals) -> RenderableType:
    """Every clock, after what shouts."""
    parts = list(pressing(found))
    if not found.clocks:
        return Group(*parts, Text("No withdrawal waits for anything."))
    columns = ("rights", "what", "about", "acknowledged", "gate", "tables", "releases", "holders", "deadline", "")
    rows = table(*columns, numbers=("rights",))
    for one in found.clocks:
        steps = (one.acknowledged[:19], *(_after(one, step) for step in (one.gate, one.tables, one.releases)))
        state = Text(one.state, style=_STYLE.get(one.state, ""))
        rows.add_row(str(one.position), one.type, one.about, *steps, _holders(one), one.deadline[:19], state)
    return Group(*parts, rows)


def pressing(found: Withdrawals) -> Iterator[RenderableType]:
    """One line for deadlines that have passed, one for those at risk; what to do under each."""
    missing = {step for one in found.clocks if one.state != "done" for step in _missing(one)}
    do = Text(
        "  " + " && ".join(f"gatekeeper {command}" for command in ("sweep", "recall") if command in missing), "do"
    )
    if found.overdue:
        text = f" OVERDUE: {number(found.overdue)} withdrawal(s) are not everywhere after {found.deadline_h} h "
        yield from (Text(text, style="shout"), do)
    if found.recalled_latest:
        text = f" RECALLED: {', '.join(found.recalled_latest)}: readers get it as the latest release "
        yield from (Text(text, style="shout"), Text("  gatekeeper recall --replace", style="do"))
    if found.at_risk:
        text = f" AT RISK: {number(found.at_risk)} withdrawal(s) have used half of their {found.deadline_h} h "
        yield from (Text(text, style="hold"), do)


def _missing(one: Told) -> Iterator[str]:
    if one.tables is None:
        yield "sweep"
    if one.releases is None:
        yield "recall"


def _after(one: Told, step: str | None) -> str:
    """How long after the log acknowledged it."""
    if step is None:
        return "-"
    seconds = max(0, parse_instant(step) - parse_instant(one.acknowledged)) // 1_000_000
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _holders(one: Told) -> str:
    if not one.recalls:
        return "-"
    heard = sum(one.holders.values())
    return f"{heard} of {len(one.holders)} heard" if one.holders else "none declared"

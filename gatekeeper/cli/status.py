"""``gatekeeper status``: where everything stands."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened
from gatekeeper.cli.theme import number, table

if TYPE_CHECKING:
    from gatekeeper.stages.status import Status, Unanswered

_VERDICTS = ("permit", "deny", "hold")


@click.command(short_help="Positions, lag, verdicts, dead letters, unanswered rights events.")
@with_caller
def status(caller: Caller) -> None:
    """Show where everything stands: logs, lag, verdicts by dataset, dead letters, and what waits for a person."""
    from gatekeeper import wiring

    found = wiring.status(opened(caller))
    caller.answer(_machine(found), lambda: _shown(found))


def _machine(found: Status) -> dict[str, Any]:
    content = [asdict(p) | {"lag": p.lag, "room": p.room} for p in found.content]
    return asdict(found) | {"content": content, "lag": found.lag}


def _shown(found: Status) -> RenderableType:
    parts = [
        *_unanswered(found.unanswered),
        *_pressing(found),
        *_not_applied(found),
        *_unswept(found.unswept),
        _logs(found),
        Text(),
        _datasets(found),
        Text(),
    ]
    return Group(*parts, _dead_letters(found))


def _unanswered(unanswered: tuple[Unanswered, ...]) -> list[RenderableType]:
    """What nobody can read may be a withdrawal: it stands first, and it shouts."""
    parts: list[RenderableType] = []
    for record in unanswered:
        effect = f"{record.subject} is held" if record.subject else "no release may be published"
        parts.append(Text(f" UNREADABLE rights event {record.position}: {effect} until it is answered ", style="shout"))
        parts.append(Text(f"  {record.reason}: {record.detail}"))
        parts.append(Text(f"  {record.text}", style="quiet"))
        parts.append(Text(f"  gatekeeper rights resolve {record.position} --because …\n", style="do"))
    return parts


def _pressing(found: Status) -> list[RenderableType]:
    from gatekeeper.cli.withdrawals import pressing

    lines = list(pressing(found.withdrawals))
    return [*lines, Text("  gatekeeper withdrawals\n", style="do")] if lines else []


def _not_applied(found: Status) -> list[RenderableType]:
    names = [d.name for d in found.datasets if d.applied != "yes"]
    names += ["the policy"] if found.policy_applied != "yes" else []
    if not names:
        return []
    what = f" NOT APPLIED: {', '.join(names)}: the files differ from the rights log; the gate stops "
    return [Text(what, style="shout"), Text("  gatekeeper apply --dry-run\n", style="do")]


def _unswept(events: int) -> list[RenderableType]:
    if not events:
        return []
    since = f"{number(events)} rights event{'s' if events > 1 else ''} since the last sweep: run gatekeeper sweep"
    return [Text(f" {since}\n", style="hold")]


def _logs(found: Status) -> RenderableType:
    rows = table("log", "decided", "end", "lag", "kept beyond it", numbers=("decided", "end", "lag", "kept beyond it"))
    for p in found.content:
        style = "deny" if p.room < 0 else "hold" if p.lag else ""
        cells = (f"content {p.partition}", number(p.next), number(p.end), number(p.lag), number(p.room))
        rows.add_row(*(Text(cell, style=style) for cell in cells))
    behind = found.rights_end - found.rights_kept
    rows.add_row("rights", number(found.rights_kept), number(found.rights_end), number(behind), "everything")
    return rows


def _datasets(found: Status) -> RenderableType:
    rows = table("dataset", *_VERDICTS, "rows", "behind", "applied", numbers=(*_VERDICTS, "rows", "behind"))
    for d in found.datasets:
        counts = [Text(number(d.verdicts.get(v, 0)), style=v if d.verdicts.get(v) else "quiet") for v in _VERDICTS]
        folded = ["-" if value is None else number(value) for value in (d.rows, d.behind)]
        rows.add_row(d.name, *counts, *folded, Text(d.applied, style="" if d.applied == "yes" else "hold"))
    return rows if found.datasets else Text("No dataset is declared.")


def _dead_letters(found: Status) -> RenderableType:
    if not found.dead_letters:
        return Text("No dead letters.")
    rows = table("dead letters", "reason", numbers=("dead letters",))
    for reason, count in found.dead_letters.items():
        rows.add_row(number(count), reason)
    return rows

"""A trace as people read it: one page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gatekeeper.cli.theme import number, table, verdict

if TYPE_CHECKING:
    from gatekeeper.stages.trace.holding import Holding
    from gatekeeper.stages.trace.life import Life
    from gatekeeper.stages.trace.membership import Mention
    from gatekeeper.wiring.tracing import Traced

SHOWN_MAX = 20
"""Recordings of a rightsholder on the page; ``--json`` has all."""


def lives(traced: Traced) -> RenderableType:
    """Every asset that answers, one after the other."""
    parts: list[RenderableType] = []
    for one in traced.asked:
        parts += [Text(one.because, style="permit" if one.member else "deny"), Text()]
    for life in traced.lives:
        parts += [*_life(life), Text()]
    return Group(*parts[:-1])


def holder(found: Holding) -> RenderableType:
    """What a party or account asks."""
    parts: list[RenderableType] = [
        Text.assemble((found.subject, "name"), f": {number(len(found.recordings))} recordings")
    ]
    rows = table("dataset", "verdict", "reason", "holder", "recordings", "for example", numbers=("recordings",))
    for one in found.answers:
        counted = number(one.recordings)
        rows.add_row(one.dataset, verdict(one.verdict), one.reason, one.holder or "-", counted, one.example)
    parts += [Text(), rows, Text()]
    if found.releases:
        rows = table("release", "recordings", "recalled", "why", "models", "", numbers=("recordings", "recalled"))
        for inside in found.releases:
            why = ", ".join(f"{reason} ({count})" for reason, count in sorted(inside.reasons.items()))
            counts = (number(inside.recordings), number(inside.recalled))
            mark = Text("latest" if inside.latest else "", style="name")
            rows.add_row(inside.release, *counts, why, ", ".join(inside.models) or "-", mark)
        parts += [rows, Text()]
    else:
        parts += [Text("None of them is in a release."), Text()]
    return Group(*parts, *_recordings(found), *_can_do(found))


def _recordings(found: Holding) -> Iterator[RenderableType]:
    rows = table("recording", "title", "datasets", "releases")
    for one in found.recordings[:SHOWN_MAX]:
        inside = [name for name, told in one.decisions.items() if told["verdict"] == "permit"]
        held = [f"{name} (recalled)" if told["recalled"] else name for name, told in one.releases.items()]
        rows.add_row(one.asset_id, one.title or "", ", ".join(sorted(inside)) or "-", ", ".join(held) or "-")
    yield rows
    if len(found.recordings) > SHOWN_MAX:
        yield Text(f"… and {number(len(found.recordings) - SHOWN_MAX)} more (--json has all)", style="quiet")
    yield Text()


def _can_do(found: Holding) -> Iterator[RenderableType]:
    yield Text("what can be done", style="name")
    told: dict[tuple[str, str], tuple[str, ...]] = {(one.dataset, one.reason): one.can_do for one in found.answers}
    for (dataset, reason), sentences in told.items():
        yield Text(f"  {dataset}, {reason}:")
        rows = Table.grid(padding=(0, 1))
        for sentence in sentences:
            rows.add_row(Text("    -"), Text(sentence))
        yield rows


def _life(life: Life) -> Iterator[RenderableType]:
    yield Text.assemble((life.asset_id, "name"), f" ({life.title})" if life.title else "")
    if not life.events:
        yield Text("  no event of it is in the catalogue")
    else:
        rows = table("event", "type", "time", "account", "holders", "ISRC", "content hash")
        for event in life.events:
            holders = ", ".join(f"{one['party_id']} ({one['role']})" for one in event["interests"]) or "-"
            hashed = (event["content_sha256"] or "-")[:12]
            cells = (event["event"], event["type"], event["time"], event["account_id"], holders)
            rows.add_row(*cells, event["isrc"] or "-", hashed)
        yield rows
    yield Text()
    yield from _decisions(life)
    yield from _tables(life)
    yield from _releases(life)
    yield from _copies(life)


def _decisions(life: Life) -> Iterator[RenderableType]:
    rows = table(
        "dataset", "verdict", "reason", "holder", "evidence", "by", "rights", "decided at", numbers=("rights",)
    )
    for row in life.decisions:
        cells = (row["dataset"], verdict(row["verdict"]), row["reason"], row["holder"] or "-", row["evidence"])
        rows.add_row(*cells, row["driver"], str(row["rights_position"]), row["decided_at"])
    yield rows if life.decisions else Text("nothing was decided on it")
    yield Text()


def _tables(life: Life) -> Iterator[RenderableType]:
    inside = [f"{name} (event {row['event']})" for name, row in life.tables.items() if row is not None]
    yield Text(f"in the tables of: {', '.join(inside) or 'no dataset'}")


def _releases(life: Life) -> Iterator[RenderableType]:
    if not life.releases:
        yield Text("in no release")
        return
    rows = table("release", "event", "reason", "evidence", "recalled")
    recalls = {(mention.release, mention.recall): mention for mention in life.recalls}
    for row in life.releases:
        mention = recalls.get((row.release, row.recall or ""))
        recalled = Text(f"{row.recall}{_why(mention)}", style="deny") if row.recall else Text("-")
        rows.add_row(row.release, row.event, row.reason, row.evidence, recalled)
    yield rows


def _why(mention: Mention | None) -> str:
    """What a recall says of why, if it says anything."""
    if mention is None or mention.why is None:
        return ""
    same = f", {mention.why.same_as}" if mention.why.same_as else ""
    return f": {mention.why.reason} ({mention.why.evidence}){same}"


def _copies(life: Life) -> Iterator[RenderableType]:
    if not life.copies:
        return
    yield Text()
    rows = table("the same recording", "shares", "last decisions", "releases")
    for copy in life.copies:
        last = ", ".join(f"{name}: {told['verdict']} {told['reason']}" for name, told in sorted(copy.last.items()))
        rows.add_row(copy.asset_id, f"{copy.shares} {copy.value}", last or "-", ", ".join(copy.releases) or "-")
    yield rows

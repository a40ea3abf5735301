"""An explanation as people read it: the answer, why, what else was looked at, what would change it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gatekeeper.cli.theme import table, verdict
from gatekeeper.core.advice import use_in_words
from gatekeeper.core.decision import VERDICT_OF, Heard
from gatekeeper.core.policy import Policy
from gatekeeper.core.statements import Mismatch, Statement
from gatekeeper.core.times import ALWAYS_US, format_instant
from gatekeeper.stages.explain import Told, differs, licence_of, signals_of

SIGNAL_CHARS_SHOWN = 120
_MARK = ">"
"""Stands before the statement that decided."""


def shown(told: Told, recorded: Mapping[str, Any] | None) -> RenderableType:
    """The whole page."""
    parts: list[RenderableType] = [_answer(told), Text()]
    for heard in told.explanation.interests:
        parts += [_interest(heard, told.explanation.decision.policy), Text()]
    parts += _signals(told)
    parts += _changes(told)
    parts += _sources(told)
    parts += _on_record(told, recorded)
    return Group(*parts)


def _answer(told: Told) -> RenderableType:
    decision = told.explanation.decision
    title = told.event.get("title")
    name = Text.assemble((told.event["asset_id"], "name"), f" ({title})" if title else "")
    lines = Table.grid(padding=(0, 2))
    lines.add_row(verdict(str(decision.verdict)), name, Text(f"for {told.declaration.name}"))
    facts = table("", "")
    facts.show_header = False
    facts.add_row("use", use_in_words(told.declaration.use))
    facts.add_row("reason", decision.reason)
    facts.add_row("holder", decision.holder or "nobody in particular")
    facts.add_row("evidence", decision.evidence)
    facts.add_row("decided at", f"{format_instant(decision.instant_us)}, rights position {decision.rights_position}")
    if licence := licence_of(told):
        said = "in the policy's table" if licence.in_table else "the policy's table does not name it"
        known = f"{licence.id} ({licence.spelling})" if licence.id else licence.spelling
        facts.add_row("licence", f"{known}, {said}")
    if told.explanation.missing_roles:
        facts.add_row("missing", f"nobody is declared for: {', '.join(told.explanation.missing_roles)}")
    return Group(lines, Padding(facts, (0, 0, 0, 2), expand=False))


def _interest(heard: Heard, policy: Policy) -> RenderableType:
    answer = verdict(str(VERDICT_OF[heard.decided_by.says]))
    heading = Text.assemble("the interest of ", (heard.holder, "name"), ": ", answer, f"  {heard.decided_by.reason}")
    rows = table("", "layer", "statement", "says", "about", "in force", "why it did not decide")

    def place(pair: tuple[Statement, Mismatch | None]) -> tuple[bool, bool, int, int]:
        statement, why = pair
        layer = policy.layers.index(statement.layer)
        return statement is not heard.decided_by, why is not None, layer, statement.position

    for statement, why in sorted(heard.considered, key=place):
        rows.add_row(*_row(statement, why, decided=statement is heard.decided_by))
    return Group(
        heading, Padding(rows, (0, 0, 0, 2), expand=False) if heard.considered else Text("  nothing was said about it")
    )


def _row(s: Statement, why: Mismatch | None, *, decided: bool) -> Iterator[Text | str]:
    style = "name" if decided else "quiet" if why else ""
    about = " ".join(filter(None, (s.subject or "", f"by {s.speaker}" if s.speaker and s.speaker != s.subject else "")))
    reason = "decided" if decided else str(why) if why else "something above it spoke"
    cells = (_MARK if decided else "", s.layer, s.ref, f"{s.says}: {s.reason}", about, _interval(s), reason)
    return (Text(cell, style=style) for cell in cells)


def _interval(s: Statement) -> str:
    begins = format_instant(s.from_us) if s.from_us > -ALWAYS_US else ""
    ends = format_instant(s.until_us) if s.until_us < ALWAYS_US else ""
    return f"{begins} .. {ends}" if begins or ends else "always"


def _signals(told: Told) -> list[RenderableType]:
    """What came with the asset, in its own words, and how it was read."""
    found = signals_of(told)
    if not found:
        return []
    rows = table("signal", "written against", "says", "read as")
    for signal in found:
        said = signal["statement"]
        short = said if len(said) <= SIGNAL_CHARS_SHOWN else said[:SIGNAL_CHARS_SHOWN] + "…"
        read = "\n".join(signal["read"]) or "a no to nothing; a yes grants nothing"
        rows.add_row(signal["vocabulary"], signal["vocabulary_version"] or "", short, read)
    return [Text("signals that came with it", style="name"), Padding(rows, (0, 0, 0, 2), expand=False), Text()]


def _changes(told: Told) -> list[RenderableType]:
    if not told.advice:
        return []
    rows = Table.grid(padding=(0, 1))
    for sentence in told.advice:
        rows.add_row(Text("  -"), Text(sentence))
    return [Text("what would change it", style="name"), rows, Text()]


def _sources(told: Told) -> list[RenderableType]:
    """The event that decided, as it stands on the log."""
    name = told.explanation.decision.statement
    source = told.sources.get(name)
    if source is None:
        return []
    if not isinstance(source, dict):
        return [Text.assemble((name, "name"), f" says: {source}"), Text()]
    rows = Table.grid(padding=(0, 2))
    for field, value in source.get("data", {}).items():
        rows.add_row(
            Text(f"  {field}"), Text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        )
    origin = f"  {source.get('type')}, {source.get('time')}, id {source.get('id')} from {source.get('source')}"
    return [Text.assemble((name, "name"), (origin, "quiet")), rows, Text()]


def _on_record(told: Told, recorded: Mapping[str, Any] | None) -> list[RenderableType]:
    if recorded is None:
        return [Text("No decision of the gate on this asset and dataset is on record.", style="quiet")]
    last = f"{recorded['verdict']} {recorded['reason']} ({recorded['evidence']}, {recorded['driver']})"
    if differs(told, recorded):
        return [Text(f"On record is another answer: {last}.", style="hold")]
    return [Text(f"On record is the same answer: {last}.", style="quiet")]

"""``gatekeeper explain``: one decision with everything that was considered, and the events it rests on (design §7).

The reference implementation answers, because it keeps what did not speak and why. Asked about a recorded decision, it
decides again on what stood then: the events up to that one, the rights position, the policy, the instant (P4).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.advice import advice
from gatekeeper.core.asset import Asset, asset_of
from gatekeeper.core.decision import Explanation, Heard, explain
from gatekeeper.core.licences import licence_id, licence_names
from gatekeeper.core.policy import Policy
from gatekeeper.core.removals import Removals
from gatekeeper.core.rights import state_of
from gatekeeper.core.statements import Mismatch, Statement
from gatekeeper.core.times import ALWAYS_US, format_instant
from gatekeeper.core.use import Declaration
from gatekeeper.errors import BadInput
from gatekeeper.evidence.readers import read_reservation
from gatekeeper.ports import RightsRecord
from gatekeeper.stages.gate.barrier import RightsRead

_EVIDENCE = re.compile(r"(?P<statement>.+)@(?P<position>\d{1,18})#(?P<policy>[0-9a-f]{12})", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class Evidence:
    """``rights:41@57#3fa9c1d2e4b5``: statement, rights position, first 12 hexadecimal digits of the policy's digest."""

    statement: str
    position: int
    policy: str


def parse_evidence(text: str) -> Evidence:
    """The parts of an evidence string. Raises ``BadInput``."""
    found = _EVIDENCE.fullmatch(text)
    if found is None:
        raise BadInput(f"{text!r} is no evidence", "copy it from a decision: <statement>@<rights position>#<policy>")
    return Evidence(found["statement"], int(found["position"]), found["policy"])


@dataclass(frozen=True)
class Known:
    """What a decision is explained on. ``records`` are the raw rights records of ``events``, position for position."""

    policy: Policy
    declaration: Declaration
    records: Sequence[RightsRecord]
    events: Sequence[RightsRead]
    position: int
    instant_us: int


@dataclass(frozen=True)
class Told:
    """The answer: ``event`` is the content row decided on, ``sources`` the events by the ``ref`` that names them."""

    event: Mapping[str, Any]
    declaration: Declaration
    explanation: Explanation
    advice: tuple[str, ...]
    sources: Mapping[str, Any]


def tell(event: Mapping[str, Any], asset: Asset, known: Known) -> Told:
    """The decision on an asset as its content row ``event`` makes it, explained."""
    state = state_of(known.events, known.position)
    explanation = explain(asset, known.declaration.use, state, known.policy, known.instant_us)
    advised = advice(explanation, known.declaration.use)
    return Told(event, known.declaration, explanation, advised, _sources(explanation, known.records))


def differs(told: Told, recorded: Mapping[str, Any]) -> bool:
    """Whether a recorded decision gave another answer, or the same one for another reason."""
    decision = told.explanation.decision
    now = (str(decision.verdict), decision.reason, decision.holder, decision.statement)
    then = (recorded["verdict"], recorded["reason"], recorded["holder"])
    return now != (*then, parse_evidence(recorded["evidence"]).statement)


def latest(history: pa.Table, asset_id: str) -> tuple[dict[str, Any], Asset]:
    """Content rows → the asset's latest event (highest offset) and the asset as its stream knows it. ``BadInput``."""
    rows = history.filter(pc.equal(history["asset_id"], asset_id))
    if rows.num_rows == 0:
        do = "run `gatekeeper gate --drain`, or give its event with --event FILE; ids compare exactly"
        raise BadInput(f"no event of the asset {asset_id!r} is in the catalogue", do)
    partitions = pc.unique(rows["partition"]).to_pylist()
    row = rows.sort_by([("offset", "descending")]).slice(0, 1).to_pylist()[0]
    rows = rows.filter(pc.equal(rows["partition"], row["partition"])).sort_by("offset")
    row["removed_by"] = Removals().covering(rows)[-1].as_py()
    row["conflicting"] = len(partitions) > 1
    return row, asset_of(row)


def _sources(explanation: Explanation, records: Sequence[RightsRecord]) -> dict[str, Any]:
    by_position = {record.position: record.value for record in records}
    refs = [s.ref for heard in explanation.interests for s, _ in heard.considered]
    refs.append(explanation.decision.statement)
    rights = [ref for ref in dict.fromkeys(refs) if ref.startswith("rights:")]
    return {ref: _document(by_position.get(int(ref.removeprefix("rights:")))) for ref in rights}


def _document(value: bytes | None) -> Any:
    """The event as it stands on the log; of an unreadable one the bytes, as text."""
    try:
        return json.loads(value or b"")
    except ValueError:
        return (value or b"").decode("utf-8", "backslashreplace")


def as_document(told: Told) -> dict[str, Any]:
    """Everything as one JSON object (``--json``)."""
    decision, use = told.explanation.decision, told.declaration.use
    return {
        "asset_id": told.event["asset_id"],
        "dataset": told.declaration.name,
        "use": {"purpose": use.purpose, "territories": sorted(use.territories), "model": use.model},
        "event": {name: told.event[name] for name in ("event_id", "type", "topic", "partition", "offset")},
        "title": told.event.get("title"),
        "artists": list(told.event.get("artists") or ()),
        "verdict": str(decision.verdict),
        "reason": decision.reason,
        "holder": decision.holder,
        "evidence": decision.evidence,
        "rights_position": decision.rights_position,
        "policy": decision.policy.digest,
        "decided_at": format_instant(decision.instant_us),
        "licence": asdict(licence) if (licence := licence_of(told)) else None,
        "signals": signals_of(told),
        "missing_roles": list(told.explanation.missing_roles),
        "interests": [_heard(heard) for heard in told.explanation.interests],
        "what_would_change_it": list(told.advice),
        "sources": dict(told.sources),
    }


@dataclass(frozen=True)
class Licence:
    """The asset's licence: as spelled, the id that the policy's spellings give it, and whether a row names it."""

    spelling: str
    id: str | None
    in_table: bool


def licence_of(told: Told) -> Licence | None:
    """None where the asset names no licence."""
    spelling, policy = told.event.get("licence"), told.explanation.decision.policy
    if not spelling:
        return None
    names = set(licence_names(spelling, policy.spellings))
    in_table = any(not names.isdisjoint(row.names) for row in policy.licences)
    return Licence(spelling, licence_id(spelling, policy.spellings), in_table)


def signals_of(told: Told) -> list[dict[str, Any]]:
    """The reservations that came with the asset, each with what the readers make of it."""
    readers = told.explanation.decision.policy.signals.readers
    found = []
    for r in told.event.get("reservations") or ():
        words = (r["vocabulary"], r.get("vocabulary_version"), r["statement"])
        readings = [f"{x.says}: {x.reason} ({x.term})" for x in read_reservation(*words, readers=readers)]
        found.append({"vocabulary": words[0], "vocabulary_version": words[1], "statement": words[2], "read": readings})
    return found


def _heard(heard: Heard) -> dict[str, Any]:
    considered = [_considered(s, why, heard.decided_by) for s, why in heard.considered]
    return {"holder": heard.holder, "reason": heard.decided_by.reason, "considered": considered}


def _considered(s: Statement, why: Mismatch | None, decided_by: Statement) -> dict[str, Any]:
    return {
        "statement": s.ref,
        "layer": s.layer,
        "says": str(s.says),
        "reason": s.reason,
        "speaker": s.speaker,
        "subject": s.subject,
        "purposes": list(s.purposes),
        "territories": sorted(s.territories),
        "models": sorted(s.models),
        "from": format_instant(s.from_us) if s.from_us > -ALWAYS_US else None,
        "until": format_instant(s.until_us) if s.until_us < ALWAYS_US else None,
        "speaks": why is None,
        "decided": s is decided_by,
        "why_not": None if why is None else str(why),
    }

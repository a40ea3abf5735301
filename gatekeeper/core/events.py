"""Rights events as values (design §3): strict reading of one record of the rights log.

A record is either a ``RightsEvent`` or ``Unreadable``; it is never skipped, because what we cannot read may be a
revocation. Field spellings are made comparable here, once; what an event *means* is decided elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gatekeeper.core.problems import Problem
from gatekeeper.core.purposes import Purposes
from gatekeeper.core.strict_json import loads
from gatekeeper.core.subjects import normal_isrc, normal_territory, parse_subject
from gatekeeper.core.times import ALWAYS_US, parse_instant

AHEAD_MAX_US = 5 * 60 * 1_000_000
"""A rights event whose time is further ahead of its arrival than this is unreadable (design §3)."""

UNDATED_RESTRICTIONS = ("rights.consent.withdrawn", "rights.claim.opened", "rights.reservation.declared")


@dataclass(frozen=True, slots=True)
class RightsEvent:
    """A readable rights event. ``data`` holds comparable spellings, instants under ``*_us`` names, empty lists as
    empty.
    """

    position: int
    type: str
    time_us: int
    source: str
    id: str
    data: Mapping[str, Any]

    @property
    def undated_restriction_us(self) -> int | None:
        """The event's own time when it restricts from that time on: no decision may be dated before it (design §5)."""
        undated = self.type in UNDATED_RESTRICTIONS and not self.data.get("dated")
        return self.time_us if undated else None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record nobody can read. ``subject`` is held when it could be read; otherwise no release may be published."""

    position: int
    reason: str
    detail: str
    subject: str | None


ContractCheck = Callable[[Mapping[str, Any]], Problem | None]
"""A parsed document → its first problem with the published contract, or None."""


def read_rights_event(
    position: int, value: bytes | None, arrived_us: int, purposes: Purposes, check: ContractCheck
) -> RightsEvent | Unreadable:
    """One record of the rights log → its event, or why it cannot be read and whom that holds."""
    if value is None:
        return Unreadable(position, "null_value", "the record has no value", None)
    document = loads(value)
    if isinstance(document, Problem):
        return Unreadable(position, document.reason, document.detail, readable_subject(_leniently(value)))
    if not isinstance(document, dict):
        return Unreadable(position, "wrong_type", "the event is not a JSON object", None)
    problem = check(document)
    if problem is not None:
        return Unreadable(position, problem.reason, problem.detail, readable_subject(document))
    event = _normal(position, document)
    late = _late_problem(event, arrived_us, purposes)
    return event if late is None else Unreadable(position, *late, readable_subject(document))


def readable_subject(document: object) -> str | None:
    """The subject of an event that is otherwise unreadable, where it can still be read."""
    if not isinstance(document, dict):
        return None
    data = document.get("data")
    data = data if isinstance(data, dict) else {}
    spoken = (("", data.get("subject")), ("party:", data.get("party_id")), ("account:", data.get("account_id")))
    for prefix, text in (*spoken, ("", document.get("subject"))):
        if isinstance(text, str):
            try:
                return parse_subject(prefix + text)
            except ValueError:
                continue
    return None


def _leniently(value: bytes) -> object:
    """What a forgiving reader sees in bytes that we refuse: enough to find whom a revocation may be about."""
    try:
        return json.loads(value.decode(errors="replace"), strict=False, object_pairs_hook=_unambiguous)
    except (ValueError, RecursionError):
        return None


def _unambiguous(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Of a key that stands twice with two values nobody can say which was meant: neither is read."""
    found: dict[str, object] = {}
    for key, value in pairs:
        found[key] = value if found.get(key, value) == value else None
    return found


def _late_problem(event: RightsEvent, arrived_us: int, purposes: Purposes) -> tuple[str, str] | None:
    if event.time_us > arrived_us + AHEAD_MAX_US:
        return "time_ahead", "`time` is more than 5 minutes ahead: mend the producer's clock and send it again"
    named = [*event.data.get("purposes", ()), *event.data.get("permits", ()), *event.data.get("prohibits", ())]
    named += event.data.get("grants", {})
    if unknown := purposes.unknown(named):
        return "unknown_purpose", f"purpose {unknown[0]!r} is not in the policy"
    return None


def _normal(position: int, document: Mapping[str, Any]) -> RightsEvent:
    time_us = parse_instant(document["time"])
    data = {key: value for key, value in document["data"].items() if value is not None}
    return RightsEvent(position, document["type"], time_us, document["source"], document["id"], _fields(data, time_us))


def _fields(data: dict[str, Any], time_us: int) -> dict[str, Any]:
    fields = dict(data)
    for name in ("speaker", "subject"):
        if name in data:
            fields[name] = parse_subject(data[name])
    for name in ("effective_from", "accepted_at"):
        if name in data:
            fields[f"{name}_us"] = parse_instant(data[name])
    fields["dated"] = "valid_from" in data
    fields["from_us"] = parse_instant(data["valid_from"]) if "valid_from" in data else time_us
    fields["until_us"] = parse_instant(data["valid_until"]) if "valid_until" in data else ALWAYS_US
    fields["territories"] = frozenset(normal_territory(t) for t in data.get("territories") or ())
    fields["models"] = frozenset(data.get("models") or ())
    for name in ("purposes", "permits", "prohibits"):
        fields[name] = tuple(data.get(name) or ())
    if "scope" in data:
        fields["scope"] = _scope(data["scope"])
    return fields


def _scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "all": bool(scope.get("all")),
        "catalogs": frozenset(scope.get("catalogs") or ()),
        "isrcs": frozenset(normal_isrc(i) for i in scope.get("isrcs") or ()),
        "assets": frozenset(scope.get("assets") or ()),
    }

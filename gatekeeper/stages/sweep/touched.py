"""What a decision may have changed with since the last sweep: subjects, or everything.

Rules of this file: it may name too much, never too little; what cannot be bounded is everything. An event touches the
subjects it speaks of; one that names only an id (a termination, a resolution) touches what the id spoke of before; a
replaced agreement touches its old scope too. Terms, a policy and a declaration touch everything. Time touches the
subjects of statements that began or ended since, which the rights snapshot knows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gatekeeper.core.events import AHEAD_MAX_US, RightsEvent, Unreadable
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.subjects import KINDS

RightsRead = RightsEvent | Unreadable
Earlier = Callable[[Collection[str]], Iterable[RightsRead]]
"""Types → the events of these types before the first of the news."""

SUBJECTS_MAX = 1_000_000
"""With more subjects than this, looking each of them up costs more than deciding everything."""
CLOCKS_DIFFER_US = AHEAD_MAX_US
"""A gate whose clock is behind may have decided so much before the last sweep's instant, and after its commit."""

EVERYTHING = {
    "rights.terms.published": "terms were published",
    "policy.activated": "a policy was activated",
    "dataset.declared": "a dataset was declared",
}
"""Types that no subject bounds, and why in words."""
_BY_ID = {
    "rights.agreement.signed": ("rights.agreement.signed", "agreement_id"),
    "rights.agreement.terminated": ("rights.agreement.signed", "agreement_id"),
    "rights.claim.resolved": ("rights.claim.opened", "claim_id"),
}
"""Types that also touch what earlier events of a type said under the same id."""


@dataclass(frozen=True)
class Touched:
    """``everything`` says why no subject bounds it; then ``subjects`` mean nothing."""

    subjects: frozenset[str] = field(default_factory=frozenset)
    everything: str | None = None

    def __or__(self, other: Touched) -> Touched:
        joined = Touched(self.subjects | other.subjects, self.everything or other.everything)
        return _bounded(joined)


def by_events(news: Iterable[RightsRead], earlier: Earlier, unreadable: Mapping[int, Unreadable]) -> Touched:
    """What these events touch. ``unreadable``: position → the records that nobody could read, answered or not."""
    subjects: set[str] = set()
    ids: dict[str, set[tuple[str, str]]] = {}
    for event in news:
        if isinstance(event, RightsEvent):
            if event.type in EVERYTHING:
                return Touched(everything=EVERYTHING[event.type])
            if event.type in _BY_ID:
                spoken, name = _BY_ID[event.type]
                ids.setdefault(spoken, set()).add((name, event.data[name]))
        subjects.update(_subjects(event, unreadable))
    if ids:
        for event in (*earlier(tuple(ids)), *news):
            if isinstance(event, RightsEvent) and _names_one(event, ids.get(event.type, set())):
                subjects.update(_subjects(event, unreadable))
    return _bounded(Touched(frozenset(subjects)))


def by_time(snapshot: Snapshot, since_us: int, until_us: int) -> Touched:
    """What began or ended to speak after one instant (less what clocks may differ), until and with the other."""
    low = since_us - CLOCKS_DIFFER_US
    if any(low < version.effective_us <= until_us for version in snapshot.intake.terms.versions):
        return Touched(everything="terms took effect")
    subjects: set[str] = set()
    for level in snapshot.tables():
        rows = level.changed_between(low, until_us)
        if len(rows) > SUBJECTS_MAX:
            return Touched(everything="too many statements began or ended")
        keys = level.keys
        pairs = np.unique(np.stack([level.kind[rows].astype(np.int64), level.key_at[rows].astype(np.int64)]), axis=1)
        subjects.update(f"{KINDS[kind]}:{keys.key(at).decode()}" for kind, at in pairs.T.tolist())
    return _bounded(Touched(frozenset(subjects)))


def _bounded(touched: Touched) -> Touched:
    if touched.everything is None and len(touched.subjects) > SUBJECTS_MAX:
        return Touched(everything="too many subjects are touched")
    return touched


def _names_one(event: RightsEvent, ids: Collection[tuple[str, str]]) -> bool:
    return any(event.data.get(name) == wanted for name, wanted in ids)


def _subjects(event: RightsRead, unreadable: Mapping[int, Unreadable]) -> Iterator[str]:
    """Subjects an event speaks of itself, in comparable spelling."""
    if isinstance(event, Unreadable):
        if event.subject is not None:
            yield event.subject
        return
    data = event.data
    match event.type:
        case "rights.agreement.signed":
            yield from _scope(data)
        case "rights.terms.accepted":
            yield f"account:{data['account_id']}"
        case "rights.unreadable.answered":
            record = unreadable.get(data["position"])
            if record is not None and record.subject is not None:
                yield record.subject
        case _ if "subject" in data:
            yield data["subject"]


def _scope(data: Mapping[str, Any]) -> Iterator[str]:
    scope = data.get("scope") or {}
    if scope.get("all"):
        yield f"party:{data['party_id']}"
    for name, kind in (("catalogs", "catalog"), ("isrcs", "isrc"), ("assets", "asset")):
        yield from (f"{kind}:{key}" for key in scope.get(name) or ())

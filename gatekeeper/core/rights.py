"""The rights state: what has been said up to a position of the rights log (design §3, §4).

This is the readable form that the reference implementation and ``explain`` use. It keeps everything ever said, so one
state answers for any instant. Events are applied in order of position; the same ``source`` and ``id`` counts once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from gatekeeper.core.events import RightsEvent, Unreadable
from gatekeeper.core.times import ALWAYS_US
from gatekeeper.errors import Bug


@dataclass(frozen=True, slots=True)
class Span:
    """A claim or a declared reservation, and when it was closed (``ALWAYS_US`` while open)."""

    opened: RightsEvent
    closed_us: int = ALWAYS_US


@dataclass(frozen=True, slots=True)
class Agreement:
    """The last signing of an agreement id and the earliest termination since."""

    signed: RightsEvent
    terminated_us: int = ALWAYS_US


@dataclass
class RightsState:
    """Everything said below ``position``.

    Found by: consents by subject; agreements by id, and ids by party; claims by id, and ids by subject; reservations by
    (subject, vocabulary), and vocabularies by subject; acceptances by (account, terms id) → the earliest instant.
    """

    position: int = 0
    terms: list[RightsEvent] = field(default_factory=list)
    accepted: dict[tuple[str, str], int] = field(default_factory=dict)
    consents: dict[str, list[RightsEvent]] = field(default_factory=lambda: defaultdict(list))
    agreements: dict[str, Agreement] = field(default_factory=dict)
    claims: dict[str, list[Span]] = field(default_factory=lambda: defaultdict(list))
    reservations: dict[tuple[str, str], list[Span]] = field(default_factory=lambda: defaultdict(list))
    agreements_of: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    claims_about: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    reserved: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    unreadable: dict[int, Unreadable] = field(default_factory=dict)
    answered: dict[int, RightsEvent] = field(default_factory=dict)
    policy_digest: str | None = None
    datasets: dict[str, str] = field(default_factory=dict)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def apply(self, record: RightsEvent | Unreadable) -> None:
        """Take the next record. Raises ``Bug`` where records come out of order."""
        if record.position < self.position:
            raise Bug(f"rights record {record.position} applied after {self.position}")
        self.position = record.position + 1
        if isinstance(record, Unreadable):
            self.unreadable[record.position] = record
        elif (record.source, record.id) not in self._seen:
            self._seen.add((record.source, record.id))
            _APPLY[record.type](self, record)

    @property
    def unanswered(self) -> list[Unreadable]:
        return [u for position, u in self.unreadable.items() if position not in self.answered]


def state_of(records: Iterable[RightsEvent | Unreadable], position: int | None = None) -> RightsState:
    """The state at a position (all records when None)."""
    state = RightsState()
    for record in records:
        if position is not None and record.position >= position:
            break
        state.apply(record)
    if position is not None:
        state.position = position
    return state


def _terms_published(state: RightsState, event: RightsEvent) -> None:
    state.terms.append(event)


def _terms_accepted(state: RightsState, event: RightsEvent) -> None:
    key = (event.data["account_id"], event.data["terms_id"])
    state.accepted[key] = min(state.accepted.get(key, ALWAYS_US), event.data["accepted_at_us"])


def _consent(state: RightsState, event: RightsEvent) -> None:
    state.consents[event.data["subject"]].append(event)


def _agreement_signed(state: RightsState, event: RightsEvent) -> None:
    state.agreements[event.data["agreement_id"]] = Agreement(event)
    state.agreements_of[event.data["party_id"]].add(event.data["agreement_id"])


def _agreement_terminated(state: RightsState, event: RightsEvent) -> None:
    agreement_id = event.data["agreement_id"]
    if agreement := state.agreements.get(agreement_id):
        ends = min(agreement.terminated_us, event.data["effective_from_us"])
        state.agreements[agreement_id] = replace(agreement, terminated_us=ends)


def _close(spans: list[Span], event: RightsEvent) -> None:
    spans[:] = [replace(s, closed_us=event.time_us) if s.closed_us == ALWAYS_US else s for s in spans]


def _claim_opened(state: RightsState, event: RightsEvent) -> None:
    state.claims[event.data["claim_id"]].append(Span(event))
    state.claims_about[event.data["subject"]].add(event.data["claim_id"])


def _claim_resolved(state: RightsState, event: RightsEvent) -> None:
    _close(state.claims[event.data["claim_id"]], event)


def _reservation_declared(state: RightsState, event: RightsEvent) -> None:
    state.reservations[event.data["subject"], event.data["vocabulary"]].append(Span(event))
    state.reserved[event.data["subject"]].add(event.data["vocabulary"])


def _reservation_lifted(state: RightsState, event: RightsEvent) -> None:
    _close(state.reservations[event.data["subject"], event.data["vocabulary"]], event)


def _policy_activated(state: RightsState, event: RightsEvent) -> None:
    state.policy_digest = event.data["digest"]


def _dataset_declared(state: RightsState, event: RightsEvent) -> None:
    state.datasets[event.data["name"]] = event.data["digest"]


def _dataset_retired(state: RightsState, event: RightsEvent) -> None:
    state.datasets.pop(event.data["name"], None)


def _unreadable_answered(state: RightsState, event: RightsEvent) -> None:
    if event.data["position"] in state.unreadable:
        state.answered[event.data["position"]] = event


_APPLY = {
    "rights.terms.published": _terms_published,
    "rights.terms.accepted": _terms_accepted,
    "rights.consent.granted": _consent,
    "rights.consent.withdrawn": _consent,
    "rights.agreement.signed": _agreement_signed,
    "rights.agreement.terminated": _agreement_terminated,
    "rights.claim.opened": _claim_opened,
    "rights.claim.resolved": _claim_resolved,
    "rights.reservation.declared": _reservation_declared,
    "rights.reservation.lifted": _reservation_lifted,
    "policy.activated": _policy_activated,
    "dataset.declared": _dataset_declared,
    "dataset.retired": _dataset_retired,
    "rights.unreadable.answered": _unreadable_answered,
}

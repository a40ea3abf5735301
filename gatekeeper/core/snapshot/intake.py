"""Rights events → statement rows (design §3, §4).

Rules of this file: one function per event type, a table says which; every function only adds rows, ends them (the first
end counts) or drops them. What is already sealed is reached through ``Sealed``; whatever a function needs from there
was looked up for the whole block of events beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from gatekeeper.core.events import RightsEvent, Unreadable
from gatekeeper.core.policy import Policy
from gatekeeper.core.signals import hear
from gatekeeper.core.snapshot.reasons import CODE_ACCEPTED, CODE_MARK, CODES
from gatekeeper.core.snapshot.rows import ACCOUNT, BEFORE_ALL_US, KIND_OF, NEVER, NOBODY, PARTY, Recent
from gatekeeper.core.snapshot.scopes import EVERYTHING, Scope
from gatekeeper.core.snapshot.terms import Terms
from gatekeeper.core.times import ALWAYS_US

_OPT_IN = CODES["wishes", "consent.opt_in"]
_WITHDRAWN = CODES["wishes", "consent.withdrawn"]
_AGREED = CODES["agreement", "agreement.permit"]
_BARRED = CODES["agreement", "agreement.prohibit"]
_UNREADABLE = CODES["claim", "evidence.unreadable"]


class Sealed(Protocol):
    """What intake asks of rows that are no longer growing."""

    def speaker_of(self, kind: int, key: str) -> int | None:
        """The number of a party or account that is already known."""

    def end(self, ref: str, at_us: int) -> None:
        """The open rows of a claim or reservation end; rows that have ended stay as they are."""

    def shorten(self, ref: str, until_us: int) -> None:
        """The rows of an agreement end no later than this."""

    def drop(self, ref: str) -> None:
        """The rows count at no instant any more."""

    def take_back(self, kind: int, key: str, speaker: int, recent: Recent) -> None:
        """A speaker's consents on a subject move to ``recent``, so that they are weighed together with a new one."""


@dataclass
class Intake:
    """Where rows come to be. ``scopes`` numbers the distinct scopes; ``speakers`` the parties and accounts met since
    the last seal.
    """

    policy: Policy
    recent: Recent = field(default_factory=Recent)
    scopes: dict[Scope, int] = field(default_factory=lambda: {EVERYTHING: 0})
    terms: Terms = field(default_factory=Terms)
    speakers: dict[str, int] = field(default_factory=dict)
    next_speaker: int = 0

    def apply(self, record: RightsEvent | Unreadable, sealed: Sealed) -> None:
        """One event, in order of position. Types that say nothing about permission pass."""
        if isinstance(record, Unreadable):
            _unreadable(self, record, sealed)
        elif (function := _BY_TYPE.get(record.type)) is not None:
            function(self, record, sealed)

    def scope(self, scope: Scope) -> int:
        return self.scopes.setdefault(scope, len(self.scopes))

    def speaker(self, kind: int, key: str, sealed: Sealed) -> int:
        """The number of a party or account; a new one gets a row of its own, so that it stays known."""
        name = f"{kind}:{key}"
        number = self.speakers.get(name)
        if number is None:
            number = sealed.speaker_of(kind, key)
            if number is None:
                number = self.next_speaker
                self.next_speaker += 1
                self.recent.add(kind, key, CODE_MARK, number, 0, 0, NEVER, NEVER)
            self.speakers[name] = number
        return number

    def add(
        self,
        subject: str,
        code: int,
        scope: int,
        span: tuple[int, int],
        record: RightsEvent | Unreadable,
        ref: str,
        sealed: Sealed,
    ) -> None:
        """A statement that counts for every interest of whatever answers to the subject."""
        prefix, _, key = subject.partition(":")
        kind = KIND_OF[prefix]
        speaker = self.speaker(kind, key, sealed) if kind in {PARTY, ACCOUNT} else NOBODY
        self.recent.add(kind, key, code, speaker, record.position, scope, *span, ref)


def _terms_published(intake: Intake, event: RightsEvent, _: Sealed) -> None:
    data = event.data
    intake.terms.publish(
        data["terms_id"], data["effective_from_us"], data["acceptance"], data["grants"], event.position
    )


def _terms_accepted(intake: Intake, event: RightsEvent, sealed: Sealed) -> None:
    """The row holds the number of the terms where others hold their position: what counts is the publication."""
    key = event.data["account_id"]
    speaker = intake.speaker(ACCOUNT, key, sealed)
    number = intake.terms.number(event.data["terms_id"])
    intake.recent.add(ACCOUNT, key, CODE_ACCEPTED, speaker, number, 0, event.data["accepted_at_us"], ALWAYS_US)


def _consent(intake: Intake, event: RightsEvent, sealed: Sealed) -> None:
    data = event.data
    speaking, _, name = data["speaker"].partition(":")
    about, _, key = data["subject"].partition(":")
    if speaking not in {"party", "account"}:
        return
    if about in {"party", "account"} and data["subject"] != data["speaker"]:
        return
    speaker = intake.speaker(KIND_OF[speaking], name, sealed)
    is_yes = event.type == "rights.consent.granted"
    scope = intake.scope(Scope(data["purposes"], is_yes, data["territories"], data["models"]))
    kind = KIND_OF[about]
    sealed.take_back(kind, key, speaker, intake.recent)
    code = _OPT_IN if is_yes else _WITHDRAWN
    intake.recent.add(kind, key, code, speaker, event.position, scope, data["from_us"], data["until_us"])


def _agreement_signed(intake: Intake, event: RightsEvent, sealed: Sealed) -> None:
    """Signing replaces what the same id said before. A row per key in scope and per side that the agreement takes."""
    data = event.data
    ref = f"agreement:{data['agreement_id']}"
    _drop(intake, ref, sealed)
    party = intake.speaker(PARTY, data["party_id"], sealed)
    for code, purposes in ((_AGREED, data["permits"]), (_BARRED, data["prohibits"])):
        if purposes:
            scope = intake.scope(Scope(purposes, code == _AGREED, data["territories"], data["models"]))
            for kind, key in _in_scope(event):
                span = (data["from_us"], data["until_us"])
                intake.recent.add(kind, key, code, party, event.position, scope, *span, ref)


def _in_scope(event: RightsEvent) -> list[tuple[int, str]]:
    scope = event.data.get("scope") or {}
    if scope.get("all"):
        return [(PARTY, event.data["party_id"])]
    fields = (("catalogs", "catalog"), ("isrcs", "isrc"), ("assets", "asset"))
    return [(KIND_OF[prefix], key) for name, prefix in fields for key in sorted(scope.get(name) or ())]


def _agreement_terminated(intake: Intake, event: RightsEvent, sealed: Sealed) -> None:
    ref, until_us = f"agreement:{event.data['agreement_id']}", event.data["effective_from_us"]
    sealed.shorten(ref, until_us)
    for row in intake.recent.rows_of(ref):
        intake.recent.until_us[row] = min(intake.recent.until_us[row], until_us)


def _claim_opened(intake: Intake, event: RightsEvent, sealed: Sealed) -> None:
    data = event.data
    scope = intake.scope(Scope(tuple(intake.policy.claims[data["kind"]]), is_yes=False))
    code = CODES["claim", f"claim.{data['kind']}"]
    intake.add(data["subject"], code, scope, (event.time_us, ALWAYS_US), event, f"claim:{data['claim_id']}", sealed)


def _claim_resolved(intake: Intake, event: RightsEvent, sealed: Sealed) -> None:
    _end(intake, f"claim:{event.data['claim_id']}", event.time_us, sealed)


def _reservation_declared(intake: Intake, event: RightsEvent, sealed: Sealed) -> None:
    data, policy = event.data, intake.policy
    words = (data["vocabulary"], data.get("vocabulary_version"), data["statement"])
    for heard in hear(policy.signals, policy.reservations, *words):
        scope = intake.scope(Scope(heard.purposes, is_yes=False))
        code = CODES["wishes", heard.reason]
        intake.add(data["subject"], code, scope, (event.time_us, ALWAYS_US), event, _reservation_ref(event), sealed)


def _reservation_lifted(intake: Intake, event: RightsEvent, sealed: Sealed) -> None:
    _end(intake, _reservation_ref(event), event.time_us, sealed)


def _reservation_ref(event: RightsEvent) -> str:
    return f"reservation:{event.data['vocabulary']}:{event.data['subject']}"


def _unreadable(intake: Intake, record: Unreadable, sealed: Sealed) -> None:
    if record.subject is not None:
        ref = f"unreadable:{record.position}"
        intake.add(record.subject, _UNREADABLE, 0, (BEFORE_ALL_US, ALWAYS_US), record, ref, sealed)


def _unreadable_answered(intake: Intake, event: RightsEvent, sealed: Sealed) -> None:
    _drop(intake, f"unreadable:{event.data['position']}", sealed)


def _end(intake: Intake, ref: str, at_us: int, sealed: Sealed) -> None:
    sealed.end(ref, at_us)
    for row in intake.recent.rows_of(ref):
        if intake.recent.until_us[row] == ALWAYS_US:
            intake.recent.until_us[row] = at_us


def _drop(intake: Intake, ref: str, sealed: Sealed) -> None:
    sealed.drop(ref)
    for row in intake.recent.rows_of(ref):
        intake.recent.from_us[row] = NEVER


_BY_TYPE: dict[str, Callable[[Intake, RightsEvent, Sealed], None]] = {
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
    "rights.unreadable.answered": _unreadable_answered,
}

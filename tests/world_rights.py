"""Generated rights events, readable and not, each from a source of choices.

Rules of this file: an event is valid by design §3 unless it is made to be unreadable, and then its sketch says so;
nothing here knows what an event means for a decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gatekeeper.core.times import format_instant, parse_instant
from tests.world_cast import (
    AHEAD_US,
    DAY_US,
    GRID_US,
    OFTEN_PURPOSES,
    PAST_US,
    PRESENT_US,
    Cast,
    Choices,
    Json,
    a_reservation,
    a_subject,
    an_isrc,
    dates,
    narrowing,
    some,
    written_instant,
)


@dataclass(frozen=True)
class Sketch:
    """A rights event before it has a place on the log. ``back`` counts from the end of what is there already.

    ``identity``: ``own``; ``again`` (an earlier event, delivered once more, byte for byte); ``stolen`` (another event
    under an earlier one's source and id); ``namesake`` (an earlier one's id under another source: another event).
    ``closes``: the type of an earlier event whose words (claim, agreement, subject and vocabulary) this one repeats.
    """

    event: Json = field(default_factory=dict)
    raw: bytes | None = None
    readable: bool = True
    arrived_us: int = PRESENT_US
    identity: str = "own"
    answers: bool = False
    closes: str = ""
    back: int = 0


def rights_sketch(c: Choices, cast: Cast) -> Sketch:
    """One rights event of any kind, readable or not."""
    kind = c.pick(_KINDS)
    if kind == "again":
        return Sketch(identity="again", back=c.pick(range(4)))
    if kind == "answered":
        event = _event("rights.unreadable.answered", PRESENT_US, position=0, because="asked the sender")
        return Sketch(event, answers=True, back=c.pick(range(3)))
    if kind == "unreadable":
        return _UNREADABLE[c.pick(list(_UNREADABLE))](c, cast)
    event = _READABLE[kind](c, cast)
    time_us = parse_instant(event["time"])
    arrived_us = c.pick([PRESENT_US, PRESENT_US, time_us, time_us - AHEAD_US])
    identity = c.pick(["own"] * 18 + ["stolen", "namesake"])
    closes = c.pick(["", _CLOSES[kind], _CLOSES[kind]]) if kind in _CLOSES else ""
    back = c.pick(range(4)) if identity != "own" or closes else 0
    return Sketch(event, arrived_us=arrived_us, identity=identity, closes=closes, back=back)


def shipped_terms() -> list[Sketch]:
    """Both shipped versions of the terms, moved onto the grid."""
    grants = {"service": "permit", "training.analytical": "permit", "training.generative": "unclear"}
    later = {**grants, "training.generative.replication": "opt_in"}
    return [Sketch(_terms_event("t0", GRID_US[0], grants)), Sketch(_terms_event("t1", GRID_US[2], later))]


def _event(kind: str, time: int | str, /, **data: Any) -> Json:
    return {"type": kind, "time": format_instant(time) if isinstance(time, int) else time, "data": data}


def _now(c: Choices) -> str:
    return written_instant(c, c.pick(PAST_US))


def _terms_event(terms_id: str, from_us: int, grants: Json, acceptance: str = "continued_use") -> Json:
    effective = format_instant(from_us)
    return _event("rights.terms.published", from_us, terms_id=terms_id, effective_from=effective, grants=grants,
                  acceptance=acceptance)  # fmt: skip


def _terms_published(c: Choices, cast: Cast) -> Json:
    said = ["permit", "permit", "opt_in", "prohibit", "unclear"]
    grants = {c.pick(OFTEN_PURPOSES): c.pick(said) for _ in range(c.pick(range(4)))}
    acceptance = c.pick(["continued_use", "explicit", "explicit"])
    return _terms_event(c.pick(cast.terms), c.pick(PAST_US), {"service": c.pick(said), **grants}, acceptance)


def _terms_accepted(c: Choices, cast: Cast) -> Json:
    at = _now(c)
    data = {"account_id": c.pick(cast.accounts), "terms_id": c.pick(cast.terms), "accepted_at": at}
    return _event("rights.terms.accepted", at, **data)


def _consent(c: Choices, cast: Cast) -> Json:
    speaker = c.pick([f"account:{c.pick(cast.accounts)}", f"party:{c.pick(cast.parties)}"])
    subject = c.pick([speaker, a_subject(c, cast), a_subject(c, cast)])
    purposes = [c.pick(OFTEN_PURPOSES), *some(c, OFTEN_PURPOSES, 1)]
    kind = c.pick(["rights.consent.granted", "rights.consent.granted", "rights.consent.withdrawn"])
    data = {"speaker": speaker, "subject": subject, "purposes": purposes, **narrowing(c), **dates(c)}
    return _event(kind, _now(c), **data)


def _agreement_signed(c: Choices, cast: Cast) -> Json:
    listed = {
        "catalogs": some(c, cast.catalogs, 1),
        "isrcs": [an_isrc(c, cast) for _ in range(c.pick([0, 0, 1]))],
        "assets": some(c, cast.assets, 1),
    }
    data = {
        "agreement_id": c.pick(cast.agreements),
        "party_id": c.pick(cast.parties),
        "scope": c.pick([{"all": True}, {"all": True}, listed, listed, {}]),
        "permits": some(c, OFTEN_PURPOSES, 2),
        "prohibits": some(c, OFTEN_PURPOSES, 1),
        **narrowing(c),
        **dates(c),
    }
    data.setdefault("valid_from", written_instant(c, GRID_US[0]))
    return _event("rights.agreement.signed", _now(c), **data)


def _agreement_terminated(c: Choices, cast: Cast) -> Json:
    return _event("rights.agreement.terminated", _now(c), agreement_id=c.pick(cast.agreements), effective_from=_now(c))


def _claim_opened(c: Choices, cast: Cast) -> Json:
    kind = c.pick(["takedown", "deletion", "dispute", "account_control"])
    data = {"claim_id": c.pick(cast.claims), "kind": kind, "subject": a_subject(c, cast)}
    return _event("rights.claim.opened", _now(c), **data)


def _claim_resolved(c: Choices, cast: Cast) -> Json:
    return _event("rights.claim.resolved", _now(c), claim_id=c.pick(cast.claims))


def _reservation_declared(c: Choices, cast: Cast) -> Json:
    return _event("rights.reservation.declared", _now(c), subject=a_subject(c, cast), **a_reservation(c))


def _reservation_lifted(c: Choices, cast: Cast) -> Json:
    return _event("rights.reservation.lifted", _now(c), subject=a_subject(c, cast), **a_reservation(c))


def _record(c: Choices, _cast: Cast) -> Json:
    """What a decision depends on besides rights; says nothing about any asset."""
    kind = c.pick(["policy.activated", "dataset.declared", "dataset.retired"])
    name = {} if kind == "policy.activated" else {"name": "d0"}
    return _event(kind, _now(c), digest="sha256:" + "0" * 64, **name)


_READABLE: Mapping[str, Callable[[Choices, Cast], Json]] = {
    "terms": _terms_published,
    "accepted": _terms_accepted,
    "consent": _consent,
    "signed": _agreement_signed,
    "terminated": _agreement_terminated,
    "opened": _claim_opened,
    "resolved": _claim_resolved,
    "declared": _reservation_declared,
    "lifted": _reservation_lifted,
    "record": _record,
}
_KINDS = (*["terms"] * 3, *["accepted"] * 2, *["consent"] * 16, *["signed"] * 11, *["terminated"] * 4, *["opened"] * 2,
          *["resolved"] * 3, *["declared"] * 3, *["lifted"] * 2, "record", *["again"] * 2, *["unreadable"] * 2,
          *["answered"] * 3)  # fmt: skip


_CLOSES: Mapping[str, str] = {
    "resolved": "rights.claim.opened",
    "terminated": "rights.agreement.signed",
    "lifted": "rights.reservation.declared",
}


def _no_event(c: Choices, _cast: Cast) -> Sketch:
    hostile = [b"\xff\xfe", b"{", b"", b"[]", b"17", b'{"data": {"subject": "asset:a0"}, "time": NaN}',
               b'{"type": "rights.claim.opened", "data": {"subject": "asset:a0", "subject": "asset:a1"}}']  # fmt: skip
    return Sketch(raw=c.pick(hostile), readable=False)


def _about(c: Choices, cast: Cast) -> Json:
    subject = {"subject": a_subject(c, cast)}
    party, account = {"party_id": c.pick(cast.parties)}, {"account_id": c.pick(cast.accounts)}
    bad_subject = {"subject": "song:a0", **account}
    return c.pick([subject, subject, subject, party, account, {**subject, **party}, bad_subject, {}])


def _unknown_type(c: Choices, cast: Cast) -> Sketch:
    return Sketch(_event("rights.consent.revoked", _now(c), **_about(c, cast)), readable=False)


def _missing_field(c: Choices, cast: Cast) -> Sketch:
    kind = c.pick(["claim.opened", "agreement.signed", "terms.accepted", "consent.withdrawn"])
    return Sketch(_event(f"rights.{kind}", _now(c), **_about(c, cast)), readable=False)


def _unknown_purpose(c: Choices, cast: Cast) -> Sketch:
    event = c.pick([_consent, _agreement_signed, _terms_published])(c, cast)
    known = [name for name in ("purposes", "permits", "grants") if name in event["data"]]
    named = event["data"][known[0]]
    more = {**named, "training.musical": "permit"} if isinstance(named, dict) else [*named, "training.musical"]
    return Sketch({**event, "data": {**event["data"], known[0]: more}}, readable=False)


def _time_ahead(c: Choices, cast: Cast) -> Sketch:
    event = _READABLE[c.pick([kind for kind in _READABLE if kind != "record"])](c, cast)
    return Sketch(event, readable=False, arrived_us=parse_instant(event["time"]) - AHEAD_US - c.pick([1, 1, DAY_US]))


_UNREADABLE: Mapping[str, Callable[[Choices, Cast], Sketch]] = {
    "no_event": _no_event,
    "unknown_type": _unknown_type,
    "missing_field": _missing_field,
    "unknown_purpose": _unknown_purpose,
    "time_ahead": _time_ahead,
}

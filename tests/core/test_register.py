"""What the rights log says is active, and that the small register of it agrees with the full rights state."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.events import RightsEvent, Unreadable
from gatekeeper.core.register import Register, register_of
from gatekeeper.core.rights import state_of
from gatekeeper.core.statements import NEVER_US

Read = RightsEvent | Unreadable

DATA: dict[str, list[dict[str, Any]]] = {
    "policy.activated": [{"digest": d} for d in "AB"],
    "dataset.declared": [{"name": n, "digest": d} for n in "xy" for d in "CD"],
    "dataset.retired": [{"name": n, "digest": "C"} for n in "xy"],
    "rights.unreadable.answered": [{"position": p, "because": "seen"} for p in range(4)],
    "rights.claim.opened": [{"claim_id": "c", "kind": "takedown", "subject": "asset:a", "dated": False}],
    "rights.claim.resolved": [{"claim_id": "c"}],
}


@st.composite
def logs(draw: st.DrawFn) -> list[Read]:
    """Up to a dozen records, some unreadable, some delivered twice, with gaps between positions."""
    records: list[Read] = []
    position = 0
    for _ in range(draw(st.integers(0, 12))):
        position += draw(st.integers(0, 1))
        kind = draw(st.sampled_from([*DATA, "unreadable"]))
        if kind == "unreadable":
            records.append(Unreadable(position, "bad", "it", draw(st.sampled_from([None, "asset:a"]))))
        else:
            event_id = draw(st.sampled_from("123456"))
            data = draw(st.sampled_from(DATA[kind]))
            records.append(RightsEvent(position, kind, draw(st.integers(0, 9)), "urn:t", f"{kind}{event_id}", data))
        position += 1
    return records


def applied(records: list[Read], register: Register | None = None) -> Register:
    register = register or Register()
    for record in records:
        register.apply(record)
    return register


def event(position: int, kind: str, id_: str, /, time_us: int = 0, **data: object) -> RightsEvent:
    return RightsEvent(position, kind, time_us, "urn:t", id_, data)


def test_an_answer_before_its_record_answers_nothing() -> None:
    """Nobody answers in advance, and no readable record is answered."""
    answer = event(0, "rights.unreadable.answered", "1", position=1, because="?")
    register = applied([answer, Unreadable(1, "bad", "it", None)])
    assert [record.position for record in register.unanswered] == [1]


def test_a_second_delivery_does_not_go_back() -> None:
    """A, B, A delivered again: B is active; A said anew under another id is A."""
    a, b = event(0, "policy.activated", "1", digest="A"), event(1, "policy.activated", "2", digest="B")
    again = event(2, "policy.activated", "1", digest="A")
    assert applied([a, b, again]).policy_digest == "B"
    assert applied([a, b, again, event(3, "policy.activated", "3", digest="A")]).policy_digest == "A"


def test_only_undated_restrictions_hold_the_instant() -> None:
    """A grant's or a dated withdrawal's time says nothing about now."""
    grant = event(0, "rights.consent.granted", "1", 50, dated=False)
    dated = event(1, "rights.consent.withdrawn", "2", 40, dated=True)
    assert applied([grant, dated]).restricted_us == NEVER_US
    later = [event(2, "rights.consent.withdrawn", "3", 30, dated=False), event(3, "rights.claim.opened", "4", 20)]
    assert applied([grant, dated, *later]).restricted_us == 30


@pytest.mark.parametrize("broken", [{}, {"position": 1}, [], {"position": "x", "policy": None}])
def test_what_is_no_register_is_refused(broken: Any) -> None:
    """By one of the errors that make a reader pass over it."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        register_of(broken)


@given(logs())
def test_it_agrees_with_the_full_state(records: list[Read]) -> None:
    """Policy, datasets, position and what waits for an answer."""
    register, state = applied(records), state_of(records)
    assert register.active == (state.policy_digest, tuple(sorted(state.datasets.items())))
    assert register.position == state.position
    assert register.unanswered == state.unanswered
    undated = [at for r in records if isinstance(r, RightsEvent) and (at := r.undated_restriction_us) is not None]
    assert register.restricted_us == max(undated, default=NEVER_US)


@given(logs(), st.integers(0, 12))
def test_one_that_was_kept_goes_on_as_if_it_had_never_stopped(records: list[Read], cut: int) -> None:
    """Through JSON and back at any place, also between two deliveries of one event."""
    kept = register_of(json.loads(json.dumps(applied(records[:cut]).to_document())))
    assert applied(records[cut:], kept) == applied(records)

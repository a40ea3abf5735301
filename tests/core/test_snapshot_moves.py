"""A snapshot that moves: in position, in time, and what it knows of what comes next."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.events import RightsEvent
from gatekeeper.core.snapshot import Limits, Snapshot
from gatekeeper.core.times import ALWAYS_US
from gatekeeper.core.use import Use
from tests.core.comparing import SEED, Way, any_way, batch_of, by_kernel, compiled, records_of, world_policy
from tests.worlds import World, random_world, worlds

SMALL = Limits(block_events=3, recent_rows_max=4, growth=1, speakers_in_chain_max=1)


def answers_at(world: World, position: int, instant_us: int) -> Any:
    records = records_of(world, world_policy())
    snapshot = compiled(records, position, instant_us, world=world, policy=world_policy())
    return by_kernel(batch_of(world.content), snapshot)


@settings(max_examples=60)
@given(worlds(), st.data())
def test_compiled_and_advanced_is_compiled_there(world: World, data: st.DataObject) -> None:
    """Compiled at N and advanced to M, a snapshot decides as one compiled at M."""
    records, instant_us = records_of(world, world_policy()), world.instants[0]
    steps = sorted(data.draw(st.lists(st.integers(0, len(records)), min_size=2, max_size=4)))
    way = any_way(random.Random(data.draw(st.integers(0, 1000))))
    snapshot = compiled(records, steps[0], instant_us, world=world, policy=world_policy(), way=way)
    for position in steps[1:]:
        snapshot.advance(records, position)
        assert snapshot.position == position
    assert by_kernel(batch_of(world.content), snapshot) == answers_at(world, steps[-1], instant_us)


@settings(max_examples=60)
@given(worlds(), st.data())
def test_moved_in_time_is_compiled_then(world: World, data: st.DataObject) -> None:
    """Moved to t1, then to t2, later or earlier, a snapshot decides as one compiled at t2."""
    records, end = records_of(world, world_policy()), world.positions[-1]
    grid = st.sampled_from([*world.instants, *(t + 86_400_000_000 for t in world.instants), 0, 2**61])
    instants = data.draw(st.lists(grid, min_size=1, max_size=4))
    snapshot = compiled(records, end, world.instants[0], world=world, policy=world_policy(), way=Way(SMALL))
    for instant_us in instants:
        snapshot.at(instant_us)
    assert by_kernel(batch_of(world.content), snapshot) == answers_at(world, end, instants[-1])


@pytest.mark.parametrize("seed", range(6))
def test_nothing_changes_before_the_next_change(seed: int) -> None:
    """Until ``next_change_us`` the answers stay; walking from change to change reaches the end of time."""
    world = random_world(random.Random(seed), n_events=40, n_assets=6)
    records, end, batch = records_of(world, world_policy()), world.positions[-1], batch_of(world.content)
    snapshot = compiled(records, end, 0, world=world, policy=world_policy())
    answers, changes = by_kernel(batch, snapshot), 0
    while (change_us := snapshot.next_change_us) is not None:
        assert change_us > snapshot.instant_us
        snapshot.at(change_us - 1)
        assert by_kernel(batch, snapshot) == answers
        snapshot.at(change_us)
        answers, changes = by_kernel(batch, snapshot), changes + 1
    assert changes > 3
    assert answers == answers_at(world, end, 2**61)


def event(position: int, type_: str, /, event_id: str = "", time_us: int = 0, **data: Any) -> RightsEvent:
    plain = {"territories": frozenset(), "models": frozenset(), "from_us": 0, "until_us": ALWAYS_US}
    return RightsEvent(position, f"rights.{type_}", time_us, "//test", event_id or f"e{position}", {**plain, **data})


def consent(position: int, kind: str = "granted", **data: Any) -> RightsEvent:
    said = {"speaker": "account:k0", "subject": "asset:a", "purposes": ("training",), **data}
    return event(position, f"consent.{kind}", **said)


def snapshot_of(*records: RightsEvent, instant_us: int = 100) -> Snapshot:
    uses = {"train": Use("training")}
    return Snapshot.compile(records, len(records), world_policy(), uses, instant_us, seed=SEED)


def reason(snapshot: Snapshot) -> str:
    row = {"asset_id": "a", "account_id": "k0", "partition": 0, "offset": 0, "conflicting": False}
    [[(_, why, _, _)]] = by_kernel(batch_of([row]), snapshot)
    return why


def test_events_outside_the_step_are_passed_over() -> None:
    """Advancing applies what lies from the snapshot's position up to the new one, whatever else it is given."""
    snapshot = snapshot_of(consent(0))
    snapshot.advance([consent(0, "withdrawn"), consent(2, "withdrawn")], 2)
    assert (reason(snapshot), snapshot.position) == ("consent.opt_in", 2)
    snapshot.advance([consent(2, "withdrawn")], 3)
    assert (reason(snapshot), snapshot.position) == ("consent.withdrawn", 3)


def test_a_position_without_events_is_still_reached() -> None:
    """Control records leave gaps: the position moves, the state stays; it never moves back."""
    snapshot = snapshot_of(consent(0))
    snapshot.advance([], 50)
    assert snapshot.position == 50
    snapshot.advance([], 20)
    assert snapshot.position == 50


def test_an_event_delivered_twice_counts_once() -> None:
    """Same source and id: the second delivery changes nothing, not even when it says something else."""
    snapshot = snapshot_of(consent(0, event_id="x"), consent(1, "withdrawn", event_id="x"))
    assert reason(snapshot) == "consent.opt_in"
    snapshot.advance([consent(2, "withdrawn", event_id="x")], 3)
    assert reason(snapshot) == "consent.opt_in"


def test_source_and_id_are_told_apart() -> None:
    """``(ab, c)`` and ``(a, bc)`` are two events."""
    first = RightsEvent(0, "rights.consent.granted", 0, "ab", "c", consent(0).data)
    second = RightsEvent(1, "rights.consent.withdrawn", 0, "a", "bc", consent(1).data)
    assert reason(snapshot_of(first, second)) == "consent.withdrawn"


def test_a_withdrawal_is_seen_by_the_next_decision() -> None:
    """What ``advance`` has applied, the next batch is decided on, again and again."""
    snapshot = snapshot_of(consent(0))
    for position in range(1, 40):
        kind = "withdrawn" if position % 2 else "granted"
        snapshot.advance([consent(position, kind)], position + 1)
        assert reason(snapshot) == ("consent.withdrawn" if position % 2 else "consent.opt_in")


def test_the_next_change_follows_the_log() -> None:
    """A statement that arrives brings its own beginning and end; terms count as well; what reaches no use does not."""
    snapshot = snapshot_of(consent(0, from_us=150, until_us=300))
    assert snapshot.next_change_us == 150
    snapshot.advance([consent(1, from_us=120), consent(2, from_us=110, purposes=("service",))], 3)
    assert snapshot.next_change_us == 120
    terms = event(3, "terms.published", terms_id="t", effective_from_us=115, grants={}, acceptance="continued_use")
    snapshot.advance([terms], 4)
    assert snapshot.next_change_us == 115
    snapshot.at(299)
    assert snapshot.next_change_us == 300
    snapshot.at(300)
    assert snapshot.next_change_us is None


def test_a_claim_resolved_in_the_future_ends_then() -> None:
    """An end that is set on a sealed row is found when time reaches it, and is undone when time goes back."""
    opened = event(0, "claim.opened", claim_id="c", kind="takedown", subject="asset:a")
    snapshot = snapshot_of(opened, consent(1))
    snapshot.advance([event(2, "claim.resolved", time_us=500, claim_id="c")], 3)
    assert (reason(snapshot), snapshot.next_change_us) == ("claim.takedown", 500)
    snapshot.at(500)
    assert reason(snapshot) == "consent.opt_in"
    snapshot.at(499)
    assert reason(snapshot) == "claim.takedown"


def test_compacting_leaves_one_level() -> None:
    """After ``compact`` nothing lies beside the first level, and nothing else has changed."""
    snapshot = Snapshot.compile(
        [consent(0)], 1, world_policy(), {"train": Use("training")}, 100, seed=SEED, limits=SMALL
    )
    for position in range(1, 30):
        snapshot.advance([consent(position, subject=f"asset:{position % 7}", event_id=f"x{position}")], position + 1)
    before = reason(snapshot)
    snapshot.compact()
    assert (len(snapshot.tables()), snapshot.overlay_share, reason(snapshot)) == (1, 0.0, before)

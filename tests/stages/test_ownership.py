"""Which slices may still be committed: epochs, revocations, lost partitions (design §5, "Assignment")."""

from __future__ import annotations

import threading

import pytest

from gatekeeper.core.removals import Removals
from gatekeeper.stages.gate.ownership import Chain, Ownership
from gatekeeper.stages.gate.values import Slice


@pytest.fixture
def ownership() -> Ownership:
    """Partition 3 is ours, decided through 9."""
    owned = Ownership()
    reopen(owned)
    return owned


def reopen(ownership: Ownership, last: int = 9, **known: object) -> int:
    epoch = ownership.next_epoch()
    ownership.open(3, Chain(epoch, last, Removals(), fetched=last, committed=last, **known))  # type: ignore[arg-type]
    return epoch


def test_a_slice_of_an_ended_epoch_is_void(ownership: Ownership) -> None:
    """Revoked and given back: what was taken before is neither extended nor committed."""
    taken = ownership.extend(3, 1, 20)
    assert taken == Slice(3, 9, 20, epoch=1)
    ownership.revoke([3])
    assert not ownership.is_current(3, 1)
    assert ownership.fetched(3, 30) is None
    second = reopen(ownership)
    assert not ownership.is_current(3, 1)
    assert ownership.extend(3, 1, 30) is None
    ownership.committed([taken])
    assert ownership.committed_through() == {3: 9}
    assert ownership.extend(3, second, 30) == Slice(3, 9, 30, epoch=second)


def test_a_revocation_waits_for_a_commit_under_way(ownership: Ownership) -> None:
    """Nothing is committed after ``revoke`` has returned: whoever holds ``committing`` ends first."""
    events: list[str] = []
    revoking = threading.Thread(target=lambda: (ownership.revoke([3]), events.append("revoked")))
    with ownership.committing:
        revoking.start()
        assert ownership.is_current(3, 1)
        events.append("committed")
    revoking.join(10)
    assert events == ["committed", "revoked"]


def test_a_lost_partition_is_opened_again_once(ownership: Ownership) -> None:
    """Told once; a slice of an epoch before loses nothing; a revoked one is nobody's to open."""
    taken = ownership.extend(3, 1, 20)
    assert taken is not None
    ownership.lose([taken, taken])
    assert (ownership.take_lost(), ownership.take_lost()) == (frozenset({3}), frozenset())
    reopen(ownership)
    ownership.lose([taken])
    assert ownership.take_lost() == frozenset()
    ownership.lose([Slice(3, 9, 12, epoch=2)])
    ownership.revoke([3])
    assert ownership.take_lost() == frozenset()


def test_slices_follow_each_other(ownership: Ownership) -> None:
    """Each begins where the one before ended, whatever gaps the log has."""
    assert [ownership.extend(3, 1, last) for last in (12, 40)] == [Slice(3, 9, 12, 1), Slice(3, 12, 40, 1)]
    assert ownership.owned() == {3: 40}


def test_a_slice_below_what_dead_letters_hold_begins_with_the_second_commit(ownership: Ownership) -> None:
    """A crash fell between the first and the second commit: up to there the first is done."""
    epoch = reopen(ownership, recorded_through=15)
    done = [piece.steps_done for last in (12, 15, 16) if (piece := ownership.extend(3, epoch, last)) is not None]
    assert done == [1, 1, 0]


def test_settled_is_what_was_fetched_below_a_bound(ownership: Ownership) -> None:
    """Not before it is committed; not later because more was fetched beyond the bound; never where it is not ours."""
    assert ownership.is_settled(3, 14)
    ownership.fetched(3, 12)
    assert not ownership.is_settled(3, 14)
    ownership.committed([Slice(3, 9, 12, 1)])
    assert ownership.is_settled(3, 14)
    ownership.fetched(3, 99)
    assert not ownership.is_settled(3, 14)
    ownership.committed([Slice(3, 12, 14, 1)])
    assert ownership.is_settled(3, 14)
    ownership.revoke([3])
    assert not ownership.is_settled(3, 14)

"""What a commit says about itself, and when a slice may be committed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.commits import CommitMetadata, SliceClaim, compare, drop

OFFSETS = st.integers(-1, 2**63 - 1)
CLAIMS = st.builds(SliceClaim, st.integers(0, 2**31 - 1), OFFSETS, OFFSETS, OFFSETS, st.text(), st.integers())


def claim(partition: int = 0, base: int = 4, last: int = 9, position: int = 100) -> SliceClaim:
    return SliceClaim(partition, base, last, position, "sha256:x", 0)


@given(st.text(), st.text(), st.lists(CLAIMS, max_size=4))
def test_metadata_is_read_as_it_was_written(batch: str, worker: str, claims: list[SliceClaim]) -> None:
    """Whatever ids and numbers a commit carries, the next reader sees the same."""
    metadata = CommitMetadata(batch, worker, tuple(claims))
    assert CommitMetadata.from_custom(metadata.to_custom()) == metadata


def test_custom_metadata_is_strings_by_name() -> None:
    """Nothing depends on how a Delta writer renders numbers or lists."""
    assert all(isinstance(value, str) for value in CommitMetadata("b", "w", (claim(),)).to_custom().values())


def test_somebody_elses_commit_has_no_metadata_of_ours() -> None:
    """A compaction or a hand-made commit is not mistaken for a batch."""
    assert CommitMetadata.from_custom({"operation": "OPTIMIZE"}) is None


@pytest.mark.parametrize("recorded", [-1, 3, 5, 9, 10])
def test_a_slice_whose_base_is_not_what_is_recorded_is_dropped(recorded: int) -> None:
    """Equal to the base, not below the end: neither a gap nor an overlap, nor the slice itself again, is committed."""
    assert drop(claim(base=4, last=9), recorded) == "moved"


def test_a_slice_behind_a_sweep_is_decided_again() -> None:
    """No decision older than a sweep may come after it."""
    assert drop(claim(position=100), recorded=4, swept=101) == "behind_sweep"


def test_a_slice_at_the_swept_position_may_be_committed() -> None:
    """The sweep and the slice saw the same rights."""
    assert drop(claim(position=100), recorded=4, swept=100) is None


def test_the_first_slice_of_a_partition_has_no_base() -> None:
    """A partition the table has never seen begins at -1."""
    kept, dropped = compare([claim(partition=3, base=-1), claim(partition=5, base=0)], {})
    assert [c.partition for c in kept] == [3]
    assert [(c.partition, why) for c, why in dropped] == [(5, "moved")]


def test_a_dropped_slice_costs_its_neighbours_nothing() -> None:
    """Of three partitions of which one was taken over, two are committed."""
    claims = [claim(0), claim(1, base=7), claim(2)]
    kept, dropped = compare(claims, {0: 4, 1: 8, 2: 4})
    assert kept == [claims[0], claims[2]]
    assert dropped == [(claims[1], "moved")]

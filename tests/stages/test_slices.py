"""Compare, then commit: which slice may follow which table version."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.stages.gate.values import Slice, Step

OFFSETS = st.integers(-1, 1000)


@pytest.mark.parametrize("version", [-1, 3, 5, 9, 10])
@pytest.mark.parametrize("step", Step)
def test_a_slice_follows_nothing_but_its_base(step: Step, version: int) -> None:
    """Equal to the base, not below the end: neither a gap nor an overlap, nor the slice itself again, is committed."""
    assert not Slice(0, 4, 9, epoch=1).follows(step, version)


@given(OFFSETS, OFFSETS)
def test_a_slice_follows_its_base(base: int, length: int) -> None:
    """The table stands where the slice begins."""
    assert all(Slice(0, base, base + length + 2, epoch=1).follows(step, base) for step in Step)


def test_a_recorded_step_must_hold_the_whole_slice() -> None:
    """After a crash between two commits the earlier table may be further on, but never short of the slice."""
    recovered = Slice(0, 4, 9, epoch=1, steps_done=1)
    assert recovered.follows(Step.DEAD_LETTERS, 9)
    assert recovered.follows(Step.DEAD_LETTERS, 12)
    assert not recovered.follows(Step.DEAD_LETTERS, 8)
    assert not recovered.follows(Step.CATALOG, 9)

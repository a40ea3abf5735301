"""Removals: which events a removal covers, in one go or in pieces."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.removals import REMOVED, Removals, removals_of
from gatekeeper.core.tables import INSTANT

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["content.published", "content.updated", REMOVED]), st.sampled_from("ab"), st.integers(0, 5)
    ),
    max_size=12,
)


def _table(events: list[tuple[str, str, int]], first_offset: int = 0) -> pa.Table:
    return pa.table(
        {
            "type": pa.array([e[0] for e in events], pa.string()),
            "asset_id": pa.array([e[1] for e in events], pa.string()),
            "time": pa.array([e[2] for e in events], INSTANT),
            "offset": pa.array(range(first_offset, first_offset + len(events)), pa.int64()),
        }
    )


def _by_the_sentence(events: list[tuple[str, str, int]]) -> list[int | None]:
    covered: list[int | None] = []
    for place, (kind, asset, time) in enumerate(events):
        earlier = [(-t, o) for o, (k, a, t) in enumerate(events[:place]) if k == REMOVED and a == asset and time <= t]
        covered.append(place if kind == REMOVED else min(earlier)[1] if earlier else None)
    return covered


@given(EVENTS)
def test_a_removal_covers_itself_and_what_is_not_later(events: list[tuple[str, str, int]]) -> None:
    """Every event not later than an earlier removal is covered by it, and nothing else is."""
    assert Removals().covering(_table(events)).to_pylist() == _by_the_sentence(events)


@given(EVENTS, st.integers(0, 12))
def test_a_batch_boundary_changes_nothing(events: list[tuple[str, str, int]], cut: int) -> None:
    """Removals read back from the catalogue go on exactly where the last batch stopped."""
    before = [(a, t, o) for o, (k, a, t) in enumerate(events[:cut]) if k == REMOVED]
    resumed = Removals(removals_of(before)).covering(_table(events[cut:], len(events[:cut])))
    assert resumed.to_pylist() == _by_the_sentence(events)[cut:]

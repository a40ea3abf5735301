"""Counts over time: few periods, the finest that are few, and not a row lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.periods import PERIODS_MAX, UNKNOWN, over_time

SAID = st.tuples(
    st.none() | st.integers(12, 9999 * 12 + 11),
    st.sampled_from(["permit", "deny", "hold"]),
    st.sampled_from(["terms.permit", "consent.withdrawn"]),
)


@given(st.dictionaries(SAID, st.integers(1, 1_000), max_size=200))
def test_no_row_is_lost_and_periods_are_few(counts: dict[tuple[int | None, str, str], int]) -> None:
    """Whatever years events claim."""
    told = over_time(counts).rows
    assert len(set(told) - {UNKNOWN}) <= PERIODS_MAX
    assert sum(n for verdicts in told.values() for by in verdicts.values() for n in by.values()) == sum(counts.values())


@pytest.mark.parametrize(
    ("months", "period", "first", "last"),
    [
        (range(2023 * 12, 2025 * 12), "month", "2023-01", "2024-12"),
        (range(2023 * 12, 2025 * 12 + 1), "quarter", "2023-Q1", "2025-Q1"),
        (range(2019 * 12, 2025 * 12 + 1), "year", "2019", "2025"),
        (range(1999 * 12, 2025 * 12), "decade", "1990 to 1999", "2020 to 2029"),
        (range(12, 10_000 * 12, 12), "millennium", "0000 to 0999", "9000 to 9999"),
    ],
)
def test_the_finest_period_that_gives_few(months: range, period: str, first: str, last: str) -> None:
    """One more than fits takes the next."""
    told = over_time({(month, "permit", "terms.permit"): 1 for month in months})
    assert (told.period, min(told.rows), max(told.rows)) == (period, first, last)


def test_nothing_is_nothing() -> None:
    """An empty dataset has no period."""
    assert over_time({}).rows == {}

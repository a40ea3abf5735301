"""Verdicts by reason over time: rows counted by the month of their content, told in at most ``PERIODS_MAX`` periods.

Rules of this file: the periods are the finest calendar ones that are few enough; one that no row is of is not told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

PERIODS_MAX = 24
UNKNOWN = "unknown"
"""The period of rows for which the catalogue holds no event, so that nobody knows when their content is of."""
_MONTHS = {"month": 1, "quarter": 3, "year": 12, "decade": 120, "century": 1_200, "millennium": 12_000}
"""Months of each period: years 1 to 9999 are ten millennia."""

Said = tuple[int | None, str, str]
"""Month (twelve times the year, and 0 to 11), verdict, reason; the month is None where it is not known."""


@dataclass(frozen=True)
class OverTime:
    """``period`` is the length of each; ``rows`` counts by period, verdict and reason."""

    period: str
    rows: Mapping[str, Mapping[str, Mapping[str, int]]]


def over_time(counts: Mapping[Said, int]) -> OverTime:
    """Counts by month → counts by period; ``UNKNOWN`` comes on top of the ``PERIODS_MAX``."""
    months = {month for month, _, _ in counts if month is not None}
    fitting = (name for name, span in _MONTHS.items() if len({month // span for month in months}) <= PERIODS_MAX)
    period = next(fitting)
    rows: dict[str, dict[str, Counter[str]]] = {}
    for (month, verdict, reason), count in counts.items():
        name = UNKNOWN if month is None else _name(month, period)
        rows.setdefault(name, {}).setdefault(verdict, Counter())[reason] += count
    return OverTime(period, {name: {v: dict(n) for v, n in verdicts.items()} for name, verdicts in rows.items()})


def _name(month: int, period: str) -> str:
    """``2024-03``, ``2024-Q1``, ``2024``; beyond that the first year and the last: ``2020 to 2029``."""
    year, span = month // 12, _MONTHS[period]
    if period == "month":
        return f"{year:04d}-{month % 12 + 1:02d}"
    if period == "quarter":
        return f"{year:04d}-Q{month % 12 // 3 + 1}"
    first = month // span * span // 12
    return f"{first:04d}" if period == "year" else f"{first:04d} to {first + span // 12 - 1:04d}"

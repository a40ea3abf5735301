"""Instants: what is a time, what is not, and that reading and writing agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.times import format_instant, parse_instant

FIRST_US = -62_135_596_800_000_000
LAST_US = 253_402_300_799_999_999


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025-05-14",
        "2025-05-14T00:00:00",
        "2025-05-14 00:00:00Z",
        "2025-02-30T00:00:00Z",
        "2025-05-14T24:00:00Z",
        "2025-05-14T23:59:60Z",
        "2025-05-14T00:00:00+24:00",
        "2025-05-14T00:00:00+0100",
        "2025-05-14T00:00:00.Z",
        "0000-01-01T00:00:00Z",
        "٢٠٢٥-05-14T00:00:00Z",
        "2025-05-14T00:00:00Z\n",
    ],
)
def test_what_is_not_a_time_is_refused(text: str) -> None:
    """A time without an offset, an impossible date, a leap second and look-alike digits are refused."""
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t01:00:00+01:00", 0),
        ("1969-12-31T23:59:59.999999z", -1),
        ("1970-01-01T00:00:00.0000019Z", 1),
        ("1970-01-01T00:00:00.5-00:00", 500_000),
    ],
)
def test_offsets_and_fractions(text: str, expected: int) -> None:
    """The offset is taken away, digits finer than a microsecond are cut."""
    assert parse_instant(text) == expected


@given(st.integers(FIRST_US, LAST_US))
def test_written_instants_are_read_back(instant_us: int) -> None:
    """Whatever instant is written is the instant that is read."""
    assert parse_instant(format_instant(instant_us)) == instant_us

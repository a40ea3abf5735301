"""RFC 3339 by the column agrees with RFC 3339 one at a time."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatekeeper.core.contracts import EARLIEST_US, LATEST_US, is_instant
from gatekeeper.core.instant_columns import instants_us
from gatekeeper.core.times import parse_instant
from tests.core.hostile_files import needs_hostile_files, time_formats

IMPOSSIBLE = (
    "",
    "yesterday",
    "2025-05-14",
    "2025-05-14T00:00:00",
    "2025-05-14 00:00:00Z",
    "2025-05-14T00:00Z",
    "2025-05-14T00:00:00.Z",
    "2025-05-14T00:00:00,5Z",
    "2025-05-14T00:00:00+0200",
    "2025-05-14T00:00:00+02",
    "2025-05-14T00:00:00+24:00",
    "2025-05-14T00:00:00+00:60",
    "2025-13-01T00:00:00Z",
    "2025-00-01T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2025-04-31T00:00:00Z",
    "2025-05-00T00:00:00Z",
    "2025-05-14T24:00:00Z",
    "2025-05-14T00:60:00Z",
    "2024-12-31T23:59:60Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "2025\r05-14T00:00:00Z",
    "2025-05-14T00\x1a00:00Z",
    "２０25-05-14T00:00:00Z",
    "2025-05-14T00:00:00Z\n",
    " 2025-05-14T00:00:00Z",
)
POSSIBLE = {
    "1970-01-01T00:00:00Z": 0,
    "1969-12-31T23:59:59.999999Z": -1,
    "2025-05-14t10:00:00.5z": 1_747_216_800_500_000,
    "2025-05-14T12:00:00+02:00": 1_747_216_800_000_000,
    "2025-05-14T08:30:00.0000019-01:30": 1_747_216_800_000_001,
    "2024-02-29T00:00:00-00:00": 1_709_164_800_000_000,
    "0001-01-01T00:00:00Z": EARLIEST_US,
    "9999-12-31T23:59:59.9999999Z": LATEST_US,
}


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_a_time_that_no_calendar_has_is_refused_by_both_readers(text: str) -> None:
    """No offset, no such day, a leap second (which two machines place differently), a year beyond the calendar."""
    assert not is_instant(text)
    assert instants_us(pa.array([text]))[1].tolist() == [False]


def test_possible_times_are_read_to_the_microsecond_and_cut_not_rounded() -> None:
    """Both readers give the same instant."""
    instants, read = instants_us(pa.array(list(POSSIBLE)))
    assert read.all()
    assert instants.tolist() == list(POSSIBLE.values()) == [parse_instant(text) for text in POSSIBLE]


def test_nulls_and_slices_keep_their_places() -> None:
    """A column that is part of a larger one is read as itself."""
    texts = pa.array(["no", "1970-01-01T00:00:01Z", None, "1970-01-01T00:00:02+00:00", "no"])
    instants, read = instants_us(texts.slice(1, 3))
    assert instants.tolist() == [1_000_000, 0, 2_000_000]
    assert read.tolist() == [True, False, True]
    assert instants_us(pa.nulls(2, pa.string()))[1].tolist() == [False, False]


@needs_hostile_files
def test_published_cases_of_the_format_are_decided_as_published_but_for_leap_seconds() -> None:
    """JSON Schema's own date-time cases; we refuse every leap second."""
    cases = time_formats()
    assert len(cases) > 20
    wrong = [name for name, text, valid in cases if is_instant(text) != (valid and "leap second" not in name)]
    assert wrong == []


_PARTS = st.tuples(
    st.sampled_from(["0000", "0001", "1900", "1969", "2000", "2024", "2025", "9999"]),
    st.sampled_from(["00", "01", "02", "04", "12", "13"]),
    st.sampled_from(["00", "01", "28", "29", "30", "31", "32"]),
    st.sampled_from("Tt _"),
    st.sampled_from(["00:00:00", "23:59:59", "23:59:60", "24:00:00", "12:60:00", "1x:00:00"]),
    st.sampled_from(["", ".", ".5", ".123456", ".1234567", ".123456789", ".12345678901234567890"]),
    st.sampled_from(["Z", "z", "+00:00", "-00:00", "+23:59", "-23:59", "+24:00", "+00:60", "+0000", ""]),
)


@given(st.lists(_PARTS.map(lambda p: f"{p[0]}-{p[1]}-{p[2]}" + "".join(p[3:])) | st.text(max_size=30), max_size=20))
@example(["2025-05-14T00:00:00Z", "2025-05-14T00:00:00.5Z", "x"])
def test_the_column_reader_agrees_with_the_single_reader(texts: list[str]) -> None:
    """It reads the same instants, never one more, and of usual length never one fewer."""
    instants, read = instants_us(pa.array(texts, pa.string()))
    for text, instant, was_read in zip(texts, instants.tolist(), read.tolist(), strict=True):
        if was_read:
            assert is_instant(text)
            assert instant == parse_instant(text)
        else:
            assert not is_instant(text) or len(text) > 35

"""``where`` and ``columns``: what matches, and what is refused when it is declared."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from gatekeeper.core.selection import SELECTABLE, read_columns, read_selection
from gatekeeper.core.tables import CONTENT_SCHEMA, DATA_FIELDS
from gatekeeper.errors import BadInput

ROWS: list[dict[str, Any]] = [
    {
        "asset_id": "all",
        "licence": "CC0",
        "genres": ["jazz", "folk"],
        "duration_ms": 3000,
        "published_at": 1_000_000,
        "attributes": [("mood", "calm"), ("key", "C")],
    },
    {"asset_id": "some", "licence": "BY", "genres": ["jazz"], "duration_ms": 5000, "attributes": [("mood", "sad")]},
    {"asset_id": "empty", "licence": "CC0", "genres": [], "duration_ms": 0, "attributes": []},
    {"asset_id": "nothing"},
]
TABLE = pa.Table.from_pylist(ROWS, schema=CONTENT_SCHEMA)


def selected(where: Any, table: pa.Table = TABLE) -> list[str]:
    flags = read_selection({"name": "d", "where": where}).matches(table)
    found: list[str] = table.filter(pa.array(flags))["asset_id"].to_pylist()
    return found


@pytest.mark.parametrize(
    "where",
    [
        {"mood": "calm"},
        {"extra": "x"},
        {"interests": "x"},
        {"identifiers": {"isrc": "x"}},
        {"genres": []},
        {"genres": None},
        {"genres": [3]},
        {"genres": ""},
        {"genres": {}},
        {"genres": {"any_of": []}},
        {"genres": {"all_of": ["x"]}},
        {"genres": {"any_of": ["x"], "none_of": ["y"]}},
        {"duration_ms": 3000},
        {"duration_ms": {}},
        {"duration_ms": {"min": 1}},
        {"duration_ms": {"at_least": "1"}},
        {"duration_ms": {"at_least": True}},
        {"duration_ms": {"at_least": 1.5}},
        {"published_at": {"below": 3}},
        {"published_at": {"below": "2025-05-14"}},
        {"published_at": {"below": "2025-05-14T00:00:00"}},
        {"attributes": "calm"},
        {"attributes": {}},
        {"attributes": {"mood": {"any_of": ["calm"]}}},
        ["genres"],
    ],
)
def test_what_is_not_understood_is_refused(where: Any) -> None:
    """With the words that would be; a condition passed over would select what its owner excluded."""
    with pytest.raises(BadInput) as refused:
        selected(where)
    assert "known:" in refused.value.do


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"genres": {"none_of": ["folk"]}}, ["some"]),
        ({"licence": {"none_of": ["BY"]}}, ["all", "empty"]),
        ({"duration_ms": {"below": 10**9}}, ["all", "some", "empty"]),
        ({"attributes": {"tempo": "fast"}}, []),
    ],
)
def test_a_missing_value_never_matches(where: Any, expected: list[str]) -> None:
    """Not even a condition that only excludes; an empty list is a missing value."""
    assert selected(where) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, ["all", "some", "empty", "nothing"]),
        (None, ["all", "some", "empty", "nothing"]),
        ({"licence": "CC0"}, ["all", "empty"]),
        ({"licence": "cc0"}, []),
        ({"licence": ["BY", "CC0"]}, ["all", "some", "empty"]),
        ({"genres": "folk"}, ["all"]),
        ({"genres": {"any_of": ["folk", "jazz"]}}, ["all", "some"]),
        ({"duration_ms": {"at_least": 3000}}, ["all", "some"]),
        ({"duration_ms": {"at_least": 3000, "below": 5000}}, ["all"]),
        ({"published_at": {"at_least": "1970-01-01T01:00:01+01:00"}}, ["all"]),
        ({"published_at": {"below": "1970-01-01T00:00:01Z"}}, []),
        ({"attributes": {"mood": ["calm", "sad"], "key": "C"}}, ["all"]),
        ({"licence": "CC0", "genres": "jazz"}, ["all"]),
    ],
)
def test_every_condition_must_hold(where: Any, expected: list[str]) -> None:
    """Texts compare exactly; ``at_least`` includes its bound and ``below`` does not."""
    assert selected(where) == expected


def test_rows_may_come_as_slices_of_larger_tables() -> None:
    """An offset into a list or a map column moves nothing."""
    assert selected({"genres": "jazz", "attributes": {"mood": "sad"}}, TABLE.slice(1)) == ["some"]
    assert selected({"genres": "jazz"}, pa.concat_tables([TABLE.slice(3), TABLE.slice(1, 1)])) == ["some"]


def test_a_selection_names_the_columns_it_reads() -> None:
    """So that a build reads no others."""
    assert read_selection({"name": "d", "where": {"title": "x", "genres": "y"}}).fields == ("title", "genres")
    assert set(SELECTABLE) <= {field.name for field in DATA_FIELDS}


def test_a_column_that_no_event_has_is_refused() -> None:
    """Listing those there are."""
    with pytest.raises(BadInput, match="mood"):
        read_columns({"name": "d", "columns": ["asset_id", "mood"]})


def test_the_asset_id_is_always_a_column() -> None:
    """First where it was left out, each column once, all of them where none are named."""
    assert read_columns({"columns": ["title", "title"]}) == ("asset_id", "title")
    assert read_columns({"columns": ["title", "asset_id"]}) == ("title", "asset_id")
    assert read_columns({"columns": []}) == read_columns({}) == tuple(field.name for field in DATA_FIELDS)

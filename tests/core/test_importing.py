"""Mappings: what a row of a catalogue becomes, and which mappings are refused before the first row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from gatekeeper.core.importing.cells import Block
from gatekeeper.core.importing.mapping import compile_mapping, read_mapping
from gatekeeper.errors import BadInput

HEADER = ("id", "label", "title", "tags", "seconds", "year")
SMALLEST = {"source": "urn:x", "time": "2025-01-01T00:00:00Z", "data": {"asset_id": "{id}", "account_id": "{label}"}}


def mapped(
    data: dict[str, Any], *rows: tuple[Any, ...], header: tuple[str, ...] = HEADER
) -> tuple[list[Any], dict[int, str]]:
    """What each row's ``data`` becomes beside the ids, and the faults by row."""
    document = {**SMALLEST, "data": {"asset_id": "x", "account_id": "x", **data}}
    block = Block(list(zip(*rows, strict=True)), len(rows))
    made = compile_mapping(read_mapping(document), header).data(block)
    return [{k: v for k, v in row.items() if k not in {"asset_id", "account_id"}} for row in made], block.faults


ROW = ("7", "Sub Pop", "Nocturne", "genre---jazz|mood---calm|genre---soul", "61.5", "1994")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sources": "x"}, "did you mean 'source'"),
        ({"time": None}, "`time` must be text"),
        ({"data": {"asset_id": "{id}"}}, "asset_id and account_id"),
        ({"data": {**SMALLEST["data"], "title": "{titel}"}}, "did you mean 'title'"),
        ({"data": {**SMALLEST["data"], "title": "{nothing like it}"}}, "it has id, label"),
        ({"data": {**SMALLEST["data"], "title": "{title"}}, "template"),
        ({"data": {**SMALLEST["data"], "title": "{title:>10}"}}, "only plain column names"),
        ({"data": {**SMALLEST["data"], "title": ""}}, "may not be empty"),
        ({"data": {**SMALLEST["data"], "tags": {"from": "{tags}", "splitt": "|"}}}, "did you mean 'split'"),
        ({"data": {**SMALLEST["data"], "tags": {"from": "{tags}", "split": ""}}}, "`split`"),
        ({"data": {**SMALLEST["data"], "duration_ms": {"from": "{seconds}", "unit": "years"}}}, "`unit`"),
        ({"repeats": "drop"}, "`repeats`"),
        ({"misread": "klingon"}, "`misread`"),
        ({"time": "{when}"}, "does not have"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_before_the_first_row(change: dict[str, Any], said: str) -> None:
    """An unknown setting, column or change is a typing mistake; it never becomes an empty field."""
    with pytest.raises(BadInput, match=said.replace("(", r"\(")):
        compile_mapping(read_mapping({**SMALLEST, **change}), HEADER)


def test_a_header_that_names_a_column_twice_is_refused() -> None:
    """Nobody can say which of two columns of one name is meant."""
    with pytest.raises(BadInput, match="twice"):
        compile_mapping(read_mapping(SMALLEST), ("id", "label", "id"))


def test_what_a_row_lacks_is_absent_not_empty() -> None:
    """Empty cells, blanks and parts of templates without a value leave the field out."""
    row = ("7", "", "  ", "", "", "")
    data = {
        "title": "{title}",
        "licence": "{label}/{title}",
        "genres": [{"from": "{tags}", "split": "|"}],
        "attributes": {"y": "{year}"},
    }
    assert mapped(data, row) == ([{}], {})


def test_an_interest_without_its_party_is_left_out_whole() -> None:
    """A role that nobody holds in the catalogue is no interest; the others stay."""
    interests = [{"party_id": "{label}", "role": "recording"}, {"party_id": "{title}", "role": "composition"}]
    rows, _ = mapped({"interests": interests}, ("7", "Sub Pop", "", "", "", ""))
    assert rows == [{"interests": [{"party_id": "Sub Pop", "role": "recording"}]}]


def test_cells_that_cannot_be_what_they_are_mapped_to_are_faults_of_their_row_alone() -> None:
    """A duration that is no number costs its row, not its neighbours."""
    rows, faults = mapped({"duration_ms": {"from": "{seconds}", "unit": "s"}}, ROW, (*ROW[:4], "4:30", "1994"), ROW)
    assert faults == {1: "'4:30' is not a number of s"}
    assert [row.get("duration_ms") for row in rows] == [61_500, None, 61_500]


@pytest.mark.parametrize("seconds", ["NaN", "inf", "1e999", "", "1,5"])
def test_no_spelling_of_nothing_becomes_a_duration(seconds: str) -> None:
    """Not-a-number, infinity and foreign decimals are faults; an empty cell is absent."""
    rows, faults = mapped({"duration_ms": {"from": "{seconds}", "unit": "s"}}, (*ROW[:4], seconds, "1994"))
    assert rows == [{}]
    assert bool(faults) == bool(seconds)


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        ("{label}: {title}", "Sub Pop: Nocturne"),
        ("{{{id}}}", "{7}"),
        ("constant", "constant"),
        (42, 42),
        (["{title}", "{label}"], ["Nocturne", "Sub Pop"]),
        ({"from": "{tags}", "split": "|", "keep_prefix": "genre---"}, ["jazz", "soul"]),
        ([{"from": "{tags}", "split": "|", "keep_prefix": "genre---"}, "{year}"], ["jazz", "soul", "1994"]),
        ({"from": "{label}", "absent": "Sub Pop"}, None),
        ({"from": "{label}", "absent": ["Sub Pop"], "default": "unknown"}, "unknown"),
        ({"from": "{title}", "case": "upper"}, "NOCTURNE"),
        ({"from": "{title}", "values": {"Nocturne": "Night piece"}}, "Night piece"),
        ({"from": "{title}", "values": {"Etude": "Study"}}, "Nocturne"),
        ({"from": "{seconds}", "unit": "min"}, 3_690_000),
        ({"album": "{title}", "none": "{title}{label}{nothing}"}, BadInput),
    ],
)
def test_values(spec: Any, value: Any) -> None:
    """Templates, constants, lists, objects and changes, as docs/mapping.md says."""
    if value is BadInput:
        with pytest.raises(BadInput):
            mapped({"title": spec}, ROW)
    else:
        assert mapped({"title": spec}, ROW)[0][0].get("title") == value


def test_typed_cells_of_parquet() -> None:
    """Numbers become text, lists stay lists, NaN and null are absent, a time keeps its offset or is a fault."""
    header = ("n", "f", "l", "t")
    data = {"n": "{n}", "f": "{f}", "l": "{l}"}
    assert mapped(data, (1, 2.5, ["a", None, "b"], None), header=header)[0] == [{"n": "1", "f": "2.5", "l": ["a", "b"]}]
    assert mapped(data, (None, float("nan"), [], None), header=header)[0] == [{}]
    _, faults = mapped({"when": "{t}", "both": "{n}/{l}"}, (1, 1.0, ["a"], datetime(2025, 1, 1)), header=header)  # noqa: DTZ001
    assert list(faults) == [0]


def test_text_that_was_misread_is_put_right_only_where_asked_and_possible() -> None:
    """UTF-8 once read as windows-1252 or Latin-1 comes out as it was meant; text that never was stays."""
    rows = [("1", "KÃ¶ln"), ("2", "Köln"), ("3", "漢字"), ("4", "HeÌ\x81beÌ€cho"), ("5", "\x80")]
    for misread, titles in (
        ({"misread": "windows-1252"}, ["Köln", "Köln", "漢字", "He\u0301be\u0300cho", "\x80"]),
        ({}, [title for _, title in rows]),
    ):
        document = {**SMALLEST, **misread, "data": {"asset_id": "{id}", "account_id": "x", "title": "{title}"}}
        mapper = compile_mapping(read_mapping(document), ("id", "title"))
        assert [data["title"] for data in mapper.data(mapper.block(rows))] == titles

"""When a dead letter may come again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gatekeeper.config import Limits
from gatekeeper.core.content import Parsed, parse
from gatekeeper.core.contracts import contracts_of
from gatekeeper.core.tables import DEAD_LETTERS_SCHEMA
from gatekeeper.core.times import parse_instant
from gatekeeper.edges.jsonl import JsonlContentReader
from gatekeeper.edges.jsonl_writer import JsonlLogWriter
from gatekeeper.edges.shipped import read_schemas
from gatekeeper.ports import ContentBlock
from gatekeeper.stages.dead_letters import Place, Replayed, later_events, replay, waiting
from tests.cli.conftest import published

LETTER_TIME = "2025-06-01T00:00:00Z"
BEFORE, AFTER = parse_instant("2025-05-31T00:00:00Z"), parse_instant("2025-06-02T00:00:00Z")


def _parse(block: ContentBlock) -> Parsed:
    return parse(block, contracts_of(read_schemas()).check_content, limits=Limits(), check_key=False)


def _letters(*letters: tuple[Place, bytes | None]) -> tuple[pa.Table, Parsed]:
    rows = [
        {"topic": "content", "partition": place[0], "offset": place[1], "value": value, "reason": "r", "detail": "d"}
        for place, value in letters
    ]
    table = pa.Table.from_pylist(rows, schema=DEAD_LETTERS_SCHEMA)
    values = table["value"].combine_chunks()
    return table, _parse(ContentBlock("content", 0, np.arange(len(rows)), None, values, values.nbytes))


def _replay(
    tmp_path: Path, later: dict[str, list[tuple[int, int, int]]], *letters: tuple[Place, bytes | None]
) -> Replayed:
    return replay(*_letters(*letters), later, JsonlLogWriter(tmp_path / "content.jsonl"))


@pytest.mark.parametrize(
    ("event", "superseded"),
    [
        ((1, 9, BEFORE), True),  # later on the letter's own partition, whatever its clock says
        ((1, 3, AFTER), False),  # earlier on the letter's own partition
        ((2, 9, BEFORE), False),  # another partition (the letter's key was wrong): the clock decides
        ((2, 3, AFTER), True),
        ((2, 3, parse_instant(LETTER_TIME)), True),  # nobody can tell: the letter stays dead
    ],
)
def test_a_letter_whose_asset_has_a_later_event_stays_dead(
    event: tuple[int, int, int], superseded: bool, tmp_path: Path
) -> None:
    """On one partition the offset says what is later, across partitions the time; in doubt nothing is brought back."""
    done = _replay(tmp_path, {"song": [event]}, ((1, 5), published("song", time=LETTER_TIME).encode()))
    assert done.superseded == ((((1, 5), event[:2]),) if superseded else ())
    assert len(done.appended) == (not superseded)


def test_every_letter_is_accounted_for(tmp_path: Path) -> None:
    """A record without value, one that is no JSON and one that passes: one answer each, the bytes unchanged."""
    good = published("song").encode()
    done = _replay(tmp_path, {}, ((0, 1), None), ((0, 2), b"{"), ((1, 0), good))
    assert [place for place, _, _ in done.failing] == [(0, 1), (0, 2)]
    assert done.appended == ((1, 0),)
    assert (tmp_path / "content.jsonl").read_bytes() == good + b"\n"


def test_events_that_wait_on_the_log_count_as_later(tmp_path: Path) -> None:
    """What the catalogue does not hold yet is read from the log, from its next offset to its end."""
    log = JsonlLogWriter(tmp_path / "content.jsonl")
    log.append((None, published(asset).encode()) for asset in ("old", "new", "newer"))
    reader = JsonlContentReader(tmp_path / "content.jsonl")
    found = later_events(["old", "new", "newer", "none"], None, waiting(reader, {0: 1}, _parse))
    assert {asset: [event[:2] for event in events] for asset, events in found.items()} == {
        "new": [(0, 1)],
        "newer": [(0, 2)],
    }


def test_nothing_waits_where_the_catalogue_reaches_the_end(tmp_path: Path) -> None:
    """An empty rest is no wait."""
    JsonlLogWriter(tmp_path / "content.jsonl").append([(None, published().encode())])
    reader = JsonlContentReader(tmp_path / "content.jsonl")
    assert list(waiting(reader, {0: 1}, _parse)) == []

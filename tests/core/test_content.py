"""A block of content records: each is valid or a dead letter, exactly once, and costs its neighbours nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from gatekeeper.core.content import DEAD_SCHEMA, parse
from gatekeeper.core.tables import CONTENT_SCHEMA
from tests.core.content_records import CONTRACTS, Block, Limits, block, encoded, event, parsed, reason_of, rich_event
from tests.core.hostile_files import json_files, needs_hostile_files

GOOD = encoded(event())

DEAD = {
    "null_value": None,
    "oversize": encoded(event(title="x" * 70_000)),
    "bad_utf8": GOOD.replace(b"acct-1", b"acct-\xff"),
    "byte_order_mark": b"\xef\xbb\xbf" + GOOD,
    "bad_json": GOOD[:-1],
    "trailing_content": GOOD + GOOD,
    "too_deep": encoded(event(x=0)).replace(b'"x":0', b'"x":' + b"[" * 99 + b"]" * 99),
    "duplicate_key": GOOD.replace(b'"data":{', b'"data":{"asset_id":"another",'),
    "not_finite": encoded(event(x=0)).replace(b'"x":0', b'"x":NaN'),
    "number_too_big": encoded(event(x=0)).replace(b'"x":0', b'"x":1e999'),
    "lone_surrogate": encoded(event(x="?")).replace(b'"?"', b'"\\ud800"'),
    "unknown_version": encoded(event() | {"specversion": "0.3"}),
    "unknown_type": encoded(event() | {"type": "content.liked"}),
    "missing_field": encoded({k: v for k, v in event().items() if k != "time"}),
    "wrong_type": encoded(event(tags="no-ai")),
    "bad_value": encoded(event(account_id="x") | {"id": ""}),
    "control_characters": encoded(event(catalogs=["a\nb"])),
    "impossible_time": encoded(event(published_at="2025-02-30T00:00:00Z")),
}


@pytest.mark.parametrize(("reason", "value"), DEAD.items())
def test_a_bad_record_is_a_dead_letter_with_its_reason(reason: str, value: bytes | None) -> None:
    """Each reason, from the bytes that cause it."""
    assert reason_of(value) == reason


@pytest.mark.parametrize(("reason", "value"), DEAD.items())
@pytest.mark.parametrize("fast", [True, False])
def test_a_bad_record_costs_its_neighbours_nothing(reason: str, value: bytes | None, *, fast: bool) -> None:
    """Amid two hundred good records, all of those are valid, in order, and it alone is dead, with its bytes."""
    values = [encoded(rich_event(i)) for i in range(200)]
    values[97] = value
    result = parsed(values, fast=fast)
    assert result.valid["offset"].to_pylist() == [10 + 2 * i for i in range(200) if i != 97]
    assert result.valid["asset_id"].to_pylist() == [f"track-{i}" for i in range(200) if i != 97]
    dead = result.dead.to_pylist()
    assert [(row["topic"], row["partition"], row["offset"], row["value"], row["reason"]) for row in dead] == [
        ("content", 3, 204, value, reason)
    ]
    assert dead[0]["detail"]


def test_a_block_of_nothing_but_bad_records_is_all_dead() -> None:
    """Hostile traffic is recorded, not admitted and not lost."""
    values = [*DEAD.values()] * 20
    result = parsed(values)
    assert result.valid.num_rows == 0
    assert result.dead["reason"].to_pylist() == [*DEAD] * 20
    assert result.dead["value"].to_pylist() == values


def test_a_record_without_a_key_or_with_another_key_is_dead_where_keys_count() -> None:
    """In Kafka the key is the asset id, or one asset would have two orders."""
    values = [encoded(event(i)) for i in range(100)]
    keys: list[bytes | None] = [f"track-{i}".encode() for i in range(100)]
    keys[5], keys[50], keys[99] = None, b"track-51", b"\xff"
    result = parse(block(values, keys), CONTRACTS.check_content, limits=Limits())
    assert result.valid.num_rows == 97
    assert result.dead["reason"].to_pylist() == ["null_key", "key_mismatch", "key_mismatch"]
    assert result.dead["key"].to_pylist() == [None, b"track-51", b"\xff"]
    assert "track-50" in result.dead["detail"][1].as_py()


def test_a_kafka_block_without_any_key_is_all_dead_and_a_jsonl_block_is_not() -> None:
    """Only a log that has no keys may go without."""
    kafka = parse(block([GOOD]), CONTRACTS.check_content, limits=Limits())
    assert kafka.dead["reason"].to_pylist() == ["null_key"]
    jsonl = parse(block([GOOD]), CONTRACTS.check_content, limits=Limits(), check_key=False)
    assert jsonl.valid.num_rows == 1


def test_an_empty_block_has_the_schemas_of_every_other() -> None:
    """Nothing in, nothing out, in the right columns."""
    result = parsed([])
    assert result.valid.schema == CONTENT_SCHEMA
    assert result.dead.schema == DEAD_SCHEMA
    assert result.valid.num_rows == result.dead.num_rows == 0


@pytest.mark.parametrize("copies", [1, 200])
def test_every_field_arrives_in_its_column(copies: int) -> None:
    """By either reader: the values as they were written, instants in UTC and cut to the microsecond."""
    row = parsed([encoded(rich_event(i)) for i in range(copies)]).valid.to_pylist()[-1]
    number = copies - 1
    assert row == {
        "event_id": f"evt-{number}",
        "source": "urn:test:catalog",
        "type": "content.published",
        "time": datetime(2025, 6, 1, 13, 30, 0, 500_000, tzinfo=UTC),
        "topic": "content",
        "partition": 3,
        "offset": 10 + 2 * number,
        "asset_id": f"track-{number}",
        "account_id": "acct-1",
        "interests": [{"party_id": "label-1", "role": "recording"}, {"party_id": "song-1", "role": "composition"}],
        "identifiers": {"isrc": "DE-A12-25-00042", "iswc": "T-034.524.680-1", "content_sha256": "ab" * 32},
        "catalogs": ["main"],
        "licence": "CC0-1.0",
        "tags": ["ambient", "no-ai"],
        "reservations": [{"vocabulary": "aipref", "vocabulary_version": "07", "statement": "train-ai=n"}],
        "title": "Größe 🎵",
        "artists": ["A", "B"],
        "genres": ["drone"],
        "duration_ms": 214_000,
        "media_uri": "s3://media/1.flac",
        "published_at": datetime(2025, 5, 30, 7, 0, 0, 123_456, tzinfo=UTC),
        "attributes": [("bpm", "84"), ("mood", "calm")],
        "extra": '{"envelope":{"datacontenttype":"application/json","subject":"track"}}',
    }


@pytest.mark.parametrize("copies", [1, 200])
def test_what_no_column_holds_is_kept_in_the_shape_it_had(copies: int) -> None:
    """Unknown fields of the envelope, of data and inside known objects; null is nothing; numbers stay as they are."""
    document = event(
        upc="0123",
        identifiers={"isrc": "X", "gtin": 5},
        interests=[{"party_id": "p", "role": "recording"}, {"party_id": "q", "role": "composition", "share": 0.5}],
        features={"loudness": [-9.5, None], "big": 2**70},
        nothing=None,
    ) | {"traceparent": "00-1", "subject": 'a "quoted" one'}
    row = parsed([encoded(document)] * copies).valid.to_pylist()[-1]
    assert json.loads(row["extra"]) == {
        "data": {
            "upc": "0123",
            "identifiers": {"gtin": 5},
            "interests": [{}, {"share": 0.5}],
            "features": {"loudness": [-9.5, None], "big": 2**70},
        },
        "envelope": {"traceparent": "00-1", "subject": 'a "quoted" one'},
    }
    assert row["identifiers"] == {"isrc": "X", "iswc": None, "content_sha256": None}


def test_attributes_are_sorted_by_name_so_that_order_says_nothing() -> None:
    """The same attributes are the same column value, by either reader, whatever the producer's order."""
    one, other = {"b": "1", "a": "2", "c": None}, {"a": "2", "b": "1"}
    values = [encoded(event(i, attributes=one if i % 2 else other)) for i in range(200)]
    for fast in (True, False):
        columns = parsed(values, fast=fast).valid["attributes"]
        assert columns.to_pylist() == [[("a", "2"), ("b", "1")]] * 200


def test_a_sliced_block_is_read_as_itself() -> None:
    """Blocks may be views of larger arrays."""
    values = pa.array([b"junk", *(encoded(event(i)) for i in range(150)), None, b"junk"], pa.binary()).slice(1, 151)
    whole = block([None] * 151)
    result = parse(
        Block("content", 3, whole.offsets, None, values), CONTRACTS.check_content, limits=Limits(), check_key=False
    )
    assert result.valid["asset_id"].to_pylist() == [f"track-{i}" for i in range(150)]
    assert result.dead["reason"].to_pylist() == ["null_value"]


def test_the_limit_of_bytes_counts_bytes() -> None:
    """At the limit a record is read, one byte above it is dead."""
    raw = encoded(event(title="é" * 100))
    for limit, dead in ((len(raw), 0), (len(raw) - 1, 1)):
        result = parse(block([raw]), CONTRACTS.check_content, limits=Limits(limit), check_key=False)
        assert result.dead.num_rows == dead


@needs_hostile_files
def test_no_published_json_case_is_an_event() -> None:
    """Valid JSON or not, none of the published parsing cases is admitted, alone or among good records."""
    files = {**json_files("y_"), **json_files("n_"), **json_files("i_")}
    assert files
    values = [part for raw in files.values() for part in (raw, GOOD)]
    result = parsed(values)
    assert result.valid["offset"].to_pylist() == [12 + 4 * i for i in range(len(files))]
    assert result.dead["value"].to_pylist() == list(files.values())

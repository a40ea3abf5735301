"""Decoding record batches by columns gives what the client's own decoding gives, record by record."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from gatekeeper.edges.kafka_batches import RecordColumns, columns_of, decode_records
from gatekeeper.edges.kafka_blocks import binary_array

# Lengths around the places where a varint grows a byte: 63/64 for one, 8191/8192 for two.
SIZES = st.one_of(st.integers(0, 200), st.sampled_from([63, 64, 8191, 8192, 20_000]))
BYTES = st.one_of(st.none(), SIZES.map(lambda n: b"v" * n), st.binary(max_size=30))
HEADERS = st.lists(st.tuples(st.text(max_size=5), st.one_of(st.none(), st.binary(max_size=100))), max_size=2)
RECORDS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 10**6), BYTES, BYTES, HEADERS), min_size=1, max_size=80)


def batch_of(records, compression: int = 0, dense: bool = True) -> bytes:
    builder = DefaultRecordBatchBuilder(2, compression, False, -1, -1, -1, 10**8)
    offset = -1
    for step, delay_ms, key, value, headers in records:
        offset += 1 if dense else step
        builder.append(offset, 1_700_000_000_000 + delay_ms, key, value, headers)
    return bytes(builder.build())


def slowly(data: bytes) -> tuple[list[int], list[bytes | None], list[bytes | None]]:
    records = list(DefaultRecordBatch(data))
    return [r.offset for r in records], [r.key for r in records], [r.value for r in records]


def quickly(data: bytes) -> tuple[list[int], list[bytes | None], list[bytes | None]]:
    columns = columns_of(DefaultRecordBatch(data))
    return list(columns.offsets), columns.keys, columns.values


def test_a_batch_whose_framing_does_not_add_up_is_refused() -> None:
    """A damaged batch is an error, never a shorter or shifted one."""
    whole = DefaultRecordBatch(batch_of([(1, 0, b"key", b"value", [])] * 3))
    data = bytes(whole._buffer[whole._pos :])
    for broken in (data[:-1], data + b"\0", data[:10], b"\xff" * 40):
        with pytest.raises((ValueError, IndexError)):
            decode_records(broken, 0, 3)


def test_a_damaged_batch_is_the_clients_corrupt_record() -> None:
    """So that one mapping of errors is enough."""
    batch = DefaultRecordBatch(batch_of([(1, 0, b"key", b"value", [])] * 3))
    batch._buffer = batch._buffer + b"\0"
    with pytest.raises(CorruptRecordError):
        columns_of(batch)


@given(RECORDS, st.sampled_from([0, 1, 3, 4]))
def test_columns_equal_records(records, compression: int) -> None:
    """Any sizes, nulls, headers and codecs."""
    data = batch_of(records, compression)
    assert quickly(data) == slowly(data)


@given(RECORDS)
def test_a_compacted_batch_keeps_its_holes(records) -> None:
    """Offsets that compaction removed are not handed out to the records that stayed."""
    data = batch_of(records, dense=False)
    assert quickly(data) == slowly(data)


@given(st.integers(0, 12))
def test_what_lies_before_the_fetch_offset_is_dropped(first: int) -> None:
    """A fetch from the middle of a batch returns the whole batch; the part before was read already."""
    columns = RecordColumns(range(2, 10), [None] * 8, [b"%d" % n for n in range(2, 10)], None)
    columns.drop_below(first)
    wanted = [n for n in range(2, 10) if n >= first]
    assert list(columns.offsets) == wanted
    assert columns.values == [b"%d" % n for n in wanted]
    assert len(columns.keys) == len(wanted)


@given(st.lists(BYTES, max_size=40))
def test_a_binary_array_is_what_arrow_makes_of_the_list(items: list[bytes | None]) -> None:
    """Nulls, empty values and order are kept."""
    made = binary_array(items)
    made.validate(full=True)
    assert made.equals(pa.array(items, pa.binary()))

"""Record batches → columns, without an object per record.

kafka-python makes a record object, then a 13-field tuple, of every record: 10 µs each. Here one batch becomes one
"record" whose value is a ``RecordColumns``: 1 µs each. Rules of this file: everything that decides *which* batches
count (checksums, aborted transactions, control records, positions) stays the client's code; only the loop over the
records of an ordinary batch is ours. It is hooked in by ``read_columns``; where the client's internals have changed,
the hook declines and records are read one by one: slower, same blocks (a test holds both to that).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from kafka import KafkaConsumer
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecordBatch

log = logging.getLogger(__name__)

_BATCH_INTERNALS = ("_buffer", "_pos", "_maybe_uncompress")


class RecordColumns:
    """Records of one batch: equally long ``offsets``, ``keys`` and ``values`` (bytes or None).

    ``append_time_ms`` is the broker's append time, None when the topic keeps the producer's.
    """

    __slots__ = ("append_time_ms", "keys", "offsets", "values")

    def __init__(
        self,
        offsets: Sequence[int],
        keys: list[bytes | None],
        values: list[bytes | None],
        append_time_ms: int | None,
    ) -> None:
        self.offsets, self.keys, self.values, self.append_time_ms = offsets, keys, values, append_time_ms

    def __len__(self) -> int:
        return len(self.offsets)

    def drop_below(self, offset: int) -> None:
        """A fetch from the middle of a batch returns the whole batch; what lies before was asked for by nobody."""
        skip = sum(1 for o in self.offsets if o < offset) if self.offsets[0] < offset else 0
        if skip:
            self.offsets = self.offsets[skip:]
            self.keys, self.values = self.keys[skip:], self.values[skip:]


class _BatchRecord(NamedTuple):
    """What the client's loop over a batch sees: the attributes of a record that it reads."""

    offset: int
    value: RecordColumns
    timestamp: int
    timestamp_type: int
    size_in_bytes: int
    key: None = None
    headers: tuple[()] = ()
    checksum: None = None

    def validate_crc(self) -> bool:
        return True  # format v2 has one checksum for the batch, which the client has verified


class _ColumnarBatch(DefaultRecordBatch):
    __slots__ = ()

    def __iter__(self) -> Iterator[_BatchRecord]:
        columns = columns_of(self)
        if len(columns):
            yield _BatchRecord(self.last_offset, columns, self.max_timestamp, self.timestamp_type, self.size_in_bytes)


class _ColumnarRecords:
    """The client's ``MemoryRecords``, handing out columnar batches. Control and pre-v2 batches pass unchanged."""

    def __init__(self, records: Any) -> None:
        self._records = records

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        if type(batch) is DefaultRecordBatch and not batch.is_control_batch:
            batch.__class__ = _ColumnarBatch
        return batch


class _ColumnarPartitionRecords(Fetcher.PartitionRecords):
    def __init__(self, fetch_offset: int, tp: Any, records: Any, **options: Any) -> None:
        super().__init__(fetch_offset, tp, _ColumnarRecords(records), **options)

    def _maybe_skip_record(self, record: Any) -> bool:
        if isinstance(record.value, RecordColumns):
            record.value.drop_below(self.fetch_offset)
            return len(record.value) == 0
        return bool(super()._maybe_skip_record(record))


def read_columns(consumer: KafkaConsumer) -> bool:
    """Let ``consumer.poll`` return one record per batch. False: left as it was, for the client has changed inside."""
    fetcher: Any = getattr(consumer, "_fetcher", None)
    known = hasattr(fetcher, "PartitionRecords") and all(hasattr(DefaultRecordBatch, n) for n in _BATCH_INTERNALS)
    if known:
        fetcher.PartitionRecords = _ColumnarPartitionRecords
    else:
        log.warning("this version of kafka-python reads record by record; content is read several times slower")
    return known


def columns_of(batch: DefaultRecordBatch) -> RecordColumns:
    """Decode one v2 batch. Raises the client's CorruptRecordError when its framing does not add up."""
    count = batch.records_count
    append_time_ms = batch.max_timestamp if batch.timestamp_type else None
    if count != batch.last_offset_delta + 1:  # compacted: offsets have holes, which only the slow reading knows
        records = list(DefaultRecordBatch.__iter__(batch))
        offsets: Sequence[int] = [r.offset for r in records]
        return RecordColumns(offsets, [r.key for r in records], [r.value for r in records], append_time_ms)
    batch._maybe_uncompress()  # noqa: SLF001 (what read_columns has checked to be there)
    try:
        keys, values = decode_records(bytes(batch._buffer), batch._pos, count)  # noqa: SLF001
    except (IndexError, ValueError) as error:
        raise CorruptRecordError(f"batch at offset {batch.base_offset}: {error}") from error
    return RecordColumns(range(batch.base_offset, batch.base_offset + count), keys, values, append_time_ms)


def decode_records(  # noqa: C901, PLR0912 (unrolled: a call per field is what costs)
    data: bytes, pos: int, count: int
) -> tuple[list[bytes | None], list[bytes | None]]:
    """Keys and values of ``count`` uncompressed records from ``pos`` to the end of ``data``.

    Record => length attributes timestamp_delta offset_delta key_length key value_length value header_count headers;
    lengths and deltas are zigzag varints (Kafka protocol, record format v2). Raises ValueError or IndexError when the
    framing is wrong.
    """
    keys: list[bytes | None] = []
    values: list[bytes | None] = []
    for _ in range(count):
        start = pos
        while data[pos] >= 0x80:  # length: needed only when there are headers
            pos += 1
        pos += 2  # its last byte, attributes
        while data[pos] >= 0x80:  # timestamp delta: a batch has one append time
            pos += 1
        pos += 1
        while data[pos] >= 0x80:  # offset delta: known, the batch has no holes
            pos += 1
        pos += 1
        size = data[pos]
        pos += 1
        if size >= 0x80:
            size, pos = _varint(data, pos - 1)
        if size & 1:
            keys.append(None)
        else:
            end = pos + (size >> 1)
            keys.append(data[pos:end])
            pos = end
        size = data[pos]
        pos += 1
        if size >= 0x80:
            more = data[pos]
            pos += 1
            if more < 0x80:
                size += (more << 7) - 0x80
            else:
                size, pos = _varint(data, pos - 2)
        if size & 1:
            values.append(None)
        else:
            end = pos + (size >> 1)
            values.append(data[pos:end])
            pos = end
        if data[pos] == 0:  # no headers
            pos += 1
        else:
            size, body = _varint(data, start)
            pos = body + (size >> 1)
    if pos != len(data):
        raise ValueError(f"{len(data) - pos} bytes left after {count} records")
    return keys, values


def _varint(data: bytes, pos: int) -> tuple[int, int]:
    """An unsigned varint (still zigzagged: twice the length, odd when negative) and the position after it."""
    result = shift = 0
    while True:
        byte = data[pos]
        pos += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, pos
        shift += 7
        if shift > 63:
            raise ValueError("a varint of more than 64 bits")

"""What a poll returned → content blocks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gatekeeper.edges.kafka_batches import RecordColumns
from gatekeeper.ports import ContentBlock


def content_blocks(polled: Mapping[Any, Sequence[Any]], block_bytes_max: int) -> list[ContentBlock]:
    """``{TopicPartition: records}`` → blocks of at most about ``block_bytes_max`` (one batch may exceed it)."""
    return [
        _block(tp.topic, tp.partition, part)
        for tp, records in polled.items()
        for part in _parts(columns(records), block_bytes_max)
    ]


def columns(records: Iterable[Any]) -> Iterator[RecordColumns]:
    """Batches as ``read_columns`` lets them through, and single records (old formats) as batches of one."""
    for record in records:
        if isinstance(record.value, RecordColumns):
            yield record.value
        else:
            append_time_ms = record.timestamp if record.timestamp_type == 1 else None
            yield RecordColumns([record.offset], [record.key], [record.value], append_time_ms)


def _parts(batches: Iterable[RecordColumns], block_bytes_max: int) -> Iterator[list[RecordColumns]]:
    part: list[RecordColumns] = []
    part_bytes = 0
    for batch in batches:
        batch_bytes = sum(map(len, filter(None, batch.values))) + sum(map(len, filter(None, batch.keys)))
        if part and part_bytes + batch_bytes > block_bytes_max:
            yield part
            part, part_bytes = [], 0
        part.append(batch)
        part_bytes += batch_bytes
    if part:
        yield part


def _block(topic: str, partition: int, batches: list[RecordColumns]) -> ContentBlock:
    offsets = np.concatenate([np.asarray(batch.offsets, dtype=np.int64) for batch in batches])
    keys = binary_array([key for batch in batches for key in batch.keys])
    values = binary_array([value for batch in batches for value in batch.values])
    bytes_total = keys.buffers()[2].size + values.buffers()[2].size
    return ContentBlock(topic, partition, offsets, keys, values, bytes_total)


def binary_array(items: Sequence[bytes | None]) -> pa.BinaryArray:
    """The same as ``pa.array(items, pa.binary())``, in half the time: one join instead of a growing builder."""
    present: Sequence[bytes]
    validity = None
    nulls = items.count(None)
    if nulls:
        mask = np.fromiter((item is not None for item in items), bool, len(items))
        validity = pa.py_buffer(np.packbits(mask, bitorder="little"))
        present = [item if item is not None else b"" for item in items]
    else:
        present = items  # type: ignore[assignment]
    ends: npt.NDArray[np.int32] = np.zeros(len(items) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, present), np.int32, len(items)), out=ends[1:])
    buffers = [validity, pa.py_buffer(ends), pa.py_buffer(b"".join(present))]
    return pa.Array.from_buffers(pa.binary(), len(items), buffers, null_count=nulls)

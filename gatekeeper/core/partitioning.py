"""Where a keyed record belongs: the partition that a producer's default partitioner gives its key.

Two partitioners are known: ``murmur2`` (the Java client and kafka-python) and ``crc32`` (librdkafka's ``consistent``).
Both are part of those clients' published behaviour: a key maps to the same partition as long as the count stays.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Partitions = npt.NDArray[np.int32]
Partitioner = Callable[[pa.StringArray, int], Partitions]

_SEED = np.uint32(0x9747B28C)
_M = np.uint32(0x5BD1E995)


def murmur2_partitions(keys: pa.StringArray, count: int) -> Partitions:
    """N keys → n partitions below ``count``, as ``org.apache.kafka.common.utils.Utils.murmur2`` and ``toPositive``
    give them.
    """
    starts, lengths, data = _pieces(keys)
    with np.errstate(over="ignore"):
        hashes = _murmur2(starts, lengths, data)
    return ((hashes & np.uint32(0x7FFFFFFF)) % np.uint32(count)).astype(np.int32)


def crc32_partitions(keys: pa.StringArray, count: int) -> Partitions:
    """N keys → n partitions below ``count``, as librdkafka's ``consistent`` partitioner gives them."""
    return np.fromiter((zlib.crc32(key.encode()) % count for key in keys.to_pylist()), np.int32, len(keys))


PARTITIONERS: dict[str, Partitioner] = {"murmur2": murmur2_partitions, "crc32": crc32_partitions}


def _pieces(keys: pa.StringArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    _, offset_buffer, data_buffer = keys.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32)[keys.offset : keys.offset + len(keys) + 1].astype(np.int64)
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.empty(0, np.uint8)
    return offsets[:-1], np.diff(offsets), np.concatenate([data, np.zeros(4, np.uint8)])


def _murmur2(
    starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], data: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint32]:
    words = np.ndarray(shape=(len(data) - 3,), dtype="<u4", buffer=data, strides=(1,))
    hashes = _SEED ^ lengths.astype(np.uint32)
    whole = lengths // 4
    for word in range(int(whole.max(initial=0))):
        rows = np.flatnonzero(whole > word)
        mixed = words[starts[rows] + 4 * word] * _M
        mixed = (mixed ^ (mixed >> np.uint32(24))) * _M
        hashes[rows] = (hashes[rows] * _M) ^ mixed
    rows = np.flatnonzero(lengths % 4)
    left = (lengths[rows] % 4).astype(np.uint32)
    tail = words[starts[rows] + 4 * whole[rows]] & ((np.uint32(1) << (np.uint32(8) * left)) - np.uint32(1))
    hashes[rows] = (hashes[rows] ^ tail) * _M
    hashes ^= hashes >> np.uint32(13)
    hashes *= _M
    return hashes ^ (hashes >> np.uint32(15))

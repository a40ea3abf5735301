"""A stable 64-bit hash of asset ids, by columns.

Rules of this file: the function is part of no file format and may change with a release; it is the same on every
machine and in every process; equal hashes are only ever a hint, whoever acts on one compares the ids themselves.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Hashes = npt.NDArray[np.uint64]

_SEED = np.uint64(0x9E3779B97F4A7C15)
_WORD = np.uint64(0xBF58476D1CE4E5B9)
_LAST = np.uint64(0x94D049BB133111EB)
_SHIFT = np.uint64(31)
_WORD_BYTES = 8


def asset_hash(ids: pa.Array | pa.ChunkedArray) -> Hashes:
    """Asset ids (n strings, none null) → n hashes: splitmix64's steps over eight bytes of each id at a time."""
    if isinstance(ids, pa.ChunkedArray):
        return np.concatenate([asset_hash(chunk) for chunk in ids.chunks] or [np.empty(0, np.uint64)])
    starts, lengths, data = _pieces(ids)
    hashes = _SEED ^ (lengths.astype(np.uint64) * _LAST)
    words = _words_at_any_byte(data)
    open_rows = np.arange(len(starts))
    position = 0
    while len(open_rows := open_rows[lengths[open_rows] > position]):
        left = lengths[open_rows] - position
        word = words[starts[open_rows] + position] & _mask(left)
        mixed = (hashes[open_rows] ^ word) * _WORD
        hashes[open_rows] = mixed ^ (mixed >> _SHIFT)
        position += _WORD_BYTES
    hashes *= _LAST
    return hashes ^ (hashes >> _SHIFT)


def _pieces(ids: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    if ids.null_count:
        raise ValueError("an asset id is null")
    ids = ids.cast(pa.large_string())
    _, offset_buffer, data_buffer = ids.buffers()
    if len(ids) == 0 or offset_buffer is None:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8)
    offsets = np.frombuffer(offset_buffer, np.int64)[ids.offset : ids.offset + len(ids) + 1]
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.empty(0, np.uint8)
    return offsets[:-1] - offsets[0], np.diff(offsets), data[offsets[0] : offsets[-1]]


def _words_at_any_byte(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """The little-endian word that starts at each byte; bytes past the end are zero."""
    padded = np.concatenate([data, np.zeros(_WORD_BYTES, np.uint8)])
    return np.ndarray(shape=(len(data) + 1,), dtype="<u8", buffer=padded, strides=(1,))


def _mask(left: npt.NDArray[np.int64]) -> Hashes:
    unused = (_WORD_BYTES - np.minimum(left, _WORD_BYTES)).astype(np.uint64) * np.uint64(8)
    return np.uint64(0xFFFFFFFFFFFFFFFF) >> unused

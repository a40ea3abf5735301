"""Strings as rows of 64-bit words, and a keyed hash over them.

Rules of this file: the hash is defined by its arithmetic here and named with a version, so that a file written today
is readable after any upgrade; a hash only ever proposes a row, the words themselves decide (``KeyStore.holds``). The
hash is an argument wherever it is used, so that a collision can be planted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Words = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

WIDTH_MIN = 8
"""Columns of words that keys of up to 64 bytes share; longer keys are grouped by the next power of two."""

WORD_BYTES = 8
SLOT_WORDS = 4
_SLOT = np.dtype((np.void, SLOT_WORDS * WORD_BYTES))
_MULTIPLY = np.uint64(0xBF58476D1CE4E5B9)
_FINISH = np.uint64(0x94D049BB133111EB)
_FOLD = np.uint64(32)
_LAST_FOLD = np.uint64(29)


@dataclass(frozen=True)
class KeyHash:
    """A named function (words of shape (n, width), byte lengths of shape (n,), seed) → n 64-bit hashes.

    It may depend on the words that the length covers only: the same key comes in blocks of different width.
    """

    name: str
    of: Callable[[Words, Rows, int], Words]


def _mix(words: Words, lengths: Rows, seed: int) -> Words:
    mixed = lengths.view(np.uint64) * _FINISH
    mixed += np.uint64(seed & 0xFFFFFFFFFFFFFFFF)
    for column, everywhere in _columns(words, lengths):
        if everywhere:
            mixed ^= words[:, column]
            mixed *= _MULTIPLY
            mixed ^= mixed >> _FOLD
        else:
            step = (mixed ^ words[:, column]) * _MULTIPLY
            np.copyto(mixed, step ^ (step >> _FOLD), where=lengths > column * WORD_BYTES)
    mixed *= _FINISH
    mixed ^= mixed >> _LAST_FOLD
    return mixed


def _columns(words: Words, lengths: Rows) -> Iterator[tuple[int, bool]]:
    """The columns that hold any byte of a key, and whether they do so for every key."""
    shortest, longest = (int(lengths.min()), int(lengths.max())) if len(lengths) else (0, 0)
    for column in range(min(words.shape[1], -(-longest // WORD_BYTES))):
        yield column, shortest > column * WORD_BYTES


STABLE_HASH = KeyHash("multiply-fold-64/1", _mix)
"""Multiply and fold, eight bytes at a time; the seed keeps a writer of ids from aiming at one row."""


@dataclass(frozen=True)
class KeyBlock:
    """Keys side by side: ``rows`` says which of the column's rows they are (None: all, in order)."""

    rows: Rows | None
    words: Words
    lengths: Rows


def byte_lengths(strings: pa.Array) -> Rows:
    """The length of each string in bytes; shape (n,)."""
    return pc.binary_length(strings).to_numpy(zero_copy_only=False).astype(np.int64)


def words_in(lengths: Rows) -> Rows:
    return (lengths + (WORD_BYTES - 1)) // WORD_BYTES


def slots_in(lengths: Rows) -> Rows:
    """Slots of a key store that keys of these lengths take."""
    return (words_in(lengths) + SLOT_WORDS) // SLOT_WORDS


def key_blocks(strings: pa.Array) -> Iterator[KeyBlock]:
    """A string column without nulls → its keys; one block unless some are longer than ``WIDTH_MIN`` words."""
    if len(strings) == 0:
        return
    lengths = byte_lengths(strings)
    longest = int(lengths.max())
    if longest <= WIDTH_MIN * WORD_BYTES:
        yield KeyBlock(None, _padded(strings, max(1, -(-longest // WORD_BYTES))), lengths)
        return
    widths = np.maximum(WIDTH_MIN, 2 ** np.ceil(np.log2(np.maximum(words_in(lengths), 1))).astype(np.int64))
    for width in np.unique(widths).tolist():
        rows = np.flatnonzero(widths == width)
        yield KeyBlock(rows, _padded(strings.take(pa.array(rows)), width), lengths[rows])


def _padded(strings: pa.Array, width: int) -> Words:
    padded = pc.ascii_rpad(strings, width=width * WORD_BYTES, padding="\0")
    words: Words = np.frombuffer(padded.buffers()[2], np.uint64, count=len(strings) * width)
    return words.reshape(len(strings), width)


@dataclass
class KeyStore:
    """Full keys in slots of 32 bytes: the byte length, then the words, zero-padded. A place is the number of a key's
    first slot.
    """

    blob: Words

    def holds(self, at: Rows, words: Words, lengths: Rows) -> npt.NDArray[np.bool_]:
        """Whether the key stored at each place is exactly the given one; shapes (n,), (n, width), (n,)."""
        same = np.ones(len(at), np.bool_)
        shortest = int(slots_in(lengths.min(initial=0)))
        for nth in range(-(-(words.shape[1] + 1) // SLOT_WORDS)):
            stored = self._slots(at + nth)
            equal = np.ones(len(at), np.bool_)
            for column in range(nth * SLOT_WORDS, min((nth + 1) * SLOT_WORDS, words.shape[1] + 1)):
                asked = words[:, column - 1] if column else lengths.view(np.uint64)
                equal &= stored[:, column % SLOT_WORDS] == asked
            same &= equal if nth < shortest else equal | (slots_in(lengths) <= nth)
        return same

    def same(self, first: Rows, second: Rows) -> npt.NDArray[np.bool_]:
        """Whether the keys at each pair of places are the same; shapes (n,), (n,)."""
        same = np.ones(len(first), np.bool_)
        pairs = np.flatnonzero(first != second)
        nth = 0
        while len(pairs):
            equal = (self._slots(first[pairs] + nth) == self._slots(second[pairs] + nth)).all(axis=1)
            same[pairs[~equal]] = False
            nth += 1
            pairs = pairs[equal]
            pairs = pairs[slots_in(self._lengths(first[pairs])) > nth]
        return same

    def key(self, at: int) -> bytes:
        word = at * SLOT_WORDS
        length = int(self.blob[word])
        return self.blob[word + 1 : word + 1 + -(-length // WORD_BYTES)].tobytes()[:length]

    def gather(self, at: Rows) -> tuple[KeyStore, Rows]:
        """Only the keys at these places, closed up → the new store and their places in it. Places may repeat."""
        places, which = np.unique(at, return_inverse=True)
        spans = slots_in(self._lengths(places))
        ends = np.cumsum(spans)
        starts = ends - spans
        source = np.repeat(places - starts, spans) + np.arange(int(ends[-1]) if len(ends) else 0)
        return KeyStore(self._slots(source).reshape(-1)), starts[which]

    def _slots(self, at: Rows) -> Words:
        """Shape (n, words of a slot). Past the end the last slot stands, for whoever looks beyond a shorter key."""
        words: Words = self.blob.view(_SLOT).take(at, mode="clip").view(np.uint64)
        return words.reshape(-1, SLOT_WORDS)

    def _lengths(self, at: Rows) -> Rows:
        return self._slots(at)[:, 0].astype(np.int64)


def stored_keys(strings: pa.Array) -> tuple[KeyStore, Rows]:
    """A string column without nulls → a store of its keys and each row's place."""
    at = np.zeros(len(strings), np.int64)
    pieces: list[Words] = []
    filled = 0
    for block in key_blocks(strings):
        spans = slots_in(block.lengths)
        width = block.words.shape[1]
        most = -(-(width + 1) // SLOT_WORDS)
        whole = np.zeros((len(spans), most * SLOT_WORDS), np.uint64)
        whole[:, 0] = block.lengths
        whole[:, 1 : width + 1] = block.words
        at[slice(None) if block.rows is None else block.rows] = filled + np.cumsum(spans) - spans
        used = whole.reshape(-1, most, SLOT_WORDS)[np.arange(most) < spans[:, None]]
        pieces.append(used.reshape(-1))
        filled += len(used)
    return KeyStore(np.concatenate(pieces) if pieces else np.empty(0, np.uint64)), at


def hashes_of(strings: pa.Array, hashing: KeyHash, seed: int) -> Words:
    """A string column without nulls → its hashes; shape (n,)."""
    hashes = np.empty(len(strings), np.uint64)
    for block in key_blocks(strings):
        hashes[slice(None) if block.rows is None else block.rows] = hashing.of(block.words, block.lengths, seed)
    return hashes

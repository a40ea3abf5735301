"""The order that rows take in a level.

Rules of this file: within a subject the rows that count for every interest (and all rows of a party or account) come
first, as a chain. Where very many speakers speak about one subject, their rows follow outside the chain, sorted by
speaker, and a ``PAIRED`` row at the head says where. Keys that share a hash all move to the side segment and leave one
``COLLIDED`` row behind, which sends every look-up of that hash to the exact table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gatekeeper.core.snapshot.keys import Rows, Words
from gatekeeper.core.snapshot.level import SIDE, Bits
from gatekeeper.core.snapshot.reasons import CODE_COLLIDED, CODE_MARK, CODE_PAIRED, CONSENTS
from gatekeeper.core.snapshot.rows import ACCOUNT, NEVER, NOBODY, PARTY, Columns, joined

KEYS_IN_USE_MIN = 0.75
"""Below this share of rows that still count, the keys of the others are given up as well."""

Flags = npt.NDArray[np.bool_]


@dataclass
class Sorting:
    """The order that rows of some columns come in, with the segment and the hash that they are sorted by (in the side
    segment: the key's number). The columns themselves stay as they are until the order is settled.
    """

    columns: Columns
    rows: Rows
    segment: Bits
    run_hash: Words

    @property
    def code(self) -> Bits:
        return self.columns.code[self.rows]

    @property
    def key_at(self) -> Rows:
        return self.columns.key_at[self.rows]

    @property
    def bound(self) -> Flags:
        return bound(self.columns.kind[self.rows], self.columns.speaker[self.rows])

    def take(self, at: Rows | Flags) -> Sorting:
        return Sorting(self.columns, self.rows[at], self.segment[at], self.run_hash[at])

    def sorted(self) -> Sorting:
        return self.take(np.lexsort((self.run_hash, self.segment)))

    def with_heads(self, at: Rows, segment: Bits, hashes: Words, code: int) -> Sorting:
        """A row that is no statement beside each of these."""
        known = len(self.columns)
        columns = joined([self.columns, _special(self.columns.take(self.rows[at]), code)])
        rows = np.append(self.rows, np.arange(known, len(columns)))
        return Sorting(columns, rows, np.append(self.segment, segment), np.append(self.run_hash, hashes)).sorted()

    def run(self) -> Rows:
        """The number of each row's run; shape (n,)."""
        first = np.ones(len(self.segment), np.bool_)
        first[1:] = (self.run_hash[1:] != self.run_hash[:-1]) | (self.segment[1:] != self.segment[:-1])
        return np.cumsum(first) - 1


def ordered(columns: Columns, speakers_in_chain_max: int) -> Sorting:
    """The rows that can still count, in their order, with the special rows that look-ups need."""
    columns, rows = _worth_keeping(columns)
    sorting = Sorting(columns, rows, columns.kind[rows], columns.hash[rows]).sorted()
    return _inside_runs(_with_pairs(_without_idle_marks(_with_side(sorting)), speakers_in_chain_max))


def bound(kind: Bits, speaker: npt.NDArray[np.uint32]) -> Flags:
    """Rows that one speaker says about a subject that is not the speaker itself."""
    return (speaker != NOBODY) & (kind != PARTY) & (kind != ACCOUNT)


def _worth_keeping(columns: Columns) -> tuple[Columns, Rows]:
    """All rows but the dead; a party's or account's leave a mark, because the speaker's number must stay known."""
    dead = columns.dead()
    speakers = (columns.kind == PARTY) | (columns.kind == ACCOUNT)
    columns = replace(columns, code=np.where(dead & speakers, np.uint8(CODE_MARK), columns.code))
    rows = np.flatnonzero(~dead | speakers)
    if len(rows) < len(columns) * KEYS_IN_USE_MIN:
        keys, key_at = columns.keys.gather(columns.key_at[rows])
        return replace(columns.take(rows), keys=keys, key_at=key_at), np.arange(len(rows))
    return columns, rows


def _special(heads: Columns, code: int) -> Columns:
    count = len(heads)
    return replace(
        heads,
        code=np.full(count, code, np.uint8),
        speaker=np.full(count, NOBODY, np.uint32),
        position=np.zeros(count, np.int64),
        from_us=np.full(count, NEVER, np.int64),
        until_us=np.full(count, NEVER, np.int64),
        ref_high=np.zeros(count, np.uint64),
        ref_low=np.zeros(count, np.uint64),
    )


def _with_side(sorting: Sorting) -> Sorting:
    """Keys that share a hash move to the side segment, each key a run of its own."""
    run, key_at, keys = sorting.run(), sorting.key_at, sorting.columns.keys
    heads = np.flatnonzero(np.diff(run, prepend=-1))
    differs = ~keys.same(key_at, key_at[heads[run]])
    if not differs.any():
        return sorting
    collided = np.isin(run, run[differs])
    numbers: dict[tuple[int, bytes], int] = {}
    segment, run_hash = sorting.segment.copy(), sorting.run_hash.copy()
    for at in np.flatnonzero(collided).tolist():
        name = int(sorting.segment[at]), keys.key(int(key_at[at]))
        segment[at], run_hash[at] = SIDE, numbers.setdefault(name, len(numbers))
    marked = heads[collided[heads]]
    moved = replace(sorting, segment=segment, run_hash=run_hash)
    return moved.with_heads(marked, sorting.segment[marked], sorting.run_hash[marked], CODE_COLLIDED)


def _without_idle_marks(sorting: Sorting) -> Sorting:
    """One row is enough to know a speaker by: marks beside a statement go, and all but one of several marks."""
    marks = sorting.code == CODE_MARK
    if not marks.any():
        return sorting
    run = sorting.run()
    spoken = np.bincount(run, weights=~marks)[run] > 0
    again = np.zeros(len(run), np.bool_)
    again[1:] = marks[1:] & marks[:-1] & (run[1:] == run[:-1])
    return sorting.take(~(marks & (spoken | again)))


def _with_pairs(sorting: Sorting, speakers_in_chain_max: int) -> Sorting:
    """A ``PAIRED`` row at the head of every run with too many speakers, but for the side segment's."""
    many = sorting.bound & (sorting.segment != SIDE)
    if not many.any():
        return sorting
    run = sorting.run()
    too_many = np.flatnonzero(np.bincount(run, weights=many) > speakers_in_chain_max)
    if len(too_many) == 0:
        return sorting
    heads = np.searchsorted(run, too_many)
    return sorting.with_heads(heads, sorting.segment[heads], sorting.run_hash[heads], CODE_PAIRED)


def _inside_runs(sorting: Sorting) -> Sorting:
    """Rows of one run by place, then speaker, then a speaker's consents with the highest position first."""
    run = sorting.run()
    again = np.zeros(len(run) + 1, np.bool_)
    again[1:-1] = run[1:] == run[:-1]
    many = np.flatnonzero(again[1:] | again[:-1])
    part = sorting.columns.take(sorting.rows[many])
    consent = np.isin(part.code, CONSENTS)
    apart = bound(part.kind, part.speaker)
    place = np.where(part.code >= CODE_PAIRED, 0, np.where(apart, 2, 1))
    speaker = np.where(apart | consent, part.speaker, 0)
    order = np.arange(len(run))
    order[many] = many[np.lexsort((-part.position, consent, speaker, place, run[many]))]
    return sorting.take(order)

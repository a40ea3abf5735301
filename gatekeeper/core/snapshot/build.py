"""Columns of statement rows → a sorted ``Level``, and back.

Rules of this file: within a subject the rows that count for every interest (and all rows of a party or account) come
first, as a chain. Where very many speakers speak about one subject, their rows follow outside the chain, sorted by
speaker, and a ``PAIRED`` row at the head says where. Keys that share a hash all move to the side segment and leave one
``COLLIDED`` row behind, which sends every look-up of that hash to the exact table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gatekeeper.core.snapshot.indexes import bucket_index, change_index, contest_index, ref_index, side_table
from gatekeeper.core.snapshot.keys import Rows, Words
from gatekeeper.core.snapshot.level import CODE, INLINE_PLANES, RECORD, SIDE, Bits, Level, Records
from gatekeeper.core.snapshot.reasons import CODE_COLLIDED, CODE_MARK, CODE_PAIRED, CONSENTS
from gatekeeper.core.snapshot.rows import ACCOUNT, NEVER, NOBODY, PARTY, Columns, joined
from gatekeeper.errors import Bug

KEYS_IN_USE_MIN = 0.75
"""Below this share of rows that still count, the keys of the others are given up as well."""

Flags = npt.NDArray[np.bool_]


@dataclass
class _Sorting:
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

    def take(self, at: Rows | Flags) -> _Sorting:
        return _Sorting(self.columns, self.rows[at], self.segment[at], self.run_hash[at])

    def sorted(self) -> _Sorting:
        return self.take(np.lexsort((self.run_hash, self.segment)))

    def with_heads(self, at: Rows, segment: Bits, hashes: Words, code: int) -> _Sorting:
        """A row that is no statement beside each of these."""
        known = len(self.columns)
        columns = joined([self.columns, _special(self.columns.take(self.rows[at]), code)])
        rows = np.append(self.rows, np.arange(known, len(columns)))
        return _Sorting(columns, rows, np.append(self.segment, segment), np.append(self.run_hash, hashes)).sorted()

    def run(self) -> Rows:
        """The number of each row's run; shape (n,)."""
        first = np.ones(len(self.segment), np.bool_)
        first[1:] = (self.run_hash[1:] != self.run_hash[:-1]) | (self.segment[1:] != self.segment[:-1])
        return np.cumsum(first) - 1


def level_of(columns: Columns, reach: Bits, speakers_in_chain_max: int) -> Level:
    """Sorted arrays of the rows that can still count; ``reach``: (planes, scopes). Masks wait for an instant."""
    columns, rows = _worth_keeping(columns)
    sorting = _Sorting(columns, rows, columns.kind[rows], columns.hash[rows]).sorted()
    sorting = _with_pairs(_without_idle_marks(_with_side(sorting)), speakers_in_chain_max)
    return _level(_inside_runs(sorting), reach)


def columns_of(level: Level) -> Columns:
    """The rows of a level as they were before it was built."""
    ref_high, ref_low = np.zeros((2, len(level)), np.uint64)
    ref_high[level.ref_row], ref_low[level.ref_row] = level.ref_high, level.ref_low
    code = level.code & CODE
    columns = Columns(
        kind=level.kind,
        code=code,
        speaker=level.speaker.copy(),
        position=level.position.astype(np.int64),
        scope=level.scope,
        from_us=level.from_us,
        until_us=level.until_us,
        ref_high=ref_high,
        ref_low=ref_low,
        hash=np.append(level.hash[: level.starts[SIDE]], level.true_hash),
        key_at=level.key_at.astype(np.int64),
        keys=level.keys,
    )
    return columns.take(code < CODE_PAIRED)


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


def _with_side(sorting: _Sorting) -> _Sorting:
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


def _without_idle_marks(sorting: _Sorting) -> _Sorting:
    """One row is enough to know a speaker by: marks beside a statement go, and all but one of several marks."""
    marks = sorting.code == CODE_MARK
    if not marks.any():
        return sorting
    run = sorting.run()
    spoken = np.bincount(run, weights=~marks)[run] > 0
    again = np.zeros(len(run), np.bool_)
    again[1:] = marks[1:] & marks[:-1] & (run[1:] == run[:-1])
    return sorting.take(~(marks & (spoken | again)))


def _with_pairs(sorting: _Sorting, speakers_in_chain_max: int) -> _Sorting:
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


def _inside_runs(sorting: _Sorting) -> _Sorting:
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


def _level(sorting: _Sorting, reach: Bits) -> Level:
    columns, run = sorting.columns.take(sorting.rows), sorting.run()
    starts = np.searchsorted(sorting.segment, np.arange(SIDE + 2)).astype(np.int64)
    hashes = np.append(sorting.run_hash, np.uint64(0))
    _point_to_pairs(columns, run)
    level = Level(
        hash=hashes,
        bucket=bucket_index(hashes, starts),
        record=_record(columns),
        wide_mask=np.zeros((max(0, len(reach) - INLINE_PLANES), len(columns)), np.uint8),
        wide_position=columns.position if columns.position.max(initial=0) > NOBODY else np.empty(0, np.int64),
        starts=starts,
        kind=columns.kind,
        scope=columns.scope,
        from_us=columns.from_us,
        until_us=columns.until_us,
        chained=_chained(columns, run),
        blob=columns.keys.blob,
        true_hash=columns.hash[starts[SIDE] :],
        **ref_index(columns),
        **contest_index(columns, run),
        **change_index(columns, reach),
    )
    level.side = side_table(level)
    return level


def _record(columns: Columns) -> Records:
    if columns.key_at.max(initial=0) > NOBODY:
        raise Bug("the full keys of one snapshot level exceed 128 GiB")
    record = np.zeros(len(columns), RECORD)
    record["speaker"], record["code"], record["key_at"] = columns.speaker, columns.code, columns.key_at
    record["position"] = columns.position & NOBODY
    return record


def _point_to_pairs(columns: Columns, run: Rows) -> None:
    """``speaker`` of a ``PAIRED`` row: how far below it the rows bound to speakers begin; ``position``: how many."""
    heads = np.flatnonzero(columns.code == CODE_PAIRED)
    for head in heads.tolist():
        end = int(np.searchsorted(run, run[head], side="right"))
        count = int(bound(columns.kind[head:end], columns.speaker[head:end]).sum())
        columns.speaker[head], columns.position[head] = end - count - head, count


def _chained(columns: Columns, run: Rows) -> Flags:
    """Whether a row continues the one before it (same run, not sorted apart by speaker); False once more at the end."""
    chained = np.zeros(len(run) + 1, np.bool_)
    chained[1:-1] = run[1:] == run[:-1]
    chained[:-1] &= ~(np.isin(run, run[columns.code == CODE_PAIRED]) & bound(columns.kind, columns.speaker))
    return chained

"""Columns of statement rows → a sorted ``Level``, and back."""

from __future__ import annotations

import numpy as np

from gatekeeper.core.snapshot.indexes import bucket_index, change_index, contest_index, ref_index, side_table
from gatekeeper.core.snapshot.keys import Rows
from gatekeeper.core.snapshot.level import CODE, INLINE_PLANES, RECORD, SIDE, Bits, Level, Records
from gatekeeper.core.snapshot.ordering import Flags, Sorting, bound, ordered
from gatekeeper.core.snapshot.reasons import CODE_PAIRED
from gatekeeper.core.snapshot.rows import NOBODY, Columns
from gatekeeper.errors import Bug


def level_of(columns: Columns, reach: Bits, speakers_in_chain_max: int) -> Level:
    """Sorted arrays of the rows that can still count; ``reach``: (planes, scopes). Masks wait for an instant."""
    return _level(ordered(columns, speakers_in_chain_max), reach)


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


def _level(sorting: Sorting, reach: Bits) -> Level:
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

"""The indexes of a level: buckets of hashes, what can be closed, what competes, what time changes, and the exact side
table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gatekeeper.core.snapshot.keys import Rows, Words
from gatekeeper.core.snapshot.level import SIDE, Bits, Level, bucket_of
from gatekeeper.core.snapshot.reasons import CODE_MARK, CONSENTS
from gatekeeper.core.snapshot.rows import BEFORE_ALL_US, NEVER, Columns
from gatekeeper.core.times import ALWAYS_US


def bucket_index(hashes: Words, starts: Rows) -> npt.NDArray[np.uint32]:
    """For each kind, as many buckets as rows and one end: where a bucket's rows begin."""
    parts = []
    for kind in range(SIDE):
        first, last = int(starts[kind]), int(starts[kind + 1])
        sizes = np.bincount(bucket_of(hashes[first:last], last - first), minlength=last - first)
        parts.append(first + np.append(0, np.cumsum(sizes)))
    return np.concatenate(parts).astype(np.uint32)


def ref_index(columns: Columns) -> dict[str, Any]:
    """Rows that something can close, sorted by the first half of its digest."""
    rows = np.flatnonzero((columns.ref_high != 0) | (columns.ref_low != 0))
    rows = rows[np.argsort(columns.ref_high[rows], kind="stable")]
    return {"ref_high": columns.ref_high[rows], "ref_low": columns.ref_low[rows], "ref_row": rows.astype(np.uint32)}


def contest_index(columns: Columns, run: Rows) -> dict[str, Any]:
    """Consents of one speaker on one subject, where there are several: rows, highest position first, and where each
    group begins.
    """
    rows = np.flatnonzero(np.isin(columns.code, CONSENTS))
    first = np.ones(len(rows), np.bool_)
    first[1:] = (run[rows[1:]] != run[rows[:-1]]) | (columns.speaker[rows[1:]] != columns.speaker[rows[:-1]])
    group = np.cumsum(first) - 1
    several = np.bincount(group)[group] > 1 if len(rows) else first
    starts = np.flatnonzero(first[several])
    return {"contested": rows[several].astype(np.uint32), "contest_starts": starts.astype(np.uint32)}


def change_index(columns: Columns, reach: Bits) -> dict[str, Any]:
    """The instants at which a row that reaches some use begins or ends to speak, in order."""
    reached: npt.NDArray[np.bool_] = np.asarray(reach.any(axis=0))
    reaching = reached[columns.scope] & (columns.code != CODE_MARK)
    rows = np.flatnonzero(reaching & (columns.from_us != NEVER) & (columns.from_us < columns.until_us))
    begins, ends = columns.from_us[rows], columns.until_us[rows]
    change_us = np.concatenate([begins, ends])
    row = np.concatenate([rows, rows])
    order = np.argsort(change_us, kind="stable")
    order = order[(change_us[order] > BEFORE_ALL_US) & (change_us[order] < ALWAYS_US)]
    return {"change_us": change_us[order], "change_row": row[order].astype(np.uint32)}


def side_table(level: Level) -> dict[tuple[int, bytes], int]:
    """(kind, key) → the first of its rows, for keys that share a hash."""
    table: dict[tuple[int, bytes], int] = {}
    for row in range(int(level.starts[SIDE]), len(level)):
        table.setdefault((int(level.kind[row]), level.keys.key(int(level.key_at[row]))), row)
    return table

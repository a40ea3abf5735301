"""Strings → rows of a level: hashing once, then every level, then the rows that are sorted apart by speaker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from gatekeeper.core.kernel.findings import Spoken
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.snapshot.keys import Rows, key_blocks
from gatekeeper.core.snapshot.level import CODE, Found, Level
from gatekeeper.core.snapshot.reasons import CODE_PAIRED


def heads(snapshot: Snapshot, levels: list[Level], kind: int, strings: pa.Array) -> Iterator[tuple[Level, Found]]:
    """For each level that knows any of the n keys: which of them, and their first rows."""
    asked = [level for level in levels if level.starts[kind + 1] > level.starts[kind]]
    for block in key_blocks(strings) if asked else ():
        hashes = snapshot.hashing.of(block.words, block.lengths, snapshot.seed)
        for level in asked:
            found = level.locate(kind, hashes, block.words, block.lengths)
            if len(found.rows):
                yield level, found if block.rows is None else replace(found, asked=block.rows.take(found.asked))


def spoken_apart(level: Level, rows: Rows, places: Rows, speakers: Rows) -> Spoken:
    """What the given speakers say under ``PAIRED`` heads; ``rows`` (heads), ``places`` and ``speakers`` have shape
    (m,).
    """
    first = rows + level.speaker[rows]
    end = first + level.position[rows].astype(np.int64)
    at = _lower_bound(level, first, end, speakers)
    matched: list[tuple[Rows, Rows]] = []
    while len(at):
        safe = np.minimum(at, len(level) - 1)
        mine = (at < end) & (level.speaker[safe] == speakers)
        at, end, places, speakers = at[mine], end[mine], places[mine], speakers[mine]
        matched.append((places, at))
        at = at + 1
    all_places = np.concatenate([p for p, _ in matched]) if matched else np.empty(0, np.int64)
    all_rows = np.concatenate([r for _, r in matched]) if matched else np.empty(0, np.int64)
    return Spoken(level, all_places, all_rows, level.record.take(all_rows))


def _lower_bound(level: Level, first: Rows, end: Rows, speakers: Rows) -> Rows:
    """The first row of each stretch whose speaker is not below the wanted one."""
    low, high = first.copy(), end.copy()
    while (open_stretch := low < high).any():
        middle = (low + high) // 2
        below = open_stretch & (level.speaker[np.minimum(middle, len(level) - 1)] < speakers)
        high = np.where(open_stretch & ~below, middle, high)
        low = np.where(below, middle + 1, low)
    return low


def paired(found: Found) -> Found:
    """The subjects that have rows sorted apart."""
    return found.where((found.records["code"] & CODE) == CODE_PAIRED)

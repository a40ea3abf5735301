"""Which rows of a level speak, to which use, at an instant.

Rules of this file: a row speaks to a use when its scope reaches the use and ``from <= instant < until``; of one
speaker's consents on one subject only the one with the highest position among those that would speak. Everything here
is done for the whole level or for the few rows that an instant or an edit touches, with the same code.
"""

from __future__ import annotations

import numpy as np

from gatekeeper.core.snapshot.keys import Rows
from gatekeeper.core.snapshot.level import CODE, MORE, Bits, Level


def refresh(level: Level, reach: Bits, instant_us: int, rows: Rows | None = None) -> None:
    """Brings ``mask`` and ``MORE`` up to the instant, for these rows (and what they compete with) or for all."""
    if rows is None or len(rows) * 8 > len(level):
        rows = np.arange(len(level))
        groups = np.arange(len(level.contest_starts))
    else:
        groups = _groups_of(level, rows)
        rows = np.union1d(rows, level.contested[_members(level, groups)])
    if len(rows) == 0:
        return
    live = (level.from_us[rows] <= instant_us) & (instant_us < level.until_us[rows])
    scope = level.scope[rows]
    for plane, reached in zip(level.planes, reach, strict=False):
        plane[rows] = np.where(live, reached[scope], np.uint8(0))
    _settle(level, groups)
    _link(level, _chains(level, rows))


def _groups_of(level: Level, rows: Rows) -> Rows:
    at = np.searchsorted(level.contested, rows)
    safe = np.minimum(at, max(0, len(level.contested) - 1))
    within = level.contested[safe] == rows if len(level.contested) else np.zeros(len(rows), np.bool_)
    return np.unique(np.searchsorted(level.contest_starts, at[within], side="right") - 1)


def _members(level: Level, groups: Rows) -> Rows:
    """Places in ``contested`` of the groups' rows, group after group."""
    starts = level.contest_starts.astype(np.int64)
    ends = np.append(starts[1:], len(level.contested))
    sizes = ends[groups] - starts[groups]
    before = np.cumsum(sizes) - sizes
    return np.repeat(starts[groups] - before, sizes) + np.arange(int(sizes.sum()))


def _settle(level: Level, groups: Rows) -> None:
    """In each group and for each use, only the first row that speaks keeps speaking."""
    places = _members(level, groups)
    if len(places) == 0:
        return
    rows = level.contested[places]
    first = np.isin(places, level.contest_starts)
    start = np.flatnonzero(first)[np.cumsum(first) - 1]
    for plane in level.planes:
        bits = np.unpackbits(plane[rows][:, None], axis=1, bitorder="little")
        seen = np.cumsum(bits, axis=0, dtype=np.int64)
        seen -= (seen - bits)[start]
        plane[rows] = np.packbits(bits & (seen == 1), axis=1, bitorder="little")[:, 0]


def _chains(level: Level, rows: Rows) -> Rows:
    """The rows and everything chained to them, in order."""
    if len(rows) == len(level):
        return rows
    reached = [rows]
    edge = rows[level.chained[rows]] - 1
    while len(edge := _missing(edge, rows)):
        reached.append(edge)
        edge = edge[level.chained[edge]] - 1
    edge = rows[level.chained[rows + 1]] + 1
    while len(edge := _missing(edge, rows)):
        reached.append(edge)
        edge = edge[level.chained[edge + 1]] + 1
    return np.unique(np.concatenate(reached))


def _missing(edge: Rows, rows: Rows) -> Rows:
    """Without what ``rows`` (in order) already hold: from there on the walk is another row's."""
    return edge[rows[np.minimum(np.searchsorted(rows, edge), len(rows) - 1)] != edge]


def _link(level: Level, rows: Rows) -> None:
    """``MORE`` on a row says that a later row of its chain speaks to some use; rows hold whole chains, in order."""
    chain = np.cumsum(~level.chained[rows])
    speaks = np.logical_or.reduce([plane[rows] != 0 for plane in level.planes])
    places = np.where(speaks, np.arange(len(rows)), len(rows))
    following = np.append(np.minimum.accumulate(places[::-1])[::-1][1:], len(rows))
    chain = np.append(chain, -1)
    more = chain[following] == chain[:-1]
    level.code[rows] = (level.code[rows] & CODE) | np.where(more, MORE, np.uint8(0))

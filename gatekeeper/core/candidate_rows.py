"""A candidate's rows held against the catalogue's events: pure comparisons over columns.

Rules of this file: the catalogue's event at the row's partition and offset is what counts; a row whose event is of
another asset, or not there, has none; a column whose rows cannot be told equal is different.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.fold import last_of_each
from gatekeeper.core.release_columns import released_type
from gatekeeper.core.removals import Removals
from gatekeeper.core.screening import NO_FINDING

Places = npt.NDArray[np.int64]
NONE = -1
"""No such row."""


def in_order(history: pa.Table) -> pa.Table:
    """Events by partition, then offset."""
    order = np.lexsort((history["offset"].to_numpy(), history["partition"].to_numpy()))
    return taken(history, order)


def taken(rows: pa.Table, places: Places) -> pa.Table:
    """The rows at these places; copying wide rows is most of a check's work, so all in order are not copied."""
    if len(places) == rows.num_rows and (np.diff(places) == 1).all() and (not len(places) or places[0] == 0):
        return rows
    return rows.take(pa.array(places))


def with_stream_columns(history: pa.Table) -> pa.Table:
    """Events ``in_order``, every event of each of their assets → the same with ``removed_by`` and ``conflicting``.

    An asset with events in two partitions is conflicting (design §5).
    """
    partitions = history["partition"].to_numpy()
    removed: list[pa.Array] = [pa.array([], pa.int64())]
    cuts = np.flatnonzero(np.diff(partitions)) + 1
    for start, end in zip([0, *cuts], [*cuts, len(partitions)], strict=True):
        removed.append(Removals().covering(history.slice(start, end - start)))
    codes = history["asset_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    least = np.full(int(codes.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    most = np.full(len(least), NONE)
    np.minimum.at(least, codes, partitions)
    np.maximum.at(most, codes, partitions)
    conflicting = pa.array((least != most)[codes])
    return history.append_column("removed_by", pa.concat_arrays(removed)).append_column("conflicting", conflicting)


def own_events(rows: pa.Table, history: pa.Table) -> Places:
    """For each row the place of its event in ``history`` (``in_order``), ``NONE`` where it has none."""
    partition, offset = (rows[name].fill_null(NONE).to_numpy().astype(np.int64) for name in ("partition", "offset"))
    partitions, offsets = (history[name].to_numpy().astype(np.int64) for name in ("partition", "offset"))
    own = np.full(rows.num_rows, NONE)
    for which in np.unique(partition):
        start, end = np.searchsorted(partitions, [which, which + 1])
        mine = np.flatnonzero(partition == which)
        if end > start:
            at = start + np.searchsorted(offsets[start:end], offset[mine])
            at = np.minimum(at, end - 1)
            own[mine] = np.where(offsets[at] == offset[mine], at, NONE)
    same = pc.equal(rows["asset_id"], history["asset_id"].take(pa.array(own, mask=own == NONE)))
    return np.where(pc.fill_null(same, False).to_numpy(), own, NONE)


def latest_events(rows: pa.Table, history: pa.Table) -> Places:
    """For each row the place of its asset's last event in ``history`` (``in_order``), ``NONE`` where it has none."""
    last = last_of_each(history["asset_id"])
    assets = history["asset_id"].take(pa.array(last)).combine_chunks()
    found = pc.index_in(rows["asset_id"], value_set=assets, skip_nulls=True)
    at = pc.fill_null(found, NONE).to_numpy().astype(np.int64)
    return np.where(at == NONE, NONE, np.append(last, NONE)[at])


def payload_differences(rows: pa.Table, history: pa.Table, own: Places, columns: Sequence[str]) -> list[str]:
    """For each row that has an event, which of the columns are not the event's: ``differs in title``."""
    found: dict[int, list[str]] = defaultdict(list)
    have = np.flatnonzero(own != NONE)
    theirs = taken(history.select(columns), own[have])
    mine = taken(rows.select(columns), have)
    for column in columns:
        kind = released_type(history.schema.field(column).type)
        left, right = _one(mine[column].cast(kind)), _one(theirs[column].cast(kind))
        for at in _different(left, right, 0, len(left)):
            found[int(have[at])].append(column)
    return [f"differs in {', '.join(found[i])}" if i in found else NO_FINDING for i in range(rows.num_rows)]


def _one(column: pa.ChunkedArray) -> pa.Array:
    joined = column.combine_chunks()
    return joined if isinstance(joined, pa.Array) else pa.concat_arrays(joined.chunks)


def _different(left: pa.Array, right: pa.Array, start: int, end: int) -> list[int]:
    """Where two arrays differ, by halving: equality of nested columns is only told for ranges."""
    if left.slice(start, end - start).equals(right.slice(start, end - start)):
        return []
    if end - start == 1:
        return [start]
    middle = (start + end) // 2
    return _different(left, right, start, middle) + _different(left, right, middle, end)


def order_findings(asset_ids: pa.ChunkedArray, before: str | None) -> list[str]:
    """For each row of a window whether its id is there and greater than the one before, ``before`` for the first."""
    if _all_in_order(asset_ids, before):
        return [NO_FINDING] * len(asset_ids)
    found, previous = [], before
    for asset_id in asset_ids.to_pylist():
        if not asset_id:
            found.append("asset_id is missing")
            continue
        found.append(_order(previous, asset_id))
        previous = asset_id
    return found


def _all_in_order(asset_ids: pa.ChunkedArray, before: str | None) -> bool:
    """Whether nothing is to be found; only of plain texts, which Arrow compares by their bytes."""
    plain = pa.types.is_string(asset_ids.type) or pa.types.is_large_string(asset_ids.type)
    if not plain or not len(asset_ids) or asset_ids.null_count:
        return False
    first = asset_ids[0].as_py()
    if not first or _order(before, first):
        return False
    joined = _one(asset_ids)
    return pc.all(pc.less(joined[:-1], joined[1:]), min_count=0).as_py() is True


def _order(previous: str | None, asset_id: str) -> str:
    if previous is None or previous.encode() < asset_id.encode():
        return NO_FINDING
    return "asset_id stands twice" if previous == asset_id else "asset_id is out of order"


def identities(events: pa.Table) -> tuple[pa.Array, pa.Array]:
    """ISRC and content hash of each event in their comparable spelling (``core.subjects``), null where it has none."""
    column = _one(events["identifiers"])
    isrc = pc.utf8_upper(pc.replace_substring(pc.struct_field(column, "isrc"), "-", ""))
    return isrc, pc.utf8_lower(pc.struct_field(column, "content_sha256"))

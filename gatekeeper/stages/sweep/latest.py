"""Which events speak for their assets: the latest, of those that are decided (design §5, "One asset, one order").

Rules of this file: latest is the highest offset, then partition; an event above what ``decisions`` holds of its
partition is the gate's and is not looked at. Memory: some 40 bytes for an event of the catalogue while everything is
looked at, and what a chunk holds; a hash only says which events need comparing by id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.asset_hash import asset_hash
from gatekeeper.core.fold import last_of_each
from gatekeeper.core.kernel.content import Content, read_content
from gatekeeper.core.removals import REMOVED, Removals, removals_of
from gatekeeper.core.subjects import KINDS
from gatekeeper.core.tables import CONTENT_SCHEMA
from gatekeeper.stages.sweep.ports import CatalogTable, FilesTable, Integers, Places

FILES_AT_ONCE = 16
COMPARED_ROWS_MAX = 500_000
"""Events whose ids are held at once to be compared."""
_PLACE = ("asset_id", "partition", "offset")
_COLUMN_OF = {
    "asset": "asset_id",
    "isrc": "identifiers",
    "sha256": "identifiers",
    "catalog": "catalogs",
    "party": "interests",
    "account": "account_id",
}
"""Kind of subject → the column it is read from."""

Decided = Mapping[int, int]
"""Partition → the last offset decided."""


def all_latest(catalog: CatalogTable, decided: Decided) -> Places:
    """The latest decided event of every asset."""
    hashes, partitions, offsets = _light(catalog, decided)
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    first, last = np.ones(len(order), np.bool_), np.ones(len(order), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    last[:-1] = first[1:]
    alone = first & last
    found: list[Places] = [_places(partitions[order[alone]], offsets[order[alone]])]
    shared, groups = order[~alone], np.cumsum(first, dtype=np.int64)[~alone]
    for start, end in _whole_groups(groups):
        rows = shared[start:end]
        found.append(_latest(catalog.rows_at(_places(partitions[rows], offsets[rows]), _PLACE)))
    return _joined(found)


def latest_of(catalog: FilesTable, decided: Decided, assets: pa.Array, paths: Sequence[str]) -> Places:
    """The latest decided event of each of these assets, all of whose events are in these files."""
    rows = [_decided(rows, decided) for rows in _chunks(catalog, paths, _PLACE, pc.field("asset_id").isin(assets))]
    return _latest(pa.concat_tables(rows)) if rows else {}


def assets_of(
    catalog: FilesTable, decided: Decided, subjects: Collection[str], paths: Sequence[str] | None = None
) -> pa.Array:
    """Assets with an event in these files (None: in any) that answers to one of the subjects; the latest may not any
    more. Columns that hold no such kind of subject are not read.
    """
    wanted: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for subject in subjects:
        kind, _, key = subject.partition(":")
        wanted[kind].append(key)
    keys = {kind: pa.array(names, pa.string()) for kind, names in wanted.items()}
    paths = catalog.paths({}) if paths is None else paths
    needed = {*_PLACE, *(_COLUMN_OF[kind] for kind, names in wanted.items() if names)}
    found = [pa.array([], pa.string())]
    for rows in _chunks(catalog, paths, sorted(needed)):
        for batch in _decided(rows, decided).combine_chunks().to_batches():
            answering = _answering(read_content(_with_all_subjects(batch)), keys)
            found.append(batch["asset_id"].filter(pa.array(answering)))
    return pc.unique(pa.concat_arrays(found))


def removals(
    catalog: FilesTable, decided: Decided, assets: pa.Array | None = None, paths: Sequence[str] = ()
) -> dict[int, Removals]:
    """What the decided removals cover, by partition; of all assets, or of these, whose events are all in ``paths``."""
    where = pc.field("type") == REMOVED
    where = where if assets is None else where & pc.field("asset_id").isin(assets)
    paths = catalog.paths({}) if assets is None else paths
    rows = [_decided(rows, decided) for rows in _chunks(catalog, paths, (*_PLACE, "time"), where)]
    found: dict[int, Removals] = {}
    if not rows:
        return found
    table = pa.concat_tables(rows).sort_by("offset")
    for partition in np.unique(table["partition"].to_numpy()).tolist():
        mine = table.filter(pc.equal(table["partition"], partition))
        columns = (mine["asset_id"], mine["time"].cast(pa.int64()), mine["offset"])
        found[partition] = Removals(removals_of(zip(*(column.to_pylist() for column in columns), strict=True)))
    return found


def blocks(places: Places, rows_max: int) -> Iterator[tuple[int, Integers]]:
    """(partition, offsets) of at most so many events, neighbours together."""
    for partition, offsets in sorted(places.items()):
        for start in range(0, len(offsets), rows_max):
            yield partition, offsets[start : start + rows_max]


def _light(catalog: FilesTable, decided: Decided) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hashes, partitions, offsets = [np.empty(0, np.uint64)], [np.empty(0, np.int32)], [np.empty(0, np.int64)]
    for chunk in _chunks(catalog, catalog.paths({}), _PLACE):
        rows = _decided(chunk, decided)
        hashes.append(asset_hash(rows["asset_id"]))
        partitions.append(rows["partition"].to_numpy())
        offsets.append(rows["offset"].to_numpy())
    return np.concatenate(hashes), np.concatenate(partitions), np.concatenate(offsets)


def _whole_groups(groups: Integers) -> Iterator[tuple[int, int]]:
    """Stretches of about ``COMPARED_ROWS_MAX`` that split no group."""
    start = 0
    while start < len(groups):
        end = min(start + COMPARED_ROWS_MAX, len(groups))
        end = int(np.searchsorted(groups, groups[end - 1], side="right"))
        yield start, end
        start = end


def _latest(rows: pa.Table) -> Places:
    if rows.num_rows == 0:
        return {}
    ordered = rows.sort_by([("offset", "ascending"), ("partition", "ascending")])
    last = ordered.take(pa.array(last_of_each(ordered["asset_id"])))
    return _places(last["partition"].to_numpy(), last["offset"].to_numpy())


def _places(partitions: np.ndarray, offsets: np.ndarray) -> dict[int, Integers]:
    return {int(p): np.sort(offsets[partitions == p]) for p in np.unique(partitions)}


def _joined(parts: Sequence[Places]) -> Places:
    partitions = sorted({p for part in parts for p in part})
    return {p: np.sort(np.concatenate([part[p] for part in parts if p in part])) for p in partitions}


def _chunks(
    catalog: FilesTable, paths: Sequence[str], columns: Sequence[str], where: pc.Expression | None = None
) -> Iterator[pa.Table]:
    for start in range(0, len(paths), FILES_AT_ONCE):
        yield catalog.read(paths[start : start + FILES_AT_ONCE], columns, where)


def _decided(rows: pa.Table, decided: Decided) -> pa.Table:
    partitions, offsets = rows["partition"].to_numpy(), rows["offset"].to_numpy()
    keep = np.zeros(rows.num_rows, np.bool_)
    for partition, last in decided.items():
        keep |= (partitions == partition) & (offsets <= last)
    return rows if keep.all() else rows.filter(pa.array(keep))


def _with_all_subjects(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The columns that were not read, as if nothing stood in them."""
    absent = sorted(set(_COLUMN_OF.values()) - set(batch.schema.names))
    for name in absent:
        batch = batch.append_column(name, pa.nulls(batch.num_rows, CONTENT_SCHEMA.field(name).type))
    return batch


def _answering(content: Content, keys: Mapping[str, pa.Array]) -> np.ndarray:
    """Which of the batch's assets answer to a key; shape (n,)."""
    answering = np.zeros(content.rows, np.bool_)

    def among(kind: str, strings: pa.Array) -> np.ndarray:
        found: np.ndarray = pc.is_in(strings, value_set=keys[kind]).to_numpy(zero_copy_only=False)
        return found

    for kind, owned in (("asset", content.assets), ("isrc", content.isrcs), ("sha256", content.hashes)):
        hit = np.flatnonzero(among(kind, owned.strings))
        answering[hit if owned.asset is None else owned.asset[hit]] = True
    answering |= among("account", content.accounts.names)[content.accounts.which]
    answering[content.catalog_asset[among("catalog", content.catalogs.names)[content.catalogs.which]]] = True
    parties = np.append(among("party", content.parties), False)  # the seat of an asset without interests is nobody's
    answering[content.seat_asset[parties[content.party]]] = True
    return answering

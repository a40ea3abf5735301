"""Every row of a candidate decided once more (design §5, §6): on the catalogue's events, never on what the row says.

Rules of this file: a row stands for the catalogue's event at its place; where there is none, or it is another asset's
or holds other values, the row is ``not_in_catalog``. Decided are that event and, where the catalogue knows a later one
of the asset, that one too: a removal or a tag that came after the build is heard. Events of one asset in two partitions
conflict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.release_columns import released_type
from gatekeeper.core.removals import REMOVED, Removals
from gatekeeper.stages.gate.barrier import Decides
from gatekeeper.stages.reading import ReadableTable

NOT_IN_CATALOG = "not_in_catalog"
ROWS_TOGETHER = 250_000
"""Rows fetched and decided together: what bounds memory; each piece reads the catalogue's files with its places."""
_LIGHT = ["asset_id", "partition", "offset", "type", "time"]
_PLACE_BITS = 48
_SAID = ("asset_id", "verdict", "reason", "holder", "evidence")

Ints = npt.NDArray[np.int64]


class CatalogTable(ReadableTable, Protocol):
    """``catalog``, which finds rows by their place."""

    def rows_at(self, places: Mapping[int, Ints], columns: Any = None) -> pa.Table: ...
    def refresh(self) -> None: ...


@dataclass(frozen=True)
class RowRefused:
    """A row that may not be published or used, and why. ``same_as`` names the refused recording it is a copy of."""

    asset_id: str
    verdict: str
    reason: str
    holder: str | None
    evidence: str = ""
    same_as: str | None = None


Also = Callable[[pa.Table], Sequence[RowRefused]]
"""Events → those that are refused for something the kernel does not look at."""


def nothing_else(_events: pa.Table) -> Sequence[RowRefused]:
    """The kernel alone decides."""
    return ()


@dataclass(frozen=True)
class Known:
    """What the catalogue's stream says of the asked assets, by their number: latest place, whether two partitions hold
    events, and by place the removal that covers it.
    """

    partition: Ints
    offset: Ints
    conflicting: npt.NDArray[np.bool_]
    removed_by: Mapping[int, int]


def known_of(catalog: CatalogTable, asset_ids: pa.Array) -> Known:
    """One pass over the catalogue's narrow columns. An asset without events has the place (-1, -1)."""
    rows = catalog.scan(_LIGHT, pc.field("asset_id").isin(asset_ids))
    number = pc.index_in(rows["asset_id"], value_set=asset_ids).to_numpy().astype(np.int64)
    partition, offset = (rows[name].to_numpy().astype(np.int64) for name in ("partition", "offset"))
    latest = np.full((3, len(asset_ids)), -1, np.int64)  # partition, offset, least partition
    order = np.lexsort((offset, number))
    latest[0, number[order]], latest[1, number[order]] = partition[order], offset[order]
    order = np.lexsort((-partition, number))
    latest[2, number[order]] = partition[order]
    greatest = np.full(len(asset_ids), -1, np.int64)
    np.maximum.at(greatest, number, partition)
    return Known(latest[0], latest[1], greatest != latest[2], _removed(rows, number))


def _removed(rows: pa.Table, number: Ints) -> Mapping[int, int]:
    gone = np.unique(number[pc.equal(rows["type"], REMOVED).to_numpy(zero_copy_only=False)])
    concerned = rows.filter(pa.array(np.isin(number, gone))).sort_by(
        [("partition", "ascending"), ("offset", "ascending")]
    )
    found: dict[int, int] = {}
    for partition in pc.unique(concerned["partition"]).to_pylist():
        events = concerned.filter(pc.equal(concerned["partition"], partition))
        covering = Removals().covering(events).to_pylist()
        offsets = events["offset"].to_pylist()
        found |= {_place(partition, o): by for o, by in zip(offsets, covering, strict=True) if by is not None}
    return found


def _place(partition: int, offset: int) -> int:
    return (partition << _PLACE_BITS) | offset


def place_of(rows: pa.Table) -> Ints:
    """One integer for each row's place, as ``Known.removed_by`` has it."""
    found: Ints = (rows["partition"].to_numpy().astype(np.int64) << _PLACE_BITS) | rows["offset"].to_numpy()
    return found


def refused_rows(
    catalog: CatalogTable,
    kernel: Decides,
    dataset: str,
    parts: Iterable[pa.Table],
    released: Callable[[pa.Table], pa.Table] | None = None,
    columns: Sequence[str] | None = None,
    also: Also = nothing_else,
) -> Iterator[RowRefused]:
    """Rows with ``asset_id``, ``partition``, ``offset`` and any of the catalogue's columns → those that are not
    permitted now. ``released`` makes of events what rows say of them, where that is more than the events do;
    ``columns`` are those of an event that are needed, all when None.
    """
    for rows in _pieces(parts):
        # with itself as its own index: a row is the asset of its number
        asset_ids = pc.unique(rows["asset_id"])
        number = pc.index_in(rows["asset_id"], value_set=asset_ids).to_numpy().astype(np.int64)
        known = known_of(catalog, asset_ids)
        partition, offset = (rows[name].to_numpy().astype(np.int64) for name in ("partition", "offset"))
        events, found = events_at(catalog, partition, offset, columns)
        refused = ~found | ~_same(rows, released(events) if released else events, found)
        yield from (
            RowRefused(rows["asset_id"][int(i)].as_py(), "deny", NOT_IN_CATALOG, None) for i in np.flatnonzero(refused)
        )
        standing = np.flatnonzero(~refused)
        of_events = events.take(pa.array(standing))
        said = _denied(kernel, dataset, of_events, number[standing], known)
        later = standing[(known.partition[number] != partition)[standing] | (known.offset[number] != offset)[standing]]
        latest, there = events_at(catalog, known.partition[number[later]], known.offset[number[later]], columns)
        assert there.all(), "the catalogue's latest event of an asset is in the catalogue"
        said += _denied(kernel, dataset, latest, number[later], known)
        others = [*also(of_events), *also(latest)]
        yield from {row.asset_id: row for row in [*others, *said]}.values()


def refused_now(
    catalog: CatalogTable, kernel: Decides, dataset: str, asset_ids: pa.Array, columns: Sequence[str] | None = None
) -> list[RowRefused]:
    """Assets, each once → those whose latest event is not permitted now. One without events is not among them."""
    known = known_of(catalog, asset_ids)
    number = np.flatnonzero(known.partition >= 0)
    events, _ = events_at(catalog, known.partition[number], known.offset[number], columns)
    return _denied(kernel, dataset, events, number, known)


def _pieces(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    for part in parts:
        yield from (part.slice(at, ROWS_TOGETHER) for at in range(0, part.num_rows, ROWS_TOGETHER))


def events_at(
    catalog: CatalogTable, partition: Ints, offset: Ints, columns: Sequence[str] | None
) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
    """The catalogue's events at these places, one each in order (any row where there is none), and which there are."""
    places = {int(p): np.unique(offset[partition == p]) for p in np.unique(partition)}
    rows = catalog.rows_at(places, columns)
    at = place_of(rows)
    order = np.argsort(at, kind="stable")
    asked = (partition << _PLACE_BITS) | offset
    index = np.searchsorted(at[order], asked)
    inside = index < len(at)
    found = np.zeros(len(asked), np.bool_)
    found[inside] = at[order][index[inside]] == asked[inside]
    chosen = np.where(found, order[np.minimum(index, max(len(at) - 1, 0))] if len(at) else 0, -1)
    return rows.take(pa.array(chosen, pa.int64(), mask=chosen < 0)), found


def _same(rows: pa.Table, events: pa.Table, found: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Whether each found row says what its event says, in every column both have."""
    same = np.ones(rows.num_rows, np.bool_)
    there = pa.array(np.flatnonzero(found))
    for name in set(rows.column_names) & set(events.column_names):
        kind = released_type(events.schema.field(name).type)
        ours, theirs = rows[name].take(there).cast(kind), events[name].take(there).cast(kind)
        if not ours.combine_chunks().equals(theirs.combine_chunks()):
            differ = [a != b for a, b in zip(ours.to_pylist(), theirs.to_pylist(), strict=True)]
            same[np.flatnonzero(found)[differ]] = False
    return same


def _denied(kernel: Decides, dataset: str, events: pa.Table, number: Ints, known: Known) -> list[RowRefused]:
    """The kernel's answers that are no permit."""
    if events.num_rows == 0:
        return []
    removed = pa.array([known.removed_by.get(place) for place in place_of(events).tolist()], pa.int64())
    asked = events.append_column("removed_by", removed)
    asked = asked.append_column("conflicting", pa.array(known.conflicting[number]))
    said = pa.table(kernel.decide(asked)[dataset]).append_column("asset_id", events["asset_id"].combine_chunks())
    no = said.filter(pc.invert(pc.fill_null(pc.equal(said["verdict"], "permit"), False)))
    return [RowRefused(**{name: row[name] for name in _SAID}) for row in no.to_pylist()]

"""What the lake says, for people: the last decision of each asset, the events of one asset. Nothing here writes.

The last decision of (asset, dataset) in commit order, then offset, is the truth (design §5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.fold import commit_order, last_of_each
from gatekeeper.core.tables import DECISIONS_SCHEMA

VERSION_COLUMN = "_commit_version"


class ReadableTable(Protocol):
    """A loaded version of an append-only table of the lake."""

    @property
    def version(self) -> int: ...
    def txn(self, app_id: str) -> int: ...
    def paths(self, within: Mapping[str, tuple[Any, Any]] | None = None) -> list[str]: ...
    def read(
        self, paths: Sequence[str], columns: Sequence[str] | None = None, where: pc.Expression | None = None
    ) -> pa.Table: ...
    def scan(self, columns: Sequence[str] | None = None, where: pc.Expression | None = None) -> pa.Table: ...
    def look_up(self, column: str, value: str, columns: Sequence[str]) -> pa.Table: ...
    def rows_at(self, places: Mapping[int, Any], columns: Sequence[str] | None = None) -> pa.Table: ...
    def read_since(
        self, version: int, through: int, columns: Sequence[str] | None = None, dataset: str | None = None
    ) -> pa.Table: ...


def events_of(catalog: ReadableTable, asset_id: str) -> pa.Table:
    """Every valid event of an asset, by partition and offset: found by id, then read at its place."""
    found = catalog.look_up("asset_id", asset_id, ("partition", "offset"))
    partition, offset = found["partition"].to_numpy(), found["offset"].to_numpy()
    rows = catalog.rows_at({int(p): offset[partition == p] for p in np.unique(partition)})
    return rows.sort_by([("partition", "ascending"), ("offset", "ascending")])


def decisions_of(decisions: ReadableTable, asset_id: str) -> pa.Table:
    """Every decision on an asset in commit order, then offset.

    The columns say in which order they were committed (``in_their_own_order``) unless the asset is in two partitions,
    whose gates know nothing of each other: then the log is asked, which reads every decision there is.
    """
    rows = decisions.look_up("asset_id", asset_id, DECISIONS_SCHEMA.names)
    if pc.count_distinct(rows["partition"]).as_py() > 1:
        rows = decisions.read_since(0, decisions.version)
        rows = _ordered(rows.filter(pc.equal(rows["asset_id"], asset_id))).drop_columns([VERSION_COLUMN])
        return rows.select(DECISIONS_SCHEMA.names)
    return in_their_own_order(rows)


def in_their_own_order(rows: pa.Table) -> pa.Table:
    """Decisions on one asset of one partition → the same in commit order, whatever files hold them by now.

    A sweep speaks of an asset's latest event only, so that a later commit never speaks of an earlier event; of one
    event the gate's decision is the first, and sweeps follow in the order of their rights positions and instants.
    """
    swept = pc.equal(rows["driver"], "sweep").to_numpy()
    at, position, offset = (_integers(rows[name]) for name in ("decided_at", "rights_position", "offset"))
    return rows.take(pa.array(np.lexsort((at, position, swept, offset))))


def _integers(column: pa.ChunkedArray) -> np.ndarray:
    found: np.ndarray = column.cast(pa.int64()).to_numpy()
    return found


def last_decisions(decisions: ReadableTable, columns: Sequence[str], dataset: str | None = None) -> pa.Table:
    """The last decision of each asset and dataset, or of this one: ``asset_id``, ``dataset``, the columns asked for."""
    wanted = list(dict.fromkeys(("asset_id", "dataset", "partition", "offset", *columns)))
    rows = decisions.read_since(0, decisions.version, wanted, dataset)
    found = [
        _last(rows.filter(pc.equal(rows["dataset"], name))) for name in sorted(pc.unique(rows["dataset"]).to_pylist())
    ]
    return pa.concat_tables([rows.slice(0, 0), *found]).select(list(dict.fromkeys(("asset_id", "dataset", *columns))))


def _last(rows: pa.Table) -> pa.Table:
    ordered = _ordered(rows)
    return ordered.take(pa.array(last_of_each(ordered["asset_id"])))


def _ordered(rows: pa.Table) -> pa.Table:
    version, partition, offset = (
        rows[name].to_numpy().astype(np.int64) for name in (VERSION_COLUMN, "partition", "offset")
    )
    return rows.take(pa.array(commit_order(version, partition, offset)))

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
    def read_since(
        self, version: int, through: int, columns: Sequence[str] | None = None, dataset: str | None = None
    ) -> pa.Table: ...


def events_of(catalog: ReadableTable, asset_id: str) -> pa.Table:
    """Every valid event of an asset, by partition and offset. Files that cannot hold one are skipped."""
    rows = catalog.read(catalog.paths({"asset_id": (asset_id, asset_id)}), None, pc.field("asset_id") == asset_id)
    return rows.sort_by([("partition", "ascending"), ("offset", "ascending")])


def decisions_of(decisions: ReadableTable, asset_id: str) -> pa.Table:
    """Every decision on an asset in commit order, then offset."""
    if not decisions.paths({"asset_id": (asset_id, asset_id)}):
        return decisions.read((), None)
    rows = decisions.read_since(0, decisions.version)
    return _ordered(rows.filter(pc.equal(rows["asset_id"], asset_id)))


def last_decisions(decisions: ReadableTable, columns: Sequence[str]) -> pa.Table:
    """The last decision of every asset and dataset: ``asset_id``, ``dataset`` and the columns asked for."""
    wanted = list(dict.fromkeys(("asset_id", "dataset", "partition", "offset", *columns)))
    rows = decisions.read_since(0, decisions.version, wanted)
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

"""What a fold reads back when nobody handed it over: decisions, and the payload of the permits among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.asset_hash import asset_hash
from gatekeeper.core.fold import NO_ROW, PAYLOAD_COLUMNS, Batch, commit_order, last_of_each
from gatekeeper.core.tables import DATASET_SCHEMA
from gatekeeper.errors import Refused
from gatekeeper.stages.fold_ports import CatalogTable, DecisionsTable, Places

_DECISION_COLUMNS = ("asset_id", "partition", "offset", "verdict", "rights_position")
_VERSION = "_commit_version"
_KEYS = ["partition", "offset", "asset_id"]


@dataclass
class ReadBack:
    """Reads a dataset's decisions in chunks of about ``rows_max``, whatever number of versions that takes."""

    dataset: str
    decisions: DecisionsTable
    catalog: CatalogTable
    rows_max: int
    _versions: int = 1

    def newest(self) -> int:
        """The newest version of ``decisions``; every event it decides can be read from now on."""
        self.decisions.refresh()
        self.catalog.refresh()
        return self.decisions.version

    def batch(self, after: int, newest: int) -> Batch:
        """The decisions of as many versions after ``after`` as make a chunk, ``newest`` at most."""
        through = min(after + self._versions, newest)
        rows = self.decisions.read_since(after, through, _DECISION_COLUMNS, self.dataset)
        enough = self.rows_max // max(1, rows.num_rows // (through - after))
        self._versions = max(1, min(enough, 4 * self._versions))
        return self._batch(after, through, _in_order(rows))

    def _batch(self, after: int, through: int, rows: pa.Table) -> Batch:
        last = rows.take(pa.array(last_of_each(rows["asset_id"])))
        permit = pc.equal(last["verdict"], "permit").to_numpy()
        row = np.full(last.num_rows, NO_ROW, np.int64)
        places = np.flatnonzero(permit)
        permits = last.take(pa.array(places)).append_column("at", pa.array(places))
        permits = permits.sort_by([("partition", "ascending"), ("offset", "ascending")])
        row[permits["at"].to_numpy()] = np.arange(len(places))
        assets = last["asset_id"]
        return Batch(after, through, assets, asset_hash(assets), row, self._with_payload(permits))

    def _unfounded(self, permits: pa.Table, events: pa.Table) -> Refused:
        """A permit that no event of the catalogue stands behind: no gate and no sweep wrote it."""
        known = {tuple(row.values()) for row in events.select(_KEYS).to_pylist()}
        row = next((r for r in permits.select(_KEYS).to_pylist() if tuple(r.values()) not in known), None)
        place = "" if row is None else f"{row['asset_id']!r} at partition {row['partition']}, offset {row['offset']}"
        return Refused(
            f"{self.dataset}: decisions permit {place or 'an event twice'}, and the catalogue holds no such event",
            "somebody else wrote to the lake: restore its tables from a copy; nothing of this was folded",
        )

    def _with_payload(self, permits: pa.Table) -> pa.Table:
        events = self.catalog.rows_at(_places(permits), PAYLOAD_COLUMNS)
        events = events.sort_by([("partition", "ascending"), ("offset", "ascending")])
        if not events.select(_KEYS).equals(permits.select(_KEYS)):
            raise self._unfounded(permits, events)
        return events.append_column("rights_position", permits["rights_position"]).cast(DATASET_SCHEMA)


def _in_order(rows: pa.Table) -> pa.Table:
    version, partition, offset = (rows[name].to_numpy() for name in (_VERSION, "partition", "offset"))
    return rows.take(pa.array(commit_order(version, partition, offset)))


def _places(permits: pa.Table) -> Places:
    partition, offset = permits["partition"].to_numpy(), permits["offset"].to_numpy()
    return {int(p): offset[partition == p] for p in np.unique(partition)}

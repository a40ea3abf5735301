"""Recordings that were stopped and are back under another id: the same ISRC or content hash (design §3, "subject").

Rules of this file: stopped is what a claim denies now: a takedown, a deletion, a removal, a dispute. What an account or
a party withdrew is its own affair; the same recording of somebody else is decided for its own holders.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.removals import REMOVED
from gatekeeper.stages.check_rows import RefusedIdentities
from gatekeeper.stages.gate.barrier import Decides
from gatekeeper.stages.row_decisions import CatalogTable, RowRefused, refused_now
from gatekeeper.stages.sweep.latest import assets_of
from gatekeeper.stages.trace.subjects import Where

ALL_OFFSETS = np.iinfo(np.int64).max
CLAIM = "claim."


class Copies:
    """Of one use. ``stopped``: asset id → why a claim denies it now."""

    def __init__(self, stopped: Mapping[str, RowRefused], catalog: CatalogTable) -> None:
        self._stopped = stopped
        self._identities = RefusedIdentities.of({asset: row.reason for asset, row in stopped.items()}, catalog)

    def among(self, events: pa.Table) -> list[RowRefused]:
        """Events → those of assets that share an identity with another asset that was stopped."""
        if not self._stopped or not events.num_rows:
            return []
        asset_ids = events["asset_id"].to_pylist()
        shared = self._identities.shared(asset_ids, events)
        return [self._copy(asset_ids[i], kind, self._stopped[other]) for i, (kind, other) in shared.items()]

    @staticmethod
    def _copy(asset_id: str, kind: str, of: RowRefused) -> RowRefused:
        return RowRefused(asset_id, of.verdict, of.reason, of.holder, of.evidence, f"same {kind} as {of.asset_id}")


def claimed_assets(catalog: CatalogTable, partitions: int, where: Where, subjects: Collection[str]) -> pa.Array:
    """Assets that a claim may be about: with an event that answers to one of the subjects, or removed."""
    everywhere = dict.fromkeys(range(partitions), int(ALL_OFFSETS))
    removed = catalog.scan(["asset_id"], pc.field("type") == REMOVED)["asset_id"]
    found = [assets_of(catalog, everywhere, subjects, where(list(subjects))), *removed.chunks]
    return pc.unique(pa.concat_arrays(found))


def stopped_by_claim(
    catalog: CatalogTable, kernel: Decides, dataset: str, assets: pa.Array, columns: Collection[str]
) -> dict[str, RowRefused]:
    """Which of these assets a claim denies now, and why."""
    said = refused_now(catalog, kernel, dataset, assets, list(columns)) if len(assets) else []
    return {row.asset_id: row for row in said if row.verdict == "deny" and row.reason.startswith(CLAIM)}

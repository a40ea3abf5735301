"""Which rows of which release are of these assets, and which of them are recalled.

A release's parts are sorted by asset id, so a filter handed to their reader skips nearly everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from gatekeeper.core.manifest import Manifest
from gatekeeper.core.recalls import Because, Recall
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.release_reading import part_names, recalls_of

COLUMNS = ["asset_id", "partition", "offset", "reason", "evidence"]


@dataclass(frozen=True)
class Member:
    """A row of a release. ``recall`` is the file that recalls it, None where none does."""

    release: str
    dataset: str
    asset_id: str
    event: str
    reason: str
    evidence: str
    recall: str | None


@dataclass(frozen=True)
class Mention:
    """A recall that names an asset (or, unreadable, all): ``why`` is None where it does not say."""

    release: str
    recall: str
    rights_position: int
    instant: str
    why: Because | None
    asset_id: str | None


@dataclass(frozen=True)
class Published:
    """One release with its recalls."""

    manifest: Manifest
    recalls: tuple[Recall, ...]

    def recalled_by(self, asset_id: str) -> str | None:
        """The first recall that names the asset or everything."""
        return next((r.name for r in self.recalls if r.asset_ids is None or asset_id in r.asset_ids), None)


def published(store: ReleaseStore, manifests: Iterable[Manifest]) -> list[Published]:
    return [Published(manifest, tuple(recalls_of(store, manifest))) for manifest in manifests]


def rows_among(store: ReleaseStore, manifest: Manifest, asset_ids: Collection[str]) -> pa.Table:
    """``COLUMNS`` of the rows of these assets. Raises ``OSError`` or ``pyarrow.ArrowException``."""
    ids = list(asset_ids)
    where = pc.field("asset_id") == ids[0] if len(ids) == 1 else pc.field("asset_id").isin(pa.array(ids, pa.string()))
    parts = ds.dataset(part_names(manifest), format="parquet", filesystem=store.files)
    return parts.to_table(columns=COLUMNS, filter=where)


def members(store: ReleaseStore, releases: Iterable[Published], asset_ids: Collection[str]) -> list[Member]:
    """Rows of these assets in every release, by release."""
    found = []
    for one in releases:
        manifest = one.manifest
        if manifest.rows == 0 or not asset_ids:
            continue
        for row in rows_among(store, manifest, asset_ids).to_pylist():
            event = f"{row['partition']}:{row['offset']}"
            told = (row["asset_id"], event, row["reason"], row["evidence"], one.recalled_by(row["asset_id"]))
            found.append(Member(manifest.name, manifest.dataset, *told))
    return found


def mentions(releases: Iterable[Published], asset_id: str) -> list[Mention]:
    """Every recall that names the asset."""
    return [
        Mention(
            one.manifest.name,
            recall.name,
            recall.rights_position,
            recall.instant,
            next((why for why in recall.because if asset_id in why.asset_ids), None),
            asset_id if recall.asset_ids is not None else None,
        )
        for one in releases
        for recall in one.recalls
        if recall.asset_ids is not None and asset_id in recall.asset_ids
    ]

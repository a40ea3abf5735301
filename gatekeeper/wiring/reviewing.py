"""``review``: a candidate, its check, what is on record and the latest release, as facts and as one page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from gatekeeper.core.layout import CATALOG, DECISIONS
from gatekeeper.core.manifest import REFUSED, Manifest, manifest_digest
from gatekeeper.core.release_names import APPROVAL, RESULTS
from gatekeeper.core.review import review_markdown
from gatekeeper.core.snapshot.reasons import REASONS
from gatekeeper.edges.release_directory import DirectoryReleases
from gatekeeper.errors import Unavailable, UnsafeLog
from gatekeeper.stages.latest import latest_of, manifest_of
from gatekeeper.stages.releases import Difference, diff
from gatekeeper.stages.review import LeftOut, Named, Standing, left_out, names_of, standing
from gatekeeper.wiring.releasing import candidate_of, recorded_of, store_of
from gatekeeper.wiring.workspace import OpenWorkspace

LAYER_OF = {
    reason: " or ".join(dict.fromkeys(layer for layer, other, _ in REASONS if other == reason))
    for _, reason, _ in REASONS
}
"""Reason → the layer it comes from; evidence that nobody could read may lie in more than one."""


@dataclass(frozen=True)
class Reviewed:
    """``quality`` is None where this very manifest was not checked, ``standing`` where nothing is on record,
    ``difference`` without a release before, ``rights_end`` where the log cannot be asked now.
    """

    manifest: Manifest
    quality: Mapping[str, Any] | None
    last: Manifest | None
    standing: Standing | None
    left_out: Sequence[LeftOut]
    difference: Difference | None
    approval: Mapping[str, Any] | None
    published: Manifest | None
    rights_end: int | None
    names: Mapping[str, Named]

    @property
    def markdown(self) -> str:
        return review_markdown(self.manifest, self.quality, self.last)

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON, but for the page."""
        manifest, basis = self.manifest, self.manifest.basis
        return {
            "declaration": dict(manifest.declaration),
            "basis": asdict(basis),
            "counts": asdict(manifest.counts),
            "quality": self.quality,
            "last": None if self.last is None else {"name": self.last.name, "rows": self.last.rows},
            "standing": self.standing and asdict(self.standing),
            "left_out": [asdict(group) for group in self.left_out],
            "difference": self.difference and asdict(self.difference),
            "approval": self.approval,
            "published": self.published and self.published.release and asdict(self.published.release),
            "rights_end": self.rights_end,
            "names": {asset: asdict(name) for asset, name in self.names.items()},
        }


def review(opened: OpenWorkspace, name: str) -> Reviewed:
    """Raises ``BadInput`` where there is no such candidate."""
    candidate = candidate_of(opened, name)
    manifest, _ = candidate.manifest()
    digest, store = manifest_digest(manifest), store_of(opened)
    last = latest_of(store, manifest.dataset)
    published = manifest_of(store, manifest.dataset, manifest.version)
    if published is not None and (published.release is None or published.release.candidate != digest):
        published = None  # of the same name, from another candidate
    if last is not None and last.version == manifest.version:
        last = None
    builds = DirectoryReleases(candidate.folder.parents[1])  # a candidate's folder is laid out as a release's is
    on_record = _standing(opened, manifest.dataset)
    out = left_out((candidate.read(REFUSED) or b"").splitlines())
    difference = None if last is None else diff(store, last, manifest, recorded_of(opened), builds)
    groups: list[Any] = [*out, *(difference.groups if difference else ())]
    groups += [*on_record.refused, *on_record.held] if on_record else []
    return Reviewed(
        manifest=manifest,
        quality=_bound(candidate.read(RESULTS), digest),
        last=last,
        standing=on_record,
        left_out=out,
        difference=difference,
        approval=_bound(candidate.read(APPROVAL), digest),
        published=published,
        rights_end=_rights_end(opened),
        names=_names(opened, {asset for group in groups for asset in group.examples}),
    )


def _bound(data: bytes | None, digest: str) -> dict[str, Any] | None:
    """What was said of this very manifest; of another one nothing was."""
    try:
        told = json.loads(data or b"")
    except ValueError:
        return None
    return told if isinstance(told, dict) and told.get("manifest") == digest else None


def _standing(opened: OpenWorkspace, dataset: str) -> Standing | None:
    decisions = opened.table(DECISIONS)
    return None if decisions is None else standing(decisions, dataset, LAYER_OF)


def _names(opened: OpenWorkspace, assets: set[str]) -> dict[str, Named]:
    catalog = opened.table(CATALOG)
    return {} if catalog is None else names_of(catalog, assets)


def _rights_end(opened: OpenWorkspace) -> int | None:
    try:
        with closing(opened.rights_look()) as log:
            return log.end()
    except (Unavailable, UnsafeLog):
        return None

"""``recalls.json`` at the releases' root: every recall, for whoever follows them (JSON Feed 1.1, jsonfeed.org).

Rules of this file: the feed is made of the recalls that stand and of nothing else, so that it can be lost; only what a
recall over all releases has looked at (``_gatekeeper.looked``) is its own. Keys of ours begin with ``_gatekeeper``, as
JSON Feed asks of an extension. What a feed names and is not there recalls its whole release (``lost``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper.core.manifest import Manifest
from gatekeeper.core.recalls import Recall, reasons
from gatekeeper.core.release_names import FEED
from gatekeeper.errors import Unavailable
from gatekeeper.stages.latest import MOVES_MAX
from gatekeeper.stages.recall.uses import silent_holders, uses_of
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.release_reading import recalls_of

VERSION = "https://jsonfeed.org/version/1.1"
OURS = "_gatekeeper"


@dataclass(frozen=True)
class Looked:
    """Every release was decided again at this rights position and instant; position -1: that is not known."""

    rights_position: int = -1
    instant: str = ""


def looked(store: ReleaseStore) -> Looked:
    """What the feed says of itself. A feed that is missing or cannot be read says nothing."""
    return _looked(store.read(FEED))


def write_feed(store: ReleaseStore, manifests: Iterable[Manifest], now: Looked) -> dict[str, Any]:
    """Make the feed anew. ``now`` counts where it is later than what the feed says. Raises ``Unavailable``."""
    releases = list(manifests)
    for _ in range(MOVES_MAX):
        before = store.read(FEED)
        known = _looked(before)
        document = feed(store, releases, now if now.rights_position > known.rights_position else known)
        data = (json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()
        if data == before or store.replace(FEED, before, data):
            return document
    raise Unavailable(f"{FEED} is written all the time", "recall again: the recalls are there, only the feed is not")


def feed(store: ReleaseStore, releases: Sequence[Manifest], seen: Looked) -> dict[str, Any]:
    """The document: the latest recall first."""
    items = [_item(store, manifest, recall) for manifest in releases for recall in recalls_of(store, manifest)]
    items.sort(key=lambda item: (item["date_published"], item["id"]), reverse=True)
    return {
        "version": VERSION,
        "title": "Recalls of releases",
        "description": "Recordings in published releases that must not be used any more.",
        "language": "en",
        "items": items,
        OURS: {"looked": {"rights_position": seen.rights_position, "instant": seen.instant}},
    }


def lost(data: bytes | None, release: str, recalls: Sequence[Recall]) -> list[str]:
    """Recalls that a feed names of this release and that are not there as it names them; all when it cannot be read."""
    if data is None:
        return []
    there = {recall.name: recall.sha256 for recall in recalls}
    try:
        told = [item[OURS] for item in json.loads(data)["items"] if item[OURS]["release"] == release]
        return [ours["recall"] for ours in told if ours["sha256"] and there.get(ours["recall"]) != ours["sha256"]]
    except (ValueError, TypeError, KeyError):
        return [FEED]


def _item(store: ReleaseStore, manifest: Manifest, recall: Recall) -> dict[str, Any]:
    count = None if recall.asset_ids is None else len(recall.asset_ids)
    what = "every row" if count is None else f"{count} of {manifest.rows} recordings"
    models = sorted({use.model for use in uses_of(store, manifest)})
    text = f"{what} of {manifest.name} must not be used any more: {recall.reason}."
    if models:
        text += f" Declared to be made with it: {', '.join(models)}."
    return {
        "id": f"{manifest.name}/{recall.name}",
        "title": f"{manifest.name}: {what} recalled",
        "content_text": text,
        "date_published": recall.instant or (manifest.release.instant if manifest.release else ""),
        "tags": sorted(reasons(recall.because)),
        OURS: {
            "release": manifest.name,
            "recall": recall.name,
            "sha256": recall.sha256,
            "assets": count,
            "reasons": dict(sorted(reasons(recall.because).items())),
            "rights_position": recall.rights_position,
            "models": models,
            "not_acknowledged_by": silent_holders(store, manifest),
        },
    }


def _looked(data: bytes | None) -> Looked:
    try:
        told: Mapping[str, Any] = json.loads(data or b"")[OURS]["looked"]
        return Looked(int(told["rights_position"]), str(told["instant"]))
    except (ValueError, TypeError, KeyError):
        return Looked()

"""``latest.json`` beside a dataset's releases: which of them a reader who names none gets. It never moves backwards."""

from __future__ import annotations

import json

from gatekeeper.core.layout import Release, build
from gatekeeper.core.manifest import MANIFEST, Manifest, manifest_digest, read_manifest
from gatekeeper.core.release_names import LATEST
from gatekeeper.core.times import parse_instant
from gatekeeper.errors import Unavailable
from gatekeeper.stages.release_ports import ReleaseStore

MOVES_MAX = 50
"""Publishers of one dataset that get in each other's way before one gives up."""


def folder_of(dataset: str, version: str) -> str:
    """A release's folder below the releases' root."""
    return build(Release(dataset, version)).partition("/")[2]


def manifest_of(store: ReleaseStore, dataset: str, version: str) -> Manifest | None:
    """A release's manifest; None where there is no such release. Raises ``ValueError`` for bytes that are none."""
    data = store.read(f"{folder_of(dataset, version)}/{MANIFEST}")
    return None if data is None else read_manifest(data)


def latest_of(store: ReleaseStore, dataset: str) -> Manifest | None:
    """The release the pointer names; None without a pointer, or where it names nothing that is there."""
    return _pointed(store, dataset, store.read(f"{dataset}/{LATEST}"))


def move_latest(store: ReleaseStore, manifest: Manifest) -> bool:
    """Point at this release unless the pointer is there already, or at one built on a later state. Whether it moved."""
    told = {"version": manifest.version, "manifest": manifest_digest(manifest)}
    data, name = (json.dumps(told, sort_keys=True) + "\n").encode(), f"{manifest.dataset}/{LATEST}"
    for _ in range(MOVES_MAX):
        before = store.read(name)
        pointed = _pointed(store, manifest.dataset, before)
        if pointed is not None and _age(pointed) >= _age(manifest):
            return False
        if store.replace(name, before, data):
            return True
    raise Unavailable(f"{name} moves all the time", "publish again: the release is there, only the pointer is not")


def _pointed(store: ReleaseStore, dataset: str, data: bytes | None) -> Manifest | None:
    try:
        return None if data is None else manifest_of(store, dataset, json.loads(data)["version"])
    except (ValueError, TypeError, KeyError):
        return None


def _age(manifest: Manifest) -> tuple[int, int, str]:
    """Grows with the state a release was built on; the name decides between two of one state."""
    return manifest.basis.rights_position, parse_instant(manifest.basis.instant), manifest.version

"""A release's own media objects held against its index."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.core.manifest import Manifest
from gatekeeper.core.media import MEDIA, MediaLine
from gatekeeper.stages.latest import folder_of
from gatekeeper.stages.media_index import media_lines
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.side_by_side import side_by_side

MEDIA_AT_ONCE = 8
"""Media objects hashed side by side."""


def media_problems(store: ReleaseStore, manifest: Manifest) -> Iterator[str]:
    """Every media object by its SHA-256, read anew, and none that no row has."""
    folder, known = folder_of(manifest.dataset, manifest.version), set[str]()

    def looked(line: MediaLine) -> str | None:
        known.add(line.path)
        found = store.digest(f"{folder}/{line.path}")
        if found == (line.sha256, line.bytes):
            return None
        return f"{line.path} ({line.asset_id}) " + ("is missing" if found is None else f"has SHA-256 {found[0]}")

    try:
        if manifest.media is not None:
            told = (store.read(f"{folder}/{manifest.media.index}") or b"").splitlines(keepends=True)
            yield from filter(None, side_by_side(looked, media_lines(manifest, iter(told)), MEDIA_AT_ONCE))
    except ValueError as problem:
        yield str(problem)
    extra = (f"{MEDIA}/{name}" for name in store.names(f"{folder}/{MEDIA}"))
    yield from (f"{name} is no row's" for name in extra if name not in known)

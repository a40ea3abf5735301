"""``review``: a candidate, its check and the latest release, as one page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gatekeeper.core.layout import Build, build, parse_name
from gatekeeper.core.manifest import MANIFEST, Manifest, manifest_digest, read_manifest
from gatekeeper.core.review import review_markdown
from gatekeeper.errors import BadInput
from gatekeeper.stages.latest import latest_of
from gatekeeper.wiring.checking import RESULTS_FILE
from gatekeeper.wiring.releasing import store_of
from gatekeeper.wiring.workspace import OpenWorkspace

QUALITY = "quality"


def review(opened: OpenWorkspace, name: str) -> tuple[Manifest, str]:
    """The candidate's manifest and the page. Raises ``BadInput`` where there is no such candidate."""
    try:
        dataset, version = parse_name(name)
        folder = opened.workspace.root / build(Build(dataset, version))
        manifest = read_manifest((folder / MANIFEST).read_bytes())
    except (ValueError, FileNotFoundError) as problem:
        raise BadInput(f"{name!r} is no build: {problem}", "name it as `gatekeeper build` did") from problem
    last = latest_of(store_of(opened), dataset)
    return manifest, review_markdown(manifest, _quality(folder, manifest), last)


def _quality(folder: Path, manifest: Manifest) -> dict[str, Any] | None:
    """The check of this very manifest; that of another one is none."""
    try:
        told = json.loads((folder / QUALITY / RESULTS_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    mine = isinstance(told, dict) and told.get("manifest") == manifest_digest(manifest)
    return told if mine else None

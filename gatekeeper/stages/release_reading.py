"""Releases as they are kept: which there are, their manifests, rows and recalls. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from gatekeeper.core.layout import parse_name
from gatekeeper.core.manifest import DATA, MANIFEST, Manifest
from gatekeeper.core.recalls import Recall, read_recall
from gatekeeper.core.release_names import RECALLS
from gatekeeper.errors import BadInput, Refused
from gatekeeper.stages.latest import folder_of, latest_of, manifest_of
from gatekeeper.stages.release_ports import ReleaseStore

ROWS_READ = 250_000


def names(store: ReleaseStore) -> list[tuple[str, str]]:
    """(dataset, version) of everything that has a manifest, in order."""
    found = (name.split("/") for name in store.names(""))
    return sorted((p[0], p[1]) for p in found if len(p) == 3 and p[2] == MANIFEST)


def named(store: ReleaseStore, text: str) -> Manifest:
    """``dataset@version``, or ``dataset`` (or ``dataset@latest``) for the latest. Raises ``BadInput``, ``Refused``."""
    try:
        dataset, version = parse_name(text if "@" in text else f"{text}@latest")
    except ValueError as problem:
        raise BadInput(f"{text!r} is no release: {problem}", "name it dataset@version") from problem
    try:
        manifest = latest_of(store, dataset) if version == "latest" else manifest_of(store, dataset, version)
    except ValueError as problem:
        raise Refused(f"{text} cannot be read: {problem}", "gatekeeper verify says what differs") from problem
    if manifest is None:
        listed = ", ".join(f"{d}@{v}" for d, v in names(store) if d == dataset) or "none"
        raise BadInput(f"there is no release {text}", f"releases of {dataset}: {listed}")
    if manifest.dataset != dataset or version not in ("latest", manifest.version):
        raise Refused(f"{text} holds the manifest of {manifest.name}", "gatekeeper verify says what differs")
    return manifest


def part_names(manifest: Manifest) -> list[str]:
    """The parts, relative to the releases' root."""
    folder = folder_of(manifest.dataset, manifest.version)
    return [f"{folder}/{entry.path}" for entry in manifest.files if entry.path.startswith(f"{DATA}/")]


def rows_of(store: ReleaseStore, manifest: Manifest, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The release's rows in order, a piece at a time. Raises ``OSError`` or ``pyarrow.ArrowException``."""
    for name in part_names(manifest):
        with store.files.open_input_file(name) as source, pq.ParquetFile(source) as part:
            yield from (pa.Table.from_batches([b]) for b in part.iter_batches(ROWS_READ, columns=columns))


def recalls_of(store: ReleaseStore, manifest: Manifest) -> list[Recall]:
    """Every recall of a release, by name."""
    folder = f"{folder_of(manifest.dataset, manifest.version)}/{RECALLS}"
    return [read_recall(n, store.read(f"{folder}/{n}") or b"") for n in store.names(folder) if n.endswith(".json")]


def recalled_ids(recalls: Sequence[Recall]) -> frozenset[str] | None:
    """All recalled assets; None where one recall cannot be read."""
    if any(recall.asset_ids is None for recall in recalls):
        return None
    return frozenset().union(*(recall.asset_ids or () for recall in recalls))

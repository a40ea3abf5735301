"""Releases as they are kept: which there are, their manifests, rows and recalls. Nothing here writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq

from gatekeeper.core.layout import parse_name
from gatekeeper.core.manifest import DATA, MANIFEST, Manifest
from gatekeeper.core.recalls import Recall, missing, read_recall
from gatekeeper.core.release_names import RECALLS, envelope_name, envelope_number, recall_name, recall_number
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


def every_manifest(store: ReleaseStore) -> list[Manifest]:
    """Of every release whose manifest can be read."""
    found = []
    for dataset, version in names(store):
        try:
            found.append(named(store, f"{dataset}@{version}"))
        except Refused:
            continue
    return found


def part_names(manifest: Manifest) -> list[str]:
    """The parts, relative to the releases' root."""
    folder = folder_of(manifest.dataset, manifest.version)
    return [f"{folder}/{entry.path}" for entry in manifest.files if entry.path.startswith(f"{DATA}/")]


def rows_of(
    store: ReleaseStore, manifest: Manifest, columns: Sequence[str] | None = None, rows_max: int = ROWS_READ
) -> Iterator[pa.Table]:
    """The release's rows in order, a piece at a time. Raises ``OSError`` or ``pyarrow.ArrowException``."""
    for name in part_names(manifest):
        with store.files.open_input_file(name) as source, pq.ParquetFile(source) as part:
            yield from (pa.Table.from_batches([b]) for b in part.iter_batches(rows_max, columns=columns))


Unsealed = Callable[[bytes], bytes | None]
"""The envelope of a recall → the bytes that a trusted key signed, None where none did."""


def recalls_of(store: ReleaseStore, manifest: Manifest, unsealed: Unsealed | None = None) -> list[Recall]:
    """Every recall of a release, by name; also those that should be there and are not, which recall everything.

    With ``unsealed`` a recall that no trusted key signed recalls everything too: it may once have said more.
    """
    folder = f"{folder_of(manifest.dataset, manifest.version)}/{RECALLS}"
    names_ = store.names(folder)
    found = {
        name: read_recall(name, store.read(f"{folder}/{name}") or b"") for name in names_ if name.endswith(".json")
    }
    numbers = {number for name in found if (number := recall_number(name)) is not None}
    sealed = {number for name in names_ if (number := envelope_number(name)) is not None}
    for number in missing(sorted(numbers | sealed)):
        found[recall_name(number)] = Recall(recall_name(number), None, "the recall is missing, a later one is there")
    for number in sealed - numbers:
        found[recall_name(number)] = Recall(recall_name(number), None, "the recall was signed and is not there")
    if unsealed is not None:
        found = {name: _trusted(store, folder, recall, unsealed) for name, recall in found.items()}
    return [found[name] for name in sorted(found)]


def _trusted(store: ReleaseStore, folder: str, recall: Recall, unsealed: Unsealed) -> Recall:
    if recall.asset_ids is None:
        return recall
    number = recall_number(recall.name)
    envelope = None if number is None else store.read(f"{folder}/{envelope_name(number)}")
    if envelope is None:
        return replace(recall, asset_ids=None, reason="nobody signed the recall")
    if unsealed(envelope) != store.read(f"{folder}/{recall.name}"):
        return replace(recall, asset_ids=None, reason="the recall is not what a trusted key signed")
    return recall


def recalled_ids(recalls: Sequence[Recall]) -> frozenset[str] | None:
    """All recalled assets; None where one recall cannot be read."""
    if any(recall.asset_ids is None for recall in recalls):
        return None
    return frozenset().union(*(recall.asset_ids or () for recall in recalls))

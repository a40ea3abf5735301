"""Who uses a release, and who has heard of its recalls: immutable records next to it, each put once.

``uses/<id>.json`` says that a model was made with the release; ``acknowledgements/<id>.json`` that a holder of a copy
has heard of the recalls it lists. A record's name is a digest of what it says but for time and reason, so that saying
it twice leaves one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gatekeeper.core.manifest import Manifest
from gatekeeper.core.release_names import ACKNOWLEDGEMENTS, USES
from gatekeeper.core.times import format_instant
from gatekeeper.errors import BadInput, Refused
from gatekeeper.stages.latest import folder_of
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.release_reading import recalls_of

TEXT_CHARACTERS_MAX = 500


@dataclass(frozen=True)
class Use:
    """A model made with a release. ``holder`` has the copy and is asked to acknowledge recalls."""

    release: str
    model: str
    holder: str
    because: str
    at: str


@dataclass(frozen=True)
class Acknowledgement:
    """A holder has heard of these recalls (file names) of a release."""

    release: str
    holder: str
    recalls: tuple[str, ...]
    because: str
    at: str


def declare(store: ReleaseStore, manifest: Manifest, model: str, holder: str, because: str, now_us: int) -> Use:
    """Record a use; of the same model and holder the one on record. Raises ``BadInput`` where it names no model."""
    model, holder = _text("--model", model), holder.strip() or _text("--model", model)
    use = Use(manifest.name, model, _text("--by", holder), because.strip(), format_instant(now_us))
    name = f"{_folder(manifest, USES)}/{_id(use.release, use.model, use.holder)}.json"
    return Use(**_recorded(store, name, asdict(use)))


def acknowledge(store: ReleaseStore, manifest: Manifest, holder: str, because: str, now_us: int) -> Acknowledgement:
    """Record that a holder has heard of every recall there is now. Raises ``Refused`` where there is none."""
    holder, recalls = _text("--holder", holder), tuple(recall.name for recall in recalls_of(store, manifest))
    if not recalls:
        raise Refused(f"{manifest.name} is not recalled: there is nothing to acknowledge", "gatekeeper releases list")
    said = Acknowledgement(manifest.name, holder, recalls, because.strip(), format_instant(now_us))
    name = f"{_folder(manifest, ACKNOWLEDGEMENTS)}/{_id(said.release, said.holder, *recalls)}.json"
    return _acknowledgement(_recorded(store, name, asdict(said)))


def uses_of(store: ReleaseStore, manifest: Manifest) -> list[Use]:
    """The declared uses of a release, by model and holder. Raises ``Refused`` for a record nobody can read."""
    found = [Use(**document) for document in _records(store, _folder(manifest, USES))]
    return sorted(found, key=lambda use: (use.model, use.holder))


def acknowledgements_of(store: ReleaseStore, manifest: Manifest) -> list[Acknowledgement]:
    """By time. Raises ``Refused`` for a record nobody can read."""
    found = [_acknowledgement(document) for document in _records(store, _folder(manifest, ACKNOWLEDGEMENTS))]
    return sorted(found, key=lambda said: (said.at, said.holder))


def silent_holders(store: ReleaseStore, manifest: Manifest) -> list[str]:
    """Holders who have not acknowledged every recall of the release."""
    recalls = {recall.name for recall in recalls_of(store, manifest)}
    heard: dict[str, set[str]] = {}
    for said in acknowledgements_of(store, manifest):
        heard.setdefault(said.holder, set()).update(said.recalls)
    holders = sorted({use.holder for use in uses_of(store, manifest)})
    return [holder for holder in holders if recalls - heard.get(holder, set())]


def _folder(manifest: Manifest, kind: str) -> str:
    return f"{folder_of(manifest.dataset, manifest.version)}/{kind}"


def _id(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _text(option: str, text: str) -> str:
    text = text.strip()
    if not text or len(text) > TEXT_CHARACTERS_MAX or not text.isprintable():
        raise BadInput(f"{option} is no name: {text[:80]!r}", f"give 1 to {TEXT_CHARACTERS_MAX} printable characters")
    return text


def _recorded(store: ReleaseStore, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    data = (json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()
    store.put_new(name, data)
    return _read(name, store.read(name))


def _records(store: ReleaseStore, folder: str) -> Iterator[dict[str, Any]]:
    for name in store.names(folder):
        if name.endswith(".json"):
            yield _read(f"{folder}/{name}", store.read(f"{folder}/{name}"))


def _read(name: str, data: bytes | None) -> dict[str, Any]:
    try:
        document = json.loads(data or b"")
    except ValueError as problem:
        raise Refused(f"{name} cannot be read: {problem}", "restore it: a record is never changed") from problem
    if not isinstance(document, dict):
        raise Refused(f"{name} is no record", "restore it: a record is never changed")
    return document


def _acknowledgement(document: Mapping[str, Any]) -> Acknowledgement:
    return Acknowledgement(**{**document, "recalls": tuple(document["recalls"])})

"""Who uses a release, and who has heard of its recalls: immutable records next to it, each put once.

``uses/<id>.json`` says that a model was made with the release; ``acknowledgements/<id>.json`` that a holder of a copy
has heard of the recalls it lists. A record's name is a digest of what it says but for time and reason, so that saying
it twice leaves one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

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


Record = TypeVar("Record", Use, Acknowledgement)


def declare(store: ReleaseStore, manifest: Manifest, model: str, holder: str, because: str, now_us: int) -> Use:
    """Record a use; of the same model and holder the one on record. Raises ``BadInput`` where it names no model."""
    model, holder = _text("--model", model), holder.strip() or _text("--model", model)
    use = Use(manifest.name, model, _text("--by", holder), because.strip(), format_instant(now_us))
    name = f"{_folder(manifest, USES)}/{_id(use.release, use.model, use.holder)}.json"
    return _stands(name, _use(_recorded(store, name, asdict(use))))


def acknowledge(store: ReleaseStore, manifest: Manifest, holder: str, because: str, now_us: int) -> Acknowledgement:
    """Record that a holder has heard of every recall there is now. Raises ``Refused`` where there is none."""
    holder, recalls = _text("--holder", holder), tuple(recall.name for recall in recalls_of(store, manifest))
    if not recalls:
        raise Refused(f"{manifest.name} is not recalled: there is nothing to acknowledge", "gatekeeper releases list")
    said = Acknowledgement(manifest.name, holder, recalls, because.strip(), format_instant(now_us))
    name = f"{_folder(manifest, ACKNOWLEDGEMENTS)}/{_id(said.release, said.holder, *recalls)}.json"
    return _stands(name, _acknowledgement(_recorded(store, name, asdict(said))))


def uses_of(store: ReleaseStore, manifest: Manifest) -> list[Use]:
    """The declared uses of a release, by model and holder; ``unreadable`` names the others."""
    found = [use for _, data in _records(store, _folder(manifest, USES)) if (use := _use(data)) is not None]
    return sorted(found, key=lambda use: (use.model, use.holder))


def acknowledgements_of(store: ReleaseStore, manifest: Manifest) -> list[Acknowledgement]:
    """By time. What nobody can read acknowledges nothing."""
    records = _records(store, _folder(manifest, ACKNOWLEDGEMENTS))
    found = [said for _, data in records if (said := _acknowledgement(data)) is not None]
    return sorted(found, key=lambda said: (said.at, said.holder))


def unreadable(store: ReleaseStore, manifest: Manifest) -> list[str]:
    """Records of a release that nobody can read: a model that a recall does not name may be among them."""
    kinds = ((USES, _use), (ACKNOWLEDGEMENTS, _acknowledgement))
    return [
        f"{kind}/{name}"
        for kind, read in kinds
        for name, data in _records(store, _folder(manifest, kind))
        if read(data) is None
    ]


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


def _recorded(store: ReleaseStore, name: str, document: Mapping[str, Any]) -> bytes:
    """Put the record where there is none. The bytes that stand."""
    store.put_new(name, (json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode())
    return store.read(name) or b""


def _stands(name: str, record: Record | None) -> Record:
    if record is None:
        raise Refused(f"{name} is there already and cannot be read", "restore it: a record is never changed")
    return record


def _records(store: ReleaseStore, folder: str) -> Iterator[tuple[str, bytes]]:
    for name in store.names(folder):
        if name.endswith(".json"):
            yield name, store.read(f"{folder}/{name}") or b""


def _use(data: bytes) -> Use | None:
    return _read(data, lambda document: Use(**document))


def _acknowledgement(data: bytes) -> Acknowledgement | None:
    return _read(data, lambda document: Acknowledgement(**{**document, "recalls": tuple(document["recalls"])}))


def _read(data: bytes, made: Callable[[Any], Record]) -> Record | None:
    try:
        record = made(json.loads(data))
    except (ValueError, TypeError, KeyError):
        return None
    texts = [value for name, value in asdict(record).items() if name != "recalls"]
    return record if all(isinstance(text, str) for text in texts) else None

"""What a candidate or a release says of itself: ``manifest.json`` (design §6; ``schemas/manifest``).

Rules of this file: a manifest names everything its rows depend on, so that anybody can decide them again; its bytes are
a function of its content; it is known by the SHA-256 of those bytes, which is what an approval is bound to. A release's
manifest is its candidate's with ``release`` added: taking that away gives the candidate's bytes back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from gatekeeper.core.periods import OverTime

FORMAT = 1
DATA, REFUSED, MANIFEST = "data", "refused.jsonl", "manifest.json"
"""Names inside a candidate's folder: the parts' folder, the rows left out, the manifest."""


def part_name(number: int) -> str:
    """``data/part-00000.parquet``: by number, which is by asset id."""
    return f"{DATA}/part-{number:05d}.parquet"


@dataclass(frozen=True)
class FileEntry:
    """One file, relative to the manifest's folder. ``rows`` is None for what is not Parquet."""

    path: str
    sha256: str
    bytes: int
    rows: int | None = None


@dataclass(frozen=True)
class Basis:
    """What the rows were decided on. ``instant`` is RFC 3339; ``tables`` holds Delta versions by table name."""

    rights_position: int
    policy: str
    instant: str
    terms: str | None
    tables: Mapping[str, int]


@dataclass(frozen=True)
class Counts:
    """``permitted`` and ``by_layer`` count the rows; ``refused`` the rows of the dataset table that are not among them,
    by reason, ``not_selected`` for those that ``where`` leaves out.
    """

    permitted: Mapping[str, int]
    by_layer: Mapping[str, int]
    refused: Mapping[str, int]


@dataclass(frozen=True)
class MediaTotals:
    """The media objects of a release that holds its own: the file that lists them, its lines, and the objects' bytes
    (rows that share an object count it each).
    """

    index: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Approval:
    """A person's yes or no to a candidate manifest of this digest."""

    manifest: str
    approved: bool
    by: str
    because: str
    at: str


@dataclass(frozen=True)
class Published:
    """What publication adds: every row was decided once more at ``rights_position``; ``candidate`` is the digest of
    the candidate's manifest, ``quality`` the digest of its check's result.
    """

    candidate: str
    rights_position: int
    policy: str
    instant: str
    quality: str
    approval: Approval | None


@dataclass(frozen=True)
class Manifest:
    """``declaration`` is the dataset's declaration as it was active; ``schema`` the columns, name → Arrow type;
    ``media`` is None where rows refer to media outside the release; ``over_time`` where the builder did not count it.
    """

    build: str
    dataset: str
    version: str
    declaration: Mapping[str, Any]
    declaration_digest: str
    purpose: str
    territories: tuple[str, ...]
    model: str | None
    basis: Basis
    rows: int
    schema: Mapping[str, str]
    files: tuple[FileEntry, ...]
    counts: Counts
    tool: str
    release: Published | None = None
    media: MediaTotals | None = None
    over_time: OverTime | None = None

    @property
    def name(self) -> str:
        """``dataset@version``."""
        return f"{self.dataset}@{self.version}"

    @property
    def candidate(self) -> Manifest:
        """The manifest as it was before publication."""
        return replace(self, release=None)


def manifest_bytes(manifest: Manifest) -> bytes:
    """The bytes of ``manifest.json``: sorted keys, two spaces, a final newline."""
    document = {"format": FORMAT, **asdict(manifest)}
    for name in ("release", "media", "over_time"):
        if document[name] is None:
            del document[name]
    return (json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()


def manifest_digest(manifest: Manifest) -> str:
    """``sha256:`` and 64 hexadecimal digits, over ``manifest_bytes``."""
    return "sha256:" + hashlib.sha256(manifest_bytes(manifest)).hexdigest()


def read_manifest(data: bytes) -> Manifest:
    """Bytes → manifest. Raises ``ValueError`` for any other format, and where writing it would give other bytes."""
    document = json.loads(data)
    if not isinstance(document, dict) or document.pop("format", None) != FORMAT:
        raise ValueError(f"not a manifest of format {FORMAT}")
    try:
        manifest = _manifest(document)
    except (KeyError, TypeError) as problem:
        raise ValueError(f"not a manifest: {problem}") from problem
    if manifest_bytes(manifest) != data:
        raise ValueError("not the bytes of a manifest: it was edited, or written by something else")
    return manifest


def _manifest(document: dict[str, Any]) -> Manifest:
    document["territories"] = tuple(document["territories"])
    document["basis"] = Basis(**document["basis"])
    document["files"] = tuple(FileEntry(**entry) for entry in document["files"])
    document["counts"] = Counts(**document["counts"])
    if (media := document.get("media")) is not None:
        document["media"] = MediaTotals(**media)
    if (counted := document.get("over_time")) is not None:
        document["over_time"] = OverTime(**counted)
    if (release := document.get("release")) is not None:
        approval = release["approval"]
        document["release"] = Published(**{**release, "approval": approval and Approval(**approval)})
    return Manifest(**document)

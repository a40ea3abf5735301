"""Every name of a table, folder, file and Delta transaction: built AND parsed here, nowhere else (design §3, §5).

Rules of this file: ``parse(build(place)) == place``; a text that no place builds is refused with ``ValueError``, never
guessed; names are relative to the workspace (``build``) or to the lake's root (``build_in_lake``), with ``/`` between
parts, so that they serve a directory and an object store alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import assert_never
from urllib.parse import quote, unquote

LAKE = "lake"
"""The lake's folder in a workspace; in an object store its root may be any prefix."""

CATALOG, DECISIONS, DEAD_LETTERS, RIGHTS = TABLES = ("catalog", "decisions", "dead_letters", "rights")
CONTENT_LOG, RIGHTS_LOG = LOGS = ("content", "rights")
KEPT_KINDS = ("policy", "dataset", "erasure")

SWEEP_APP = "sweep"
"""The ``txn`` of ``decisions`` whose version is the rights position swept to."""
SWEPT_AT_APP, SWEEPING_APP, SWEEP_NEXT_APP = "sweep-instant", "sweep-under-way", "sweep-next"
"""Instants in microseconds: of the last sweep, of one that has not ended, and when a statement next begins or ends."""
STRAYS_APP = "strays"
"""The ``txn`` of ``catalog`` that counts the commits which brought an asset into a partition that is not its home."""
FOLD_APP = "decisions"
"""The ``txn`` of a dataset table whose version is the version of ``decisions`` it has folded."""
RIGHTS_APP = "rights"
"""The ``txn`` of ``rights`` whose version is the last position recorded."""

_DATASET = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,126}[A-Za-z0-9])?")
_HEX = re.compile(r"[0-9a-f]{64}")
_TOKEN = re.compile(r"[0-9a-f]{8,64}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_ENTRY = re.compile(r"[0-9]{20}")


@dataclass(frozen=True)
class Table:
    """One of the four append-only tables: ``<lake>/catalog``."""

    name: str


@dataclass(frozen=True)
class DatasetTable:
    """A dataset's permitted rows: ``<lake>/datasets/<name>``."""

    dataset: str


@dataclass(frozen=True)
class Kept:
    """A once active policy or declaration: ``<lake>/kept/policy/<64 hex>.json``; ``digest`` is ``sha256:<64 hex>``."""

    kind: str
    digest: str


@dataclass(frozen=True)
class PinnedLog:
    """Which log the lake was made from, written at first use: ``<lake>/kept/logs/content.json``."""

    topic: str


@dataclass(frozen=True)
class Log:
    """An embedded log: ``log/content.jsonl``."""

    topic: str


@dataclass(frozen=True)
class Declaration:
    """A dataset's declaration as its owner edits it: ``datasets/<name>.yaml``."""

    dataset: str


@dataclass(frozen=True)
class Release:
    """An immutable release: ``releases/<dataset>/<version>``."""

    dataset: str
    version: str


@dataclass(frozen=True)
class Build:
    """A candidate, which publication makes the release of the same name: ``builds/<dataset>/<version>``."""

    dataset: str
    version: str


@dataclass(frozen=True)
class ContentApp:
    """The ``txn`` of one content partition in the append-only tables; its version is the last offset recorded."""

    cluster_id: str
    topic_id: str
    partition: int


@dataclass(frozen=True)
class DataFile:
    """A Parquet file, relative to its table: ``part-<token>.parquet``; a hexadecimal token is never used twice."""

    token: str


@dataclass(frozen=True)
class LogEntry:
    """A version's entry in a table's Delta log, relative to the table (Delta protocol, "Delta log entries")."""

    version: int


LakePlace = Table | DatasetTable | Kept | PinnedLog
WorkspacePlace = Log | Declaration | Release | Build
TablePlace = DataFile | LogEntry


def build_in_lake(place: LakePlace) -> str:
    """The place's name under the lake's root. Raises ``ValueError`` for a name that could not be parsed again."""
    match place:
        case Table(name):
            return _one_of(name, TABLES)
        case DatasetTable(dataset):
            return f"datasets/{_matching(dataset, _DATASET)}"
        case Kept(kind, digest):
            return f"kept/{_one_of(kind, KEPT_KINDS)}/{_matching(digest.removeprefix('sha256:'), _HEX)}.json"
        case PinnedLog(topic):
            return f"kept/logs/{_one_of(topic, LOGS)}.json"
    assert_never(place)


def parse_in_lake(text: str) -> LakePlace:
    """The place a name under the lake's root stands for. Raises ``ValueError`` when it is none."""
    match text.split("/"):
        case [name] if name in TABLES:
            return Table(name)
        case ["datasets", dataset]:
            return DatasetTable(_matching(dataset, _DATASET))
        case ["kept", "logs", file] if file.endswith(".json"):
            return PinnedLog(_one_of(file.removesuffix(".json"), LOGS))
        case ["kept", kind, file] if file.endswith(".json"):
            return Kept(_one_of(kind, KEPT_KINDS), "sha256:" + _matching(file.removesuffix(".json"), _HEX))
    raise ValueError(f"not a name of the lake: {text!r}")


def build(place: WorkspacePlace) -> str:
    """The place's name in the workspace. Raises ``ValueError`` for a name that could not be parsed again."""
    match place:
        case Log(topic):
            return f"log/{_one_of(topic, LOGS)}.jsonl"
        case Declaration(dataset):
            return f"datasets/{_matching(dataset, _DATASET)}.yaml"
        case Release(dataset, version):
            return f"releases/{_matching(dataset, _DATASET)}/{_matching(version, _VERSION)}"
        case Build(dataset, version):
            return f"builds/{_matching(dataset, _DATASET)}/{_matching(version, _VERSION)}"
    assert_never(place)


def parse(text: str) -> WorkspacePlace:
    """The place a name in the workspace stands for. Raises ``ValueError`` when it is none."""
    match text.split("/"):
        case ["log", file] if file.endswith(".jsonl"):
            return Log(_one_of(file.removesuffix(".jsonl"), LOGS))
        case ["datasets", file] if file.endswith(".yaml"):
            return Declaration(_matching(file.removesuffix(".yaml"), _DATASET))
        case ["releases", dataset, version]:
            return Release(_matching(dataset, _DATASET), _matching(version, _VERSION))
        case ["builds", dataset, version]:
            return Build(_matching(dataset, _DATASET), _matching(version, _VERSION))
    raise ValueError(f"not a name of the workspace: {text!r}")


def build_name(dataset: str, version: str) -> str:
    """``dataset@version``: how people and commands name a build and the release it becomes."""
    return f"{_matching(dataset, _DATASET)}@{_matching(version, _VERSION)}"


def parse_name(text: str) -> tuple[str, str]:
    """(dataset, version). Raises ``ValueError`` when the text is not ``dataset@version``."""
    dataset, _, version = text.partition("@")
    return _matching(dataset, _DATASET), _matching(version, _VERSION)


def build_app_id(app: ContentApp) -> str:
    """``content/<cluster>/<topic>/<partition>``, each part percent-encoded, so that no two apps share a name."""
    return f"content/{_encoded(app.cluster_id)}/{_encoded(app.topic_id)}/{_matching(str(app.partition), _NUMBER)}"


def parse_app_id(text: str) -> ContentApp:
    """The content partition a Delta application id stands for. Raises ``ValueError`` when it is none."""
    match text.split("/"):
        case ["content", cluster, topic, partition]:
            return ContentApp(_decoded(cluster), _decoded(topic), int(_matching(partition, _NUMBER)))
    raise ValueError(f"not a content partition's application id: {text!r}")


def build_in_table(place: TablePlace) -> str:
    """The name of a file inside a Delta table."""
    match place:
        case DataFile(token):
            return f"part-{_matching(token, _TOKEN)}.parquet"
        case LogEntry(version):
            return f"_delta_log/{_matching(f'{version:020d}', _ENTRY)}.json"
    assert_never(place)


def parse_in_table(text: str) -> TablePlace:
    """The place a file name inside a Delta table stands for. Raises ``ValueError`` when it is none of ours."""
    match text.split("/"):
        case [file] if file.startswith("part-") and file.endswith(".parquet"):
            return DataFile(_matching(file[len("part-") : -len(".parquet")], _TOKEN))
        case ["_delta_log", file] if file.endswith(".json"):
            return LogEntry(int(_matching(file.removesuffix(".json"), _ENTRY)))
    raise ValueError(f"not a file of a table: {text!r}")


def _matching(text: str, pattern: re.Pattern[str]) -> str:
    if pattern.fullmatch(text) is None:
        raise ValueError(f"{text!r} cannot be part of a name")
    return text


def _one_of(text: str, names: tuple[str, ...]) -> str:
    if text not in names:
        raise ValueError(f"{text!r} is none of {', '.join(names)}")
    return text


def _encoded(text: str) -> str:
    if not text:
        raise ValueError("an empty id cannot be part of an application id")
    return quote(text, safe="")


def _decoded(text: str) -> str:
    plain = unquote(text, errors="strict")
    if not plain or quote(plain, safe="") != text:
        raise ValueError(f"{text!r} is not the percent-encoding of an id")
    return plain

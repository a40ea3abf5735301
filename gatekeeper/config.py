"""A workspace: its folder, what gatekeeper.yaml says, and the limits, each with its unit and one line of why.

gatekeeper.yaml is read strictly: a setting nobody knows is a typing mistake and is refused, never ignored.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from gatekeeper.core import layout
from gatekeeper.edges.yaml_files import read_yaml
from gatekeeper.errors import BadInput

CONFIG_FILE = "gatekeeper.yaml"
FORMAT = 1
"""The format of gatekeeper.yaml and of the folder around it; another number is another gatekeeper's workspace."""
RELEASES_FOLDER = "releases"
S3_OPTIONS = ("endpoint_url", "region_name", "aws_access_key_id", "aws_secret_access_key", "aws_session_token")
"""What may be said of an S3 client; boto3's own names."""
SECTIONS = ("format", "log", "kafka", "limits", "lake", "releases", "signing", "media")


@dataclass(frozen=True)
class Limits:
    """Every bound of a worker, units last. Raise one only with the reason beside it in mind."""

    event_bytes_max: int = 1_048_576
    """What a Kafka broker accepts by default; a larger content event is a dead letter."""
    batch_rows_max: int = 20_000
    """Rows decided and committed together: more per commit is faster, and a withdrawal is later visible."""
    queue_bytes_max: int = 268_435_456
    """Content bytes fetched and not yet committed: bounds a worker's memory when writing is slower than fetching."""
    patience_s: int = 30
    """So long may a broker stay away before a running worker stops with its error; meanwhile nothing is decided."""
    withdrawal_deadline_h: int = 24
    """So soon a no must have left every dataset table and been held against every release; `status` shouts after it."""
    grace_hours: int = 24
    """So long lie files with rows that left a dataset, or fields that were erased: a reader of an older version has
    finished by then; ``gatekeeper maintain`` deletes them after it."""
    append_block_bytes: int = 4_194_304
    """Bytes of lines validated and appended together; the good lines of a block stay when a later one is refused."""


@dataclass(frozen=True)
class Kafka:
    """The two topics and how to reach them. ``options`` go to kafka-python as they stand (SASL, TLS, timeouts).

    ``partitioner`` is the producers': an asset outside the partition its key belongs in costs a look-up.
    """

    bootstrap_servers: str
    content_topic: str = "content"
    rights_topic: str = "rights"
    group: str = "gatekeeper"
    partitioner: str = "murmur2"
    development: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Storage:
    """A prefix of an object store, such as ``s3://bucket/lake``; of releases also a folder. ``options`` go to the
    driver (deltalake, boto3) as they stand.
    """

    uri: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Signing:
    """PEM files of Ed25519 keys: ``private_key`` signs recalls; those of ``public_keys`` are trusted besides."""

    private_key: Path | None = None
    public_keys: tuple[Path, ...] = ()

    @property
    def wanted(self) -> bool:
        return self.private_key is not None or bool(self.public_keys)


@dataclass(frozen=True)
class Workspace:
    """``root`` is absolute. ``kafka`` is None where the logs are files of the workspace, ``storage`` where the lake is
    a folder of it. ``media`` are boto3's options for media in ``s3://``; those of the releases where nothing is said.
    """

    root: Path
    kafka: Kafka | None = None
    limits: Limits = field(default_factory=Limits)
    storage: Storage | None = None
    releases: Storage = field(default_factory=lambda: Storage(RELEASES_FOLDER))
    signing: Signing = field(default_factory=Signing)
    media: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def policy_file(self) -> Path:
        return self.root / "policy" / "policy.yaml"

    @property
    def terms_file(self) -> Path:
        return self.root / "policy" / "terms.yaml"

    @property
    def declarations(self) -> Path:
        """The folder of dataset declarations."""
        return self.declaration_file("any").parent

    def declaration_file(self, dataset: str) -> Path:
        return self.root / layout.build(layout.Declaration(dataset))

    @property
    def agreements(self) -> Path:
        """Where people keep what the rights log refers to; nothing here is read by a decision."""
        return self.root / "agreements"

    def log_file(self, topic: str) -> Path:
        return self.root / layout.build(layout.Log(topic))

    @property
    def lake(self) -> Path | str:
        """The lake's root: a folder, or a URI."""
        return self.root / layout.LAKE if self.storage is None else self.storage.uri

    @property
    def lake_options(self) -> Mapping[str, str]:
        """Deltalake's storage options."""
        return {} if self.storage is None else self.storage.options


def find_workspace(asked: Path | None, here: Path) -> Path:
    """The workspace folder: the one asked for, else ``here`` where it holds gatekeeper.yaml. Raises ``BadInput``."""
    root = (asked or here).absolute()
    if not (root / CONFIG_FILE).is_file():
        what = f"{root} is not a workspace: it holds no {CONFIG_FILE}"
        do = "name one with --workspace DIR (or GATEKEEPER_WORKSPACE), or make one: gatekeeper init DIR"
        raise BadInput(what, do)
    return root


def read_workspace(root: Path, environment: Mapping[str, str] = os.environ) -> Workspace:
    """gatekeeper.yaml → Workspace. Raises ``BadInput`` naming the setting to mend."""
    document = read_yaml(root / CONFIG_FILE)
    settings = _section("the file", {} if document is None else document, SECTIONS)
    if settings.get("format", FORMAT) != FORMAT:
        raise _bad(f"format {settings['format']!r} is not known (this gatekeeper reads {FORMAT})")
    if (log := settings.get("log", "files")) not in ("files", "kafka"):
        raise _bad(f"log must be files or kafka, not {log!r}")
    kafka = _kafka(settings.get("kafka"), environment) if log == "kafka" else None
    lake = _storage(settings.get("lake"), environment)
    limits, releases = _limits(settings.get("limits") or {}), _releases(settings, environment)
    signing = _signing(settings.get("signing") or {}, root)
    return Workspace(root, kafka, limits, lake, releases, signing, _media(settings, releases, environment))


def _bad(what: str) -> BadInput:
    return BadInput(f"{CONFIG_FILE}: {what}", f"mend {CONFIG_FILE}; its comments show every setting")


def _section(name: str, section: Any, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(section, Mapping):
        raise _bad(f"{name} must hold settings, one `name: value` per line")
    if unknown := [key for key in section if key not in known]:
        raise _bad(f"{name} has the unknown setting {unknown[0]!r} (known: {', '.join(known)})")
    return section


def _limits(section: Any) -> Limits:
    given = _section("limits", section, tuple(f.name for f in fields(Limits)))
    for name, value in given.items():
        if type(value) is not int or value < 1:
            raise _bad(f"limits: {name} must be a whole number of at least 1, not {value!r}")
    return Limits(**given)


def _storage(section: Any, environment: Mapping[str, str]) -> Storage | None:
    if section is None:
        return None
    given = _section("lake", section, ("uri", "options"))
    uri, options = given.get("uri"), given.get("options") or {}
    if not isinstance(uri, str) or "://" not in uri:
        raise _bad(f"lake: uri must be a place such as s3://bucket/lake, not {uri!r} (leave lake out for a folder)")
    if not isinstance(options, Mapping):
        raise _bad("lake: options must hold deltalake's storage options")
    told = {key: str(_expanded(value, environment, "lake")) for key, value in options.items()}
    if uri.startswith("s3://"):
        told = {"aws_conditional_put": "etag"} | told
    return Storage(uri.rstrip("/"), told)


def _releases(settings: Mapping[str, Any], environment: Mapping[str, str]) -> Storage:
    """A folder (of the workspace, unless absolute) or ``s3://bucket/prefix``; or ``uri`` with ``options``."""
    section = settings.get("releases") or RELEASES_FOLDER
    given = {"uri": section} if isinstance(section, str) else _section("releases", section, ("uri", "options"))
    uri, options = given.get("uri", RELEASES_FOLDER), given.get("options") or {}
    if not isinstance(uri, str) or not uri:
        raise _bad(f"releases: uri must be a folder, or a place such as s3://bucket/releases, not {uri!r}")
    if not isinstance(options, Mapping):
        raise _bad("releases: options must hold settings of the S3 driver")
    told = {key: str(_expanded(value, environment, "releases")) for key, value in options.items()}
    return Storage(uri.rstrip("/") or "/", told)


def _signing(section: Any, root: Path) -> Signing:
    given = _section("signing", section, ("private_key", "public_keys"))
    private, public = given.get("private_key"), given.get("public_keys") or []
    public = [public] if isinstance(public, str) else public
    if not isinstance(public, list) or not all(isinstance(path, str) and path for path in public):
        raise _bad(f"signing: public_keys must be files, not {public!r}")
    if private is not None and (not isinstance(private, str) or not private):
        raise _bad(f"signing: private_key must be a file, not {private!r}")
    return Signing(root / private if private else None, tuple(root / path for path in public))


def _media(settings: Mapping[str, Any], releases: Storage, environment: Mapping[str, str]) -> Mapping[str, str]:
    given = _section("media", settings.get("media") or {}, ("options",))
    if given.get("options") is None:
        return {name: releases.options[name] for name in S3_OPTIONS if name in releases.options}
    options = _section("media: options", given["options"], S3_OPTIONS)
    return {key: str(_expanded(value, environment, "media")) for key, value in options.items()}


def _kafka(section: Any, environment: Mapping[str, str]) -> Kafka:
    given = dict(_section("kafka", section or {}, tuple(f.name for f in fields(Kafka))))
    if not given.get("bootstrap_servers"):
        raise _bad("log is kafka, but kafka.bootstrap_servers is missing")
    if isinstance(given["bootstrap_servers"], list):
        given["bootstrap_servers"] = ",".join(map(str, given["bootstrap_servers"]))
    if not isinstance(given.get("development", False), bool):
        raise _bad("kafka: development must be true or false")
    for name in ("bootstrap_servers", "content_topic", "rights_topic", "group"):
        if name in given and (not isinstance(given[name], str) or not given[name]):
            raise _bad(f"kafka: {name} must be text, not {given[name]!r}")
    if given.get("partitioner", "murmur2") not in ("murmur2", "crc32"):
        raise _bad("kafka: partitioner must be murmur2 (Java, kafka-python) or crc32 (librdkafka)")
    options = given.get("options") or {}
    if not isinstance(options, Mapping):
        raise _bad("kafka: options must hold settings of kafka-python")
    given["options"] = {key: _expanded(value, environment, "kafka") for key, value in options.items()}
    return Kafka(**given)


def _expanded(value: Any, environment: Mapping[str, str], section: str) -> Any:
    """``${NAME}`` → the environment's NAME, so that no password has to stand in the file."""
    if not isinstance(value, str):
        return value

    def of(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise _bad(f"{section}.options needs the environment variable {match[1]}, which is not set")
        return environment[match[1]]

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", of, value)

"""What moves through a build, and its hands as the stage sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from gatekeeper.core import media
from gatekeeper.core.manifest import FileEntry
from gatekeeper.core.periods import Said
from gatekeeper.core.policy import Policy
from gatekeeper.core.release_columns import released_type
from gatekeeper.core.selection import Selection
from gatekeeper.core.tables import CONTENT_SCHEMA, DATA_FIELDS
from gatekeeper.core.use import Declaration
from gatekeeper.stages.gate.values import Moment

NOT_IN_CATALOG, SUPERSEDED, DUPLICATE = "not_in_catalog", "superseded", "duplicate"
"""A row whose event the catalogue does not hold so; one of an event that is not its asset's latest; one of several."""
NOT_SELECTED = "not_selected"
"""A permitted row that the declaration's ``where`` leaves out."""
PLANTED = (NOT_IN_CATALOG, DUPLICATE)
"""No fold ever made such a row."""

DECIDED_BY = (
    *("partition", "offset", "asset_id", "account_id", "interests", "identifiers"),
    *("catalogs", "licence", "tags", "reservations"),
)
"""The columns of an event that a decision reads, besides what the stream knows."""
WHEN = ("published_at", "time")
"""When an event's content is of: the first that is there."""
STREAM_FIELDS = (pa.field("removed_by", pa.int64()), pa.field("conflicting", pa.bool_()))

REFUSED_SCHEMA = pa.schema(
    [
        pa.field("asset_id", pa.string()),
        pa.field("partition", pa.int32()),
        pa.field("offset", pa.int64()),
        pa.field("verdict", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("holder", pa.string()),
        pa.field("evidence", pa.string()),
    ]
)
"""A row of the dataset table that is not in the parts; ``forged`` is added when it is written."""
SUSPECT_SCHEMA = pa.schema([*(CONTENT_SCHEMA.field(name) for name in DECIDED_BY), *STREAM_FIELDS])
"""The event of a row that was refused, to be compared with the decision on record."""

Step = Callable[[str], None]
Told = Callable[[str, int, int], None]
"""What is being done, how many rows of how many: for people, nothing rests on it."""


@dataclass(frozen=True)
class Wanted:
    """What is to be built. ``columns`` are those of a part, without its place and decision."""

    version: str
    declaration: Declaration
    policy: Policy
    selection: Selection
    columns: tuple[str, ...]
    tool: str

    @property
    def copies_media(self) -> bool:
        """Whether the release will hold its media objects."""
        return media.copies(self.declaration.document)

    @property
    def event_columns(self) -> tuple[str, ...]:
        """The catalogue's columns a build reads."""
        of_media = (media.URI,) if self.copies_media else ()
        return tuple(dict.fromkeys((*DECIDED_BY, *self.columns, *self.selection.fields, *of_media, *WHEN)))

    @property
    def data_columns(self) -> tuple[str, ...]:
        """The columns of a part before its place and decision."""
        return (*self.columns, media.AUDIO) if self.copies_media else self.columns

    @property
    def part_schema(self) -> pa.Schema:
        """The columns of a part: data, place in the content log, and the fresh decision's reason and evidence."""
        data = [f.with_type(released_type(f.type)) for name in self.columns for f in DATA_FIELDS if f.name == name]
        audio = [pa.field(media.AUDIO, media.AUDIO_TYPE)] if self.copies_media else []
        place = [CONTENT_SCHEMA.field(name) for name in ("partition", "offset")]
        said = [pa.field("reason", pa.string()), pa.field("evidence", pa.string())]
        return pa.schema([*data, *audio, *place, *said], media.SCHEMA_METADATA if self.copies_media else None)


@dataclass(frozen=True)
class Basis:
    """The tables' versions by name, and what was decided on. ``rows_total`` is the least that the dataset table
    holds, by its own statistics.
    """

    moment: Moment
    terms: str | None
    tables: Mapping[str, int]
    rows_total: int


@dataclass(frozen=True)
class Built:
    """``refused`` counts by reason; ``forged`` the rows among them that nobody decided so."""

    name: str
    rows: int
    refused: Mapping[str, int]
    forged: int
    manifest: str
    path: Path


class Spools(Protocol):
    """Rows put aside."""

    rows: int

    def add(self, rows: pa.Table) -> None: ...
    def read(self) -> Iterator[pa.Table]: ...


class WritesParts(Protocol):
    """The Parquet parts. ``paths`` and ``rows`` tell, part by part, what was written."""

    paths: list[Path]
    rows: list[int]

    def add(self, rows: pa.Table) -> None: ...
    def close(self) -> None: ...


class MediaObjects(Protocol):
    """Media wherever content events say they are. Any number of threads may ask."""

    def digest(self, uri: str) -> tuple[str, int] | None:
        """(SHA-256 in 64 hexadecimal digits, bytes) of what is there now; None where nothing is. Raises ``ValueError``
        for a place that nobody here can read, ``Unavailable`` for one that does not answer.
        """


class Folder(Protocol):
    """The candidate's folder in the making."""

    @property
    def final(self) -> Path:
        """Where it will be."""

    def append(self, name: str, lines: bytes) -> None: ...
    def write(self, name: str, data: bytes) -> None: ...
    def entry(self, name: str, rows: int | None = None) -> FileEntry: ...
    def drop_spill(self) -> None: ...
    def appear(self) -> None: ...


@dataclass(frozen=True)
class Hands:
    """What a build works with. ``decide`` answers for this dataset alone; ``forged`` takes suspects as rows of
    ``SUSPECT_SCHEMA`` and gives the places (asset id, partition, offset) of the forged ones. ``media`` is asked only
    where the release will hold its media.
    """

    joined: Iterator[pa.Table]
    decide: Callable[[pa.Table], pa.RecordBatch]
    forged: Callable[[Iterator[pa.Table]], frozenset[tuple[str, int, int]]]
    parts: WritesParts
    refused: Spools
    suspects: Spools
    folder: Folder
    media: MediaObjects
    part_name: Callable[[int], str]
    step: Step = lambda _name: None
    told: Told = lambda _what, _done, _of: None


@dataclass
class Tally:
    """Counts by reason; ``months`` counts what was said of every row by the month of its content."""

    permitted: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    months: dict[Said, int] = field(default_factory=dict)
    forged: int = 0
    media_rows: int = 0
    media_bytes: int = 0

    def count(self, into: dict[str, int], reasons: Sequence[str], counts: Sequence[int]) -> None:
        for reason, count in zip(reasons, counts, strict=True):
            into[reason] = into.get(reason, 0) + count

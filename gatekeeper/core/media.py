"""Media objects of a release (declaration ``media: copy``): their names, and what its rows and index say of them.

Rules of this file: an object is named by the SHA-256 of its bytes, so that its name is a function of the event and
nobody's wording; a row whose event has no ``media_uri`` or no ``content_sha256`` has no name for it. The index has one
line for each row, in the rows' order, as canonical JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

MEDIA, INDEX = "media", "media.jsonl"
"""Inside a release: the objects' folder, and what each row's object is. A candidate holds the index alone."""
AUDIO, URI = "audio", "media_uri"
"""Columns of a part: the object as readers of audio want it, and where it lies."""
AUDIO_TYPE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
"""Hugging Face ``datasets``, feature ``Audio``; ``path`` is relative to the release, ``bytes`` are null."""
SCHEMA_METADATA = {b"huggingface": json.dumps({"info": {"features": {AUDIO: {"_type": "Audio"}}}}).encode()}
"""In the Parquet schema: by it ``datasets`` knows the column as audio."""

NO_URI, NO_HASH, UNKNOWN_PLACE = "media_no_uri", "media_no_hash", "media_unknown_place"
MISSING, MISMATCH = "media_missing", "media_mismatch"
REASONS = (NO_URI, NO_HASH, UNKNOWN_PLACE, MISSING, MISMATCH)
"""Why a permitted row is left out: nothing says where its object is, or what its bytes must be; nobody here can read
that place; nothing is there; other bytes are there.
"""

_NAME = re.compile(rf"{MEDIA}/([0-9a-f]{{2}})/([0-9a-f]{{64}})(?:\.[a-z0-9]{{1,8}})?")
_HASH = "^[0-9a-f]{64}$"
_ENDING = r"\.(?P<ending>[A-Za-z0-9]{1,8})$"


def copies(declaration: Mapping[str, Any]) -> bool:
    """Whether releases of this declaration hold their media."""
    return declaration.get("media") == "copy"


@dataclass(frozen=True)
class MediaLine:
    """The object of one row: its name in the release, its digest and size, and the URI it was copied from."""

    asset_id: str
    path: str
    sha256: str
    bytes: int
    source: str


def line_bytes(line: MediaLine) -> bytes:
    """One line of the index."""
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def read_line(data: bytes) -> MediaLine:
    """A line of the index. Raises ``ValueError`` for one that ``line_bytes`` did not write."""
    try:
        line = MediaLine(**orjson.loads(data))
    except TypeError as problem:
        raise ValueError(f"not a line of {INDEX}") from problem
    if line_bytes(line) != data or sha256_in(line.path) != line.sha256:
        raise ValueError(f"not a line of {INDEX}: it was edited, or written by something else")
    return line


def sha256_in(path: str) -> str | None:
    """The digest in an object's name; None for what is no such name."""
    found = _NAME.fullmatch(path)
    return found[2] if found and found[2].startswith(found[1]) else None


def hashes(events: pa.Table) -> pa.Array:
    """``content_sha256`` of each event in lower case, null where it is none."""
    told = pc.utf8_lower(pc.struct_field(_one(events["identifiers"]), "content_sha256"))
    return pc.if_else(pc.match_substring_regex(told, _HASH), told, pa.scalar(None, pa.string()))


def paths(events: pa.Table) -> pa.Array:
    """The name of each event's object in a release: ``media/ab/abcd….wav``; null where it can have none."""
    sha, uri = hashes(events), _one(events[URI])
    ending = pc.utf8_lower(pc.struct_field(pc.extract_regex(uri, _ENDING), "ending"))
    dotted = pc.fill_null(pc.binary_join_element_wise(".", ending, ""), "")
    named = pc.binary_join_element_wise(f"{MEDIA}/", pc.utf8_slice_codeunits(sha, 0, 2), "/", sha, dotted, "")
    return pc.if_else(pc.fill_null(pc.greater(pc.binary_length(uri), 0), False), named, pa.scalar(None, pa.string()))


def copied(events: pa.Table) -> pa.Table:
    """Events → as rows of a release that holds its media: ``media_uri`` is the object's name, ``audio`` says it too."""
    path = paths(events)
    audio = pa.StructArray.from_arrays(
        [pa.nulls(len(path), pa.binary()), path], fields=list(AUDIO_TYPE), mask=path.is_null()
    )
    at = events.schema.get_field_index(URI)
    return events.set_column(at, URI, path).append_column(AUDIO, audio)


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    joined = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return joined if isinstance(joined, pa.Array) else pa.concat_arrays(joined.chunks)

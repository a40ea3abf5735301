"""Content records for tests: a valid event, blocks of records, and the contracts they are read with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gatekeeper.core.content import Parsed, parse
from gatekeeper.core.contracts import contracts_of
from gatekeeper.edges.shipped import read_schemas

CONTRACTS = contracts_of(read_schemas())


@dataclass(frozen=True)
class Limits:
    event_bytes_max: int = 65_536


@dataclass(frozen=True)
class Block:
    topic: str
    partition: int
    offsets: npt.NDArray[np.int64]
    keys: pa.BinaryArray | None
    values: pa.BinaryArray


def event(number: int = 0, **data: Any) -> dict[str, Any]:
    """A valid event with few fields; ``data`` adds to its data."""
    return {
        "specversion": "1.0",
        "id": f"evt-{number}",
        "source": "urn:test:catalog",
        "type": "content.published",
        "time": "2025-06-01T12:00:00Z",
        "data": {"asset_id": f"track-{number}", "account_id": "acct-1", **data},
    }


def rich_event(number: int = 0) -> dict[str, Any]:
    """A valid event that uses every field of the contract."""
    document = event(
        number,
        interests=[{"party_id": "label-1", "role": "recording"}, {"party_id": "song-1", "role": "composition"}],
        identifiers={"isrc": "DE-A12-25-00042", "iswc": "T-034.524.680-1", "content_sha256": "ab" * 32},
        catalogs=["main"],
        licence="CC0-1.0",
        tags=["ambient", "no-ai"],
        reservations=[{"vocabulary": "aipref", "vocabulary_version": "07", "statement": "train-ai=n"}],
        title="Größe 🎵",
        artists=["A", "B"],
        genres=["drone"],
        duration_ms=214_000,
        media_uri="s3://media/1.flac",
        published_at="2025-05-30T09:00:00.123456789+02:00",
        attributes={"bpm": "84", "mood": "calm"},
    )
    return {
        **document,
        "subject": "track",
        "datacontenttype": "application/json",
        "time": "2025-06-01T12:00:00.5-01:30",
    }


def encoded(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def block(values: Sequence[bytes | None], keys: Sequence[bytes | None] | None = None) -> Block:
    """Records at offsets 10, 12, 14, … of partition 3: a log has gaps."""
    columns = [None if column is None else pa.array(column, pa.binary()) for column in (keys, values)]
    return Block("content", 3, np.arange(len(values), dtype=np.int64) * 2 + 10, columns[0], columns[1])


def parsed(values: Sequence[bytes | None], **options: Any) -> Parsed:
    """A block without keys, read."""
    return parse(block(values), CONTRACTS.check_content, limits=Limits(), check_key=False, **options)


def reason_of(value: bytes | None) -> str:
    """Why the one record is a dead letter; ``valid`` when it is none."""
    result = parsed([value])
    assert result.valid.num_rows + result.dead.num_rows == 1
    return result.dead["reason"][0].as_py() if result.dead.num_rows else "valid"

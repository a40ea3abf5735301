"""A Delta table as its log tells it, read without the worker's code: every version with its rows and transactions.

Rules of this file: nothing of ``gatekeeper`` is imported; the log's own JSON is the source for "which version said
what", deltalake for "what the table holds now", so that a row that only one of the two knows is seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow.parquet as pq
from deltalake import DeltaTable

Row = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """One entry of the log. ``removes`` counts data files it takes away; ``at_s`` is when its file was last written."""

    number: int
    rows: list[Row]
    txns: dict[str, int]
    custom: dict[str, Any]
    removes: int
    at_s: float


def versions(table: Path) -> Iterator[Version]:
    """Every version in order. Raises ``AssertionError`` where the log has a hole."""
    entries = sorted((table / "_delta_log").glob("*.json"))
    for number, entry in enumerate(entries):
        assert int(entry.stem) == number, f"{table.name}: version {number} is missing from the log"
        yield _version(table, number, entry)


def _version(table: Path, number: int, entry: Path) -> Version:
    actions = [json.loads(line) for line in entry.read_text().splitlines() if line.strip()]
    added = [action["add"]["path"] for action in actions if "add" in action]
    return Version(
        number=number,
        rows=[row for path in added for row in _rows(table / unquote(path))],
        txns={action["txn"]["appId"]: action["txn"]["version"] for action in actions if "txn" in action},
        custom=next((action["commitInfo"] for action in actions if "commitInfo" in action), {}),
        removes=sum("remove" in action for action in actions),
        at_s=entry.stat().st_mtime,
    )


def rows_now(table: Path) -> list[Row]:
    """What a reader of the table sees now."""
    return [row for path in DeltaTable(str(table)).file_uris() for row in _rows(Path(path))]


def exists(table: Path) -> bool:
    return any((table / "_delta_log").glob("*.json"))


def _rows(path: Path) -> list[Row]:
    rows: list[Row] = pq.ParquetFile(path).read().to_pylist()
    return rows

"""Catalogue files: rows of CSV, TSV and Parquet, `.gz` too, each with its number; a row that cannot be read is a value.

Rules of this file: row 1 is the first after the header; a row is never dropped and never guessed at: quotes are read
strictly, and bytes that are not UTF-8 stay visible in the row (as surrogates) so that they can be refused by number.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from gatekeeper.core.importing.cells import BadRow, Row
from gatekeeper.errors import BadInput

DELIMITERS = {".csv": ",", ".tsv": "\t"}
PARQUET_ROWS_PER_BATCH = 8_192


def _damaged(name: str, error: Exception) -> BadInput:
    return BadInput(f"{name} is damaged: {error}", "fetch it again; the rows before the damage are on the log")


class CatalogueFile(Protocol):
    """``total`` and ``done`` have one unit of the file's choosing (bytes, rows): they are for a progress bar."""

    header: tuple[str, ...]
    total: int

    def done(self) -> int: ...
    def rows(self) -> Iterator[tuple[int, Row | BadRow]]:
        """Row number and cells. Raises ``BadInput`` where the file itself ends badly; the rows before it stand."""

    def close(self) -> None: ...


def open_catalogue(path: Path, delimiter: str | None = None, quotes: bool | None = None) -> CatalogueFile:
    """The file by its name (`.csv`, `.tsv`, `.parquet`, with or without `.gz`). Raises ``BadInput``."""
    if not path.is_file():
        raise BadInput(f"{path} is not a file", "name a CSV, TSV or Parquet file")
    packed = path.suffix.lower() == ".gz"
    kind = Path(path.stem).suffix.lower() if packed else path.suffix.lower()
    if kind == ".parquet" and not packed:
        return _Parquet(path)
    delimiter = delimiter or DELIMITERS.get(kind)
    if delimiter is None:
        do = "name it .csv, .tsv or .parquet, or set `delimiter` in the mapping"
        raise BadInput(f"{path.name}: cannot tell the format from the name", do)
    return _Text(path, packed, delimiter, quotes if quotes is not None else delimiter != "\t")


class _Text:
    def __init__(self, path: Path, packed: bool, delimiter: str, quotes: bool) -> None:
        self._name = path.name
        self._raw = path.open("rb")
        self.total = max(1, path.stat().st_size)
        unpacked = gzip.GzipFile(fileobj=self._raw) if packed else self._raw
        text = io.TextIOWrapper(unpacked, encoding="utf-8-sig", errors="surrogateescape", newline="")
        if quotes:
            self._reader = csv.reader(text, delimiter=delimiter, strict=True)
        else:
            self._reader = csv.reader(text, delimiter=delimiter, strict=True, quoting=csv.QUOTE_NONE)
        header = self._next()
        if not isinstance(header, list) or not any(header):
            raise BadInput(f"{self._name} has no header row", "its first row must name the columns")
        self.header = tuple(name.strip() for name in header)

    def done(self) -> int:
        return min(self.total, self._raw.tell())

    def rows(self) -> Iterator[tuple[int, Row | BadRow]]:
        width = len(self.header)
        number = 0
        while (row := self._next()) is not None:
            if not row:  # an empty line is no row
                continue
            number += 1
            if not isinstance(row, BadRow) and len(row) != width:
                row = BadRow(f"it has {len(row)} cells, the header has {width}", row)
            yield number, row

    def _next(self) -> list[str] | BadRow | None:
        try:
            return next(self._reader, None)
        except csv.Error as error:
            return BadRow(f"around line {self._reader.line_num}: {error}", [])
        except (OSError, EOFError, zlib.error) as error:
            raise _damaged(self._name, error) from error

    def close(self) -> None:
        self._raw.close()


class _Parquet:
    def __init__(self, path: Path) -> None:
        self._name = path.name
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise BadInput(f"{path.name} is not a Parquet file: {error}", "name a CSV, TSV or Parquet file") from error
        self.header = tuple(self._file.schema_arrow.names)
        self.total = max(1, self._file.metadata.num_rows)
        self._done = 0

    def done(self) -> int:
        return self._done

    def rows(self) -> Iterator[tuple[int, Row | BadRow]]:
        try:
            for batch in self._file.iter_batches(PARQUET_ROWS_PER_BATCH):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    self._done += 1
                    yield self._done, row
        except (pa.ArrowException, OSError) as error:
            raise _damaged(self._name, error) from error

    def close(self) -> None:
        self._file.close()

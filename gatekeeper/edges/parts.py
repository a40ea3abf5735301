"""Parquet parts of a candidate: sorted rows in, the same bytes out for the same rows, however they arrive.

Row groups are cut by row count alone, and a group is one chunk before it is written: where batches or pages happen to
end would otherwise show in the bytes. No time, host or random value is written. Readers get statistics and a page index
for every column, and a Bloom filter on the asset id in each row group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_ROWS = 100_000
"""What a reader decodes at once; about 30 MB of a content event's columns."""
ROWS_PER_FILE_MAX = 1_000_000
"""Where the declaration says nothing."""
ZSTD_LEVEL = 6
"""Written once, read often: a tenth smaller than level 1 for about twice the time of this step."""
BLOOM_FPP = 0.01


@dataclass(frozen=True)
class PartLimits:
    """How parts are cut and compressed; ``compression`` as a declaration names it."""

    rows_per_file_max: int = ROWS_PER_FILE_MAX
    row_group_rows: int = ROW_GROUP_ROWS
    compression: str = "zstd"


@dataclass
class PartsWriter:
    """Writes ``part(0)``, ``part(1)``, …; the folder must exist. There is at least one part, if only an empty one.

    ``sorted_by`` is the column the rows are ascending by. Raises ``OSError`` where a file cannot be written.
    """

    part: Callable[[int], Path]
    schema: pa.Schema
    sorted_by: str
    limits: PartLimits
    paths: list[Path] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    _waiting: list[pa.Table] = field(default_factory=list)
    _waiting_rows: int = 0
    _writer: pq.ParquetWriter | None = None

    def add(self, rows: pa.Table) -> None:
        """Rows that follow those added before."""
        self._waiting.append(rows)
        self._waiting_rows += rows.num_rows
        while self._waiting_rows >= (due := self._next_group_rows()):
            self._write_group(due)

    def close(self) -> None:
        """Write what is left. Without this, the last part is not complete."""
        if self._waiting_rows or not self.paths:
            self._write_group(self._waiting_rows)
        self._end_part()

    def _next_group_rows(self) -> int:
        """A group is full, or its file is."""
        room = self.limits.rows_per_file_max - (self.rows[-1] if self._writer is not None else 0)
        return min(self.limits.row_group_rows, room)

    def _write_group(self, count: int) -> None:
        whole = pa.concat_tables([self.schema.empty_table(), *self._waiting]).combine_chunks()
        writer = self._writer or self._begin_part()
        writer.write_table(whole.slice(0, count), row_group_size=max(1, count))
        self.rows[-1] += count
        self._waiting, self._waiting_rows = [whole.slice(count)], whole.num_rows - count
        if self.rows[-1] >= self.limits.rows_per_file_max:
            self._end_part()

    def _begin_part(self) -> pq.ParquetWriter:
        path = self.part(len(self.paths))
        self.paths.append(path)
        self.rows.append(0)
        self._writer = writer = pq.ParquetWriter(
            path,
            self.schema,
            compression=self.limits.compression,
            compression_level=ZSTD_LEVEL if self.limits.compression == "zstd" else None,
            write_statistics=True,
            write_page_index=True,
            sorting_columns=[pq.SortingColumn(self.schema.get_field_index(self.sorted_by))],
            bloom_filter_options={self.sorted_by: {"ndv": self._bloom_rows(), "fpp": BLOOM_FPP}},
        )
        return writer

    def _bloom_rows(self) -> int:
        return max(1, min(self.limits.row_group_rows, self.limits.rows_per_file_max))

    def _end_part(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

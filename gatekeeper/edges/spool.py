"""Rows put aside on disk and read again, in order: what a build learns too early to hold in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa


@dataclass
class Spool:
    """First every ``add``, then any number of ``read``. Raises ``OSError``."""

    path: Path
    schema: pa.Schema
    rows: int = 0
    _writer: pa.RecordBatchFileWriter | None = field(default=None, repr=False)

    def add(self, rows: pa.Table) -> None:
        if rows.num_rows == 0:
            return
        if self._writer is None:
            self._writer = pa.ipc.new_file(str(self.path), self.schema)
        self._writer.write_table(rows.cast(self.schema))
        self.rows += rows.num_rows

    def read(self) -> Iterator[pa.Table]:
        if self._writer is None:
            return
        self._writer.close()
        with pa.ipc.open_file(str(self.path)) as reader:
            for number in range(reader.num_record_batches):
                yield pa.Table.from_batches([reader.get_batch(number)])

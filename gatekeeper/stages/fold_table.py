"""A dataset table with an index of its assets: which files hold them, and how those are replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.asset_hash import Hashes, asset_hash
from gatekeeper.core.asset_index import AssetIndex
from gatekeeper.core.commits import Committed, WrittenFile
from gatekeeper.stages.fold_ports import DatasetTable, FileHashes

Hits = Mapping[str, pa.Array]
"""For each file of the table, those assets of a batch that it may hold."""


@dataclass
class IndexedTable:
    """One loaded version. No file has more than ``file_rows_max`` rows; too many small ones are merged. ``kept`` are
    the ascending hashes of the assets of each file, where this machine has worked them out before.
    """

    table: DatasetTable
    file_rows_max: int
    small_files_max: int
    kept: FileHashes | None = None
    folded: int = -1
    _file_rows: Mapping[str, int] = field(default_factory=dict)
    _index: AssetIndex = field(default_factory=AssetIndex)

    @property
    def rows(self) -> int:
        """Rows in the table."""
        return sum(self._file_rows.values())

    def load(self) -> bool:
        """Load the newest version; whether its files are others than before."""
        self.table.refresh()
        self._file_rows, self.folded = dict(self.table.file_rows()), self.table.folded
        gone, new = self._index.paths - self._file_rows.keys(), self._file_rows.keys() - self._index.paths
        for path in gone:
            self._index.drop(path)
        self._index.add({path: self._hashes(path) for path in new})
        if self.kept is not None and (gone or new):
            self.kept.only(self._file_rows)
        return bool(gone or new)

    def _hashes(self, path: str) -> Hashes:
        def read() -> Hashes:
            return np.sort(asset_hash(self.table.read([path], ["asset_id"])["asset_id"]))

        return read() if self.kept is None else self.kept.of(path, read)

    def hits(self, asset_id: pa.ChunkedArray, hashes: Hashes) -> Hits:
        """Where these assets, of these hashes, may be now."""
        found = self._index.find(hashes)
        return {path: asset_id.take(pa.array(places)).combine_chunks() for path, places in found.items()}

    def rows_in(self, paths: Iterable[str]) -> int:
        """Rows in some of the files."""
        return sum(self._file_rows[path] for path in paths)

    def replace(
        self, hits: Iterable[Hits], entering: pa.Table, through: int, metadata: Mapping[str, str]
    ) -> int | None:
        """One commit: the assets of ``hits`` leave, ``entering`` enters, the table is the fold through ``through``.

        Returns the rows that had to be written again; None when the commit was refused or its outcome is unknown. Only
        files are written before the commit, and nobody sees them.
        """
        leaving = self._leaving(hits)
        written = list(self._write(leaving, entering))
        outcome = self.table.replace(list(leaving), [file for file, _ in written], through, metadata)
        if not isinstance(outcome, Committed):
            return None
        self._index.add({file.path: asset_hash(asset_id) for file, asset_id in written})
        return sum(file.rows for file, _ in written) - int(entering.num_rows)

    def remove_all(self, through: int, metadata: Mapping[str, str]) -> bool:
        """One commit: no rows, and the table is the fold through ``through``. Whether it stands."""
        return isinstance(self.table.replace(list(self._file_rows), [], through, metadata), Committed)

    def _leaving(self, hits: Iterable[Hits]) -> Hits:
        leaving: dict[str, list[pa.Array]] = {}
        for found in hits:
            for path, asset_id in found.items():
                leaving.setdefault(path, []).append(asset_id)
        small = [path for path, rows in self._file_rows.items() if rows < self.file_rows_max // 4]
        if len(small) > self.small_files_max:
            for path in small:
                leaving.setdefault(path, [pa.array([], pa.string())])
        return {path: pa.concat_arrays(parts) for path, parts in leaving.items()}

    def _write(self, leaving: Hits, entering: pa.Table) -> Iterator[tuple[WrittenFile, pa.ChunkedArray]]:
        """Files of at most ``file_rows_max`` rows, with little more than that in memory."""
        held: list[pa.Table] = []
        for rows in self._rows_that_stay_and_enter(leaving, entering):
            held.append(rows)
            while sum(part.num_rows for part in held) > self.file_rows_max:
                joined = pa.concat_tables(held)
                yield self._file(joined.slice(0, self.file_rows_max))
                held = [joined.slice(self.file_rows_max)]
        joined = pa.concat_tables(held)
        if joined.num_rows:
            yield self._file(joined)

    def _rows_that_stay_and_enter(self, leaving: Hits, entering: pa.Table) -> Iterator[pa.Table]:
        for path, asset_id in leaving.items():
            rows = self.table.read([path])
            yield rows.filter(pc.invert(pc.is_in(rows["asset_id"], value_set=asset_id)))
        yield entering

    def _file(self, rows: pa.Table) -> tuple[WrittenFile, pa.ChunkedArray]:
        return self.table.write(rows), rows["asset_id"]

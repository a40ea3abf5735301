"""The append-only tables: rows go in with the transactions they stand for, and come out by place or by version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.commits import Outcome, WrittenFile
from gatekeeper.edges.delta_errors import mapped
from gatekeeper.edges.delta_files import add_action, compacted
from gatekeeper.edges.delta_table import Handle, sql_text

COMPACTED_BYTES = 32 * 1024 * 1024
"""A merged file: some hundred thousand events, so that what arrived together is read without the rest."""
VERSION_COLUMN = "_commit_version"
"""Added by ``read_since``: the version of the table a row was committed as (int64)."""


class AppendTable(Handle):
    """A loaded version of an append-only table. Everything read is of that version."""

    def write(self, rows: pa.Table) -> tuple[WrittenFile, ...]:
        """Step 1 of 2: the rows' data file, which nobody sees yet. No rows, no file. Raises ``Unavailable``."""
        return (self.written(rows),) if rows.num_rows else ()

    def commit(self, files: Sequence[WrittenFile], txns: Mapping[str, int], metadata: Mapping[str, str]) -> Outcome:
        """Step 2 of 2: the log entry, as the version after the one loaded or not at all. ``files`` may be empty.

        After ``Refused``: ``refresh``, compare again, and the same files may be committed, if what they hold still may.
        After ``Unknown``: the very same call is safe. After ``Committed``: ``refresh`` before the next commit.
        """
        return self._commit([add_action(file) for file in files], txns, metadata)

    def append(self, rows: pa.Table, txns: Mapping[str, int], metadata: Mapping[str, str]) -> Outcome:
        """Both steps. Compare this handle's ``txn`` before. Raises ``Unavailable`` only while nothing is committed."""
        return self.commit(self.write(rows), txns, metadata)

    def compact(self) -> int:
        """Merge small files into large ones; rows, transactions and the change feed stay. How many files it saved.

        A commit takes about 10 ms with 10,000 files in the table, in proportion to their number. Writers need not stop:
        they are refused once and compare again. Raises ``Unavailable``.
        """
        self.refresh()
        with mapped(f"compacting {self.name}"):
            done = self.delta.optimize.compact(
                target_size=COMPACTED_BYTES, max_concurrent_tasks=1, writer_properties=compacted(self.spec)
            )
        self.refresh()
        return int(done["numFilesRemoved"]) - int(done["numFilesAdded"])

    def read_range(self, partition: int, after: int, through: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of a partition with offsets in ``(after, through]``, by offset. Raises ``Unavailable``."""
        within = {"partition": (partition, partition), "offset": (after + 1, through)}
        return self._within(within, "offset", columns)

    def read_positions(self, first: int, last: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of ``rights`` with positions in ``[first, last]``, by position. Raises ``Unavailable``."""
        return self._within({"position": (first, last)}, "position", columns)

    def rows_at(self, places: Mapping[int, npt.NDArray[np.int64]], columns: Sequence[str] | None = None) -> pa.Table:
        """The rows at ``places`` (partition → offsets), in no order; a place without a row gives none."""
        names = self.spec.schema.names if columns is None else list(columns)
        found = [self.read((), names)]
        for partition, offsets in places.items():
            if len(offsets):
                least, greatest = int(offsets.min()), int(offsets.max())
                paths = self.paths({"partition": (partition, partition), "offset": (least, greatest)})
                found.append(self.read(paths, names, at_offsets(partition, offsets)))
        return pa.concat_tables(found)

    def scan(self, columns: Sequence[str] | None = None, where: pc.Expression | None = None) -> pa.Table:
        """Rows in no order; ``where`` may name any column of the table. Raises ``Unavailable``."""
        return self.read(self.paths({}), columns, where)

    def _within(self, within: Mapping[str, tuple[int, int]], by: str, columns: Sequence[str] | None) -> pa.Table:
        names = self.spec.schema.names if columns is None else list(columns)
        bounds = [(pc.field(name) >= low) & (pc.field(name) <= high) for name, (low, high) in within.items()]
        rows = self.read(self.paths(within), names if by in names else [*names, by], reduce(and_, bounds))
        return rows.sort_by(by).select(names)

    def read_since(
        self, version: int, through: int, columns: Sequence[str] | None = None, dataset: str | None = None
    ) -> pa.Table:
        """Rows committed as versions ``(version, through]``, with ``_commit_version``, unordered.

        ``dataset`` leaves out the others. From the change data feed, in which compaction is invisible. ``through`` must
        be loaded. Raises ``Unavailable``, also when the log no longer reaches back to ``version + 1``.
        """
        names = self.spec.schema.names if columns is None else list(columns)
        schema = pa.schema([*(self.spec.schema.field(name) for name in names), pa.field(VERSION_COLUMN, pa.int64())])
        if through <= version:
            return schema.empty_table()
        with mapped(f"reading versions {version + 1} to {through} of {self.name}"):
            feed = self.delta.load_cdf(
                # deltalake pastes the names into SQL as they are, and ``partition`` is a word of SQL
                columns=[f'"{name}"' for name in (*names, "_change_type", VERSION_COLUMN)],
                predicate=None if dataset is None else f"dataset = {sql_text(dataset)}",
                starting_version=version + 1,
                ending_version=through,
            )
            rows = pa.table(feed.read_all())
            added = rows.select(schema.names).cast(schema)  # string_view, which filter and take refuse
            return added.filter(pc.equal(rows["_change_type"].cast(pa.string()), "insert"))


def at_offsets(partition: int, offsets: npt.NDArray[np.int64]) -> pc.Expression:
    """Rows at these offsets, each once. By their range pyarrow skips row groups, which it cannot by a set; where the
    range is full, the set is not asked.
    """
    offset, least, greatest = pc.field("offset"), int(offsets.min()), int(offsets.max())
    within = (pc.field("partition") == partition) & (offset >= least) & (offset <= greatest)
    return within if greatest - least + 1 == len(offsets) else within & offset.isin(pa.array(offsets))

"""A dataset table: whole files leave it and whole files enter it, in one commit that says how far it has folded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
from deltalake.transaction import RemoveAction

from gatekeeper.core.commits import Outcome, WrittenFile
from gatekeeper.core.layout import FOLD_APP
from gatekeeper.edges.delta_errors import mapped
from gatekeeper.edges.delta_files import add_action
from gatekeeper.edges.delta_table import Handle


class DatasetTable(Handle):
    """A loaded version of a dataset table."""

    @property
    def folded(self) -> int:
        """The version of ``decisions`` this table is the fold of."""
        return self.txn(FOLD_APP)

    def file_rows(self) -> dict[str, int]:
        """Its data files, each with its number of rows. Raises ``Unavailable``."""
        with mapped(f"reading the file list of {self.name}"):
            files = pa.table(self.delta.get_add_actions(flatten=True))
        return dict(zip(files["path"].to_pylist(), files["num_records"].to_pylist(), strict=True))

    def write(self, rows: pa.Table) -> WrittenFile:
        """Step 1 of 2: a data file nobody sees yet. Raises ``Unavailable``, ``Bug``."""
        self.step(f"{self.name}.write")
        with mapped(f"writing a data file of {self.name}"):
            return self.writer.write(rows)

    def replace(
        self, removed: Iterable[str], added: Sequence[WrittenFile], folded: int, metadata: Mapping[str, str]
    ) -> Outcome:
        """Step 2 of 2: the files ``removed`` leave, ``added`` enter, and the table is the fold through ``folded``.

        Sound only because a commit is refused on any version but the one loaded: deltalake would accept the removal of
        a file that is not there.
        """
        now_ms = self.writer.now_us() // 1000
        leaving = set(removed)
        sizes = self._sizes() if leaving else {}
        gone = [RemoveAction(path, True, now_ms, sizes[path], {}) for path in sorted(leaving)]
        return self._commit([*gone, *(add_action(file) for file in added)], {FOLD_APP: folded}, metadata)

    def vacuum(self, grace_hours: int) -> int:
        """Delete files that left the table longer ago. Files of commits under way are not touched: only what the log
        says was removed is looked at. How many. Raises ``Unavailable``.
        """
        self.refresh()
        with mapped(f"deleting old files of {self.name}"):
            gone = self.delta.vacuum(grace_hours, dry_run=False, enforce_retention_duration=False)
        self.refresh()
        return len(gone)

    def _sizes(self) -> dict[str, int]:
        with mapped(f"reading the file list of {self.name}"):
            files = pa.table(self.delta.get_add_actions(flatten=True))
        return dict(zip(files["path"].to_pylist(), files["size_bytes"].to_pylist(), strict=True))

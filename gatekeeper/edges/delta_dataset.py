"""A dataset table: whole files leave it and whole files enter it, in one commit that says how far it has folded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from gatekeeper.core.commits import Outcome, WrittenFile
from gatekeeper.core.layout import FOLD_APP
from gatekeeper.edges.delta_errors import mapped
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
        return self.written(rows)

    def replace(
        self, removed: Iterable[str], added: Sequence[WrittenFile], folded: int, metadata: Mapping[str, str]
    ) -> Outcome:
        """Step 2 of 2: the files ``removed`` leave, ``added`` enter, and the table is the fold through ``folded``."""
        return self.exchange(removed, added, {FOLD_APP: folded}, metadata)

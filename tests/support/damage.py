"""A good lake, to be damaged by hand: what the oracle must notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from tests.support.lake_log import Row, rows_now, versions
from tests.support.oracle import check
from tests.support.replayed import Replayed
from tests.support.truth import Truth


@dataclass
class Case:
    """A lake that may be damaged, and what is true of it."""

    lake: Path
    truth: Truth
    replay: Replayed

    def violations(self) -> list[str]:
        return check(self.lake, self.truth, self.replay)

    def rows(self, table: str, **having: Any) -> list[Row]:
        return [r for r in rows_now(self.lake / table) if all(r[name] == value for name, value in having.items())]

    def append(self, table: str, row: Row, txns: dict[str, int] | None = None, **changed: Any) -> None:
        delta = DeltaTable(str(self.lake / table))
        rows = pa.Table.from_pylist([{**row, **changed}], schema=pa.schema(delta.schema().to_arrow()))
        transactions = [Transaction(app, version) for app, version in (txns or {}).items()]
        properties = CommitProperties(app_transactions=transactions)
        write_deltalake(delta, rows, mode="append", commit_properties=properties)
        if not table.startswith("datasets"):
            self._folded()

    def delete(self, table: str, where: str) -> None:
        DeltaTable(str(self.lake / table)).delete(where)

    def last_txn(self, table: str) -> tuple[str, int]:
        return [item for version in versions(self.lake / table) for item in version.txns.items()][-1]

    def _folded(self) -> None:
        """The datasets claim to have folded what was appended: only the damage itself is to be seen."""
        newest = [v.number for v in versions(self.lake / "decisions")][-1]
        for name in self.truth.declared:
            delta = DeltaTable(str(self.lake / "datasets" / name))
            properties = CommitProperties(app_transactions=[Transaction("decisions", newest)])
            write_deltalake(
                delta, pa.schema(delta.schema().to_arrow()).empty_table(), mode="append", commit_properties=properties
            )

"""The demo's decisions by somebody else: SQL over the raw lines of the logs, run by DuckDB (``verdicts.sql``)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

SQL = Path(__file__).with_name("verdicts.sql")
USES = {
    "recommendation": "service.recommendation",
    "analytical-training": "training.analytical",
    "voice-replication": "training.generative.replication",
}
HANDLED = {
    *("rights.terms.published", "rights.consent.granted", "rights.consent.withdrawn", "rights.agreement.signed"),
    *("rights.agreement.terminated", "rights.claim.opened", "rights.claim.resolved"),
    *("policy.activated", "dataset.declared"),
}
"""Rights events the SQL knows; with any other on the log its answer would mean nothing."""

Verdicts = dict[tuple[str, str], tuple[str, str]]
"""(dataset, asset) → (verdict, reason)."""


class Oracle:
    """What must have been decided on a workspace's logs at an instant."""

    def __init__(self, workspace: Path, now: datetime) -> None:
        self._db = duckdb.connect()
        self._db.execute("set timezone = 'UTC'; set threads = 2")
        for name in ("content", "rights"):
            self._db.register(f"{name}_lines", _lines(workspace / "log" / f"{name}.jsonl"))
        uses = pa.table({"dataset": list(USES), "purpose": list(USES.values())})
        self._db.register("uses", uses)
        for statement in duckdb.extract_statements(SQL.read_text()):
            named = {"now": now} if "now" in statement.named_parameters else None
            self._db.execute(statement, named)
        types = {row[0] for row in self._db.execute("select distinct type from rights").fetchall()}
        assert types <= HANDLED, f"the SQL knows nothing of {types - HANDLED}"

    @property
    def verdicts(self) -> Verdicts:
        rows = self._db.execute("select dataset, asset, verdict, reason from verdicts").fetchall()
        return {(dataset, asset): (verdict, reason) for dataset, asset, verdict, reason in rows}

    @property
    def counts(self) -> Counter[tuple[str, str, str]]:
        """Assets per (dataset, verdict, reason)."""
        return Counter((dataset, *said) for (dataset, _), said in self.verdicts.items())

    @property
    def copies(self) -> list[tuple[str, str]]:
        """(asset, another asset that has the same ISRC or content hash)."""
        shared = "mine.subject like 'isrc:%' or mine.subject like 'sha256:%'"
        pairs = f"from subjects mine join subjects other using (subject) where mine.asset <> other.asset and ({shared})"
        return self._db.execute(f"select distinct mine.asset, other.asset {pairs}").fetchall()

    @property
    def events(self) -> int:
        return int(self._db.execute("select count(*) from events").fetchall()[0][0])

    @property
    def dead(self) -> list[int]:
        """Offsets of content lines that are no events."""
        return [row[0] for row in self._db.execute("select position from dead order by 1").fetchall()]


def _lines(path: Path) -> pa.Table:
    lines = path.read_text().splitlines()
    return pa.table({"position": list(range(len(lines))), "line": lines})

"""Running ``gatekeeper demo`` as people do, and reading what it left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from deltalake import DeltaTable

from tests.e2e.sql_oracle import USES, Oracle, Verdicts

ROOT = Path(__file__).resolve().parents[2]


def gatekeeper(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    program = [sys.executable, "-c", "from gatekeeper.cli import main; main()"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([*program, *arguments], capture_output=True, text=True, env=env, check=False)


@dataclass(frozen=True)
class Demo:
    """One run with ``--json``: its answer, its workspace, and the oracle on the same logs."""

    workspace: Path
    answer: dict[str, Any]
    oracle: Oracle

    @property
    def counts(self) -> Counter[tuple[str, str, str]]:
        """What the demo showed, as (dataset, verdict, reason) → assets."""
        return Counter(
            {
                (dataset, verdict, reason): count
                for dataset, verdicts in self.answer["datasets"].items()
                for verdict, reasons in verdicts.items()
                for reason, count in reasons.items()
            }
        )

    def table(self, name: str) -> list[dict[str, Any]]:
        return DeltaTable(str(self.workspace / "lake" / name)).to_pyarrow_table().to_pylist()

    def last_decisions(self) -> Verdicts:
        """By offset: one gate worker and no sweep, so commit order is offset order."""
        decisions = sorted(self.table("decisions"), key=lambda row: row["offset"])
        return {(row["dataset"], row["asset_id"]): (row["verdict"], row["reason"]) for row in decisions}

    def rows(self, dataset: str) -> set[str]:
        table = DeltaTable(str(self.workspace / "lake" / "datasets" / dataset)).to_pyarrow_table()
        assert len(table) == pc.count_distinct(table["asset_id"]).as_py(), f"{dataset} holds an asset twice"
        return set(table["asset_id"].to_pylist())


def run_demo(folder: Path, *arguments: str) -> Demo:
    workspace = folder / "demo"
    ran = gatekeeper("demo", str(workspace), "--json", *arguments)
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout.splitlines()[-1])
    return Demo(workspace, answer, Oracle(workspace, datetime.now(UTC)))


def check_against_oracle(demo: Demo) -> None:
    """Counts shown, last decisions, dataset rows, dead letters and the number of decisions: all as the SQL says."""
    oracle = demo.oracle
    assert demo.last_decisions() == oracle.verdicts
    assert demo.counts == oracle.counts
    for dataset in USES:
        permitted = {a for (d, a), (verdict, _) in oracle.verdicts.items() if (d, verdict) == (dataset, "permit")}
        assert demo.rows(dataset) == permitted, dataset
    assert sorted(row["offset"] for row in demo.table("dead_letters")) == oracle.dead
    decided = Counter((row["offset"], row["dataset"]) for row in demo.table("decisions"))
    assert set(decided.values()) == {1}
    assert len(decided) == oracle.events * len(USES)

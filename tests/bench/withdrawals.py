"""Row: withdrawal acknowledged → first committed denial, while the gate works through the stream at full speed.

Accounts withdraw one after another; each owns assets all over the stream, so the next batch decided after the barrier
holds some of it. What counts is the time of the log entry of ``decisions``, not of the decision.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.bench.broker_topics import Topics
from tests.bench.gate_oracle import Void
from tests.bench.gate_side import ALL, new_workspace, warm_worker
from tests.bench.rows import Row, quantile
from tests.bench.stream import ACCOUNTS, number_of

DATASET = "recommendation"
_COLUMNS = ["dataset", "asset_id", "verdict", "reason", "rights_position"]


@dataclass
class Waits:
    """``waits_s`` of the withdrawals whose account came again in the stream; ``unmet`` counts the others."""

    waits_s: list[float] = field(default_factory=list)
    unmet: int = 0
    late_permits: int = 0
    """Permits decided at a rights state that holds the withdrawal, or committed after its first denial: must be 0."""


@dataclass(frozen=True)
class _Version:
    """One commit of decisions for the dataset: accounts, whether permitted, whether denied as withdrawn."""

    at_s: float
    accounts: np.ndarray
    permits: np.ndarray
    withdrawn: np.ndarray
    position: np.ndarray


def withdrawal_row(topics: Topics, runs: int, say: Callable[[str], None]) -> Row:
    """Comes after the runs whose decisions must be the same: it changes the rights state for good."""
    found = Waits()
    for run in range(runs):
        opened = new_workspace(topics, topics.folder / f"withdrawals-{run}")
        share = ACCOUNTS // runs
        with warm_worker(opened, drain=True) as worker, _withdrawing(topics, run * share, share) as told:
            worker.run(ALL)
        measured(opened.workspace.lake / "decisions", told, found)
        say(f"withdrawals, run {run + 1}: {len(found.waits_s)} so far, {found.unmet} too late to be met")
    if found.late_permits:
        raise Void(f"{found.late_permits} permits after the barrier")
    if not found.waits_s:
        raise Void("no withdrawal met content of its account: too few events")
    p50, p99, longest = (1000 * quantile(found.waits_s, share) for share in (0.5, 0.99, 1.0))
    return Row(
        what="in that same kind of run: withdrawal acknowledged → first committed denial",
        ours=f"p50 {p50:,.0f} ms, p99 {p99:,.0f} ms, longest {longest:,.0f} ms",
        against="permits after the barrier",
        theirs=str(found.late_permits),
        ratio=None,
        target="p99 ≤ 1 s; 0 permits",
        sizes=f"{len(found.waits_s)} withdrawals in {runs} runs of {topics.events:,} events",
        detail={"waits_ms": [round(1000 * w, 1) for w in found.waits_s], "unmet": found.unmet},
    )


@contextmanager
def _withdrawing(topics: Topics, first: int, count: int) -> Iterator[list[dict[str, Any]]]:
    """Meanwhile accounts withdraw; the list holds their acknowledgements at the end."""
    command = [sys.executable, "-m", "tests.bench.withdrawer", topics.servers, str(first), str(count)]
    told: list[dict[str, Any]] = []
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["ready"]
        yield told
    finally:
        process.stdin.close()
        told += map(json.loads, process.stdout)
        process.wait()


def measured(decisions: Path, told: Iterable[dict[str, Any]], found: Waits) -> None:
    """Adds what the log of ``decisions`` says about these acknowledgements."""
    versions = [version for entry in sorted((decisions / "_delta_log").glob("*.json")) for version in _read(entry)]
    for withdrawal in told:
        _one(withdrawal, versions, found)


def _one(withdrawal: dict[str, Any], versions: list[_Version], found: Waits) -> None:
    denied_at_s = None
    for version in versions:
        rows = np.flatnonzero(version.accounts == withdrawal["account"])
        permits = version.permits[rows]
        known = version.position[rows] > withdrawal["offset"]
        found.late_permits += int((permits & (known | (denied_at_s is not None))).sum())
        if denied_at_s is None and version.withdrawn[rows].any():
            denied_at_s = version.at_s
    if denied_at_s is None:
        found.unmet += 1
    else:
        found.waits_s.append(max(0.0, denied_at_s - withdrawal["acknowledged_s"]))


def _read(entry: Path) -> Iterator[_Version]:
    actions = [json.loads(line) for line in entry.read_text().splitlines()]
    paths = [action["add"]["path"] for action in actions if "add" in action]
    for path in paths:
        rows = pq.read_table(entry.parents[1] / path, columns=_COLUMNS)
        rows = rows.filter(pc.equal(rows["dataset"], DATASET))
        yield _version(rows, entry.stat().st_mtime)


def _version(rows: pa.Table, at_s: float) -> _Version:
    numbers = np.array([number_of(asset) for asset in rows["asset_id"].to_pylist()], np.int64)
    return _Version(
        at_s,
        numbers % ACCOUNTS,
        pc.equal(rows["verdict"], "permit").to_numpy(),
        pc.equal(rows["reason"], "consent.withdrawn").to_numpy(),
        rows["rights_position"].to_numpy(),
    )

"""Row: gate end to end against the bare pipeline, and (beside it) how soon a withdrawal shows."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pyarrow as pa

from tests.bench.bare_side import check_bare, run_bare
from tests.bench.broker_topics import Topics
from tests.bench.gate_oracle import Oracle
from tests.bench.gate_side import new_workspace, run_gate
from tests.bench.rows import Row, median

BARE_ROWS = 100_000
"""The bare pipeline takes larger batches than the gate does by default: it owes nobody a prompt no."""


def gate_row(topics: Topics, runs: int, say: Callable[[str], None]) -> Row:
    """Both sides ``runs`` times in turn, each from a warm start: connected, rights read, tables made."""
    pa.set_memory_pool(pa.system_memory_pool())  # as a worker does; the bare side gains by it, too
    oracle, gate_s, bare_s, reasons = Oracle(topics.events), [], [], {}
    for run in range(runs):
        root = topics.folder / f"run-{run}"
        bare_s.append(run_bare(topics, root / "bare", BARE_ROWS))
        check_bare(topics, root / "bare")
        opened = new_workspace(topics, root / "gate")
        gate_s.append(run_gate(opened))
        reasons = oracle.check(opened)
        say(f"run {run + 1}: bare {topics.events / bare_s[-1]:,.0f}/s, gate {topics.events / gate_s[-1]:,.0f}/s")
        shutil.rmtree(root)
    gate, bare = topics.events / median(gate_s), topics.events / median(bare_s)
    return Row(
        what="gate: Kafka → decisions + 3 datasets committed, 5 % updates and removals",
        ours=f"{gate:,.0f} events/s",
        against="same consumer, fetch and write overlapped, one Delta table, no checks",
        theirs=f"{bare:,.0f} events/s",
        ratio=median([b / g for b, g in zip(bare_s, gate_s, strict=True)]),
        target="≥ 0.7 (dream 0.9)",
        sizes=f"{topics.events:,} events of {topics.bytes_per_event} bytes, {topics.rights:,} rights events, "
        f"{topics.hit_share:.0%} of look-ups hit, {runs} runs",
        detail={"gate_s": gate_s, "bare_s": bare_s, "reasons": reasons, "bare_rows": BARE_ROWS},
    )

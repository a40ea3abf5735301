"""Rows: decisions per second against a DuckDB join, and what a rights snapshot costs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from gatekeeper.core.contracts import contracts_of
from gatekeeper.core.events import read_rights_event
from gatekeeper.core.kernel import Decided, decide
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.edges.shipped import read_schemas
from gatekeeper.edges.snapshots import open_snapshot, save_snapshot
from tests.bench import bench_kernel
from tests.bench.duckdb_side import decide_in_duckdb, open_duckdb
from tests.bench.gate_oracle import Void
from tests.bench.rows import Row, median
from tests.bench.stream import rights_events
from tests.core.comparing import world_policy

ANSWER = ("verdict", "reason", "holder", "evidence")


def subjects_rows(subjects: int, assets: int, runs: int, say: Callable[[str], None]) -> list[Row]:
    """Both sides on one rights state of so many subjects; every answer of DuckDB is compared with the kernel's."""
    rng = np.random.default_rng(bench_kernel.SEED)
    snapshot = bench_kernel.synthetic_snapshot(subjects, world_policy(), rng)
    batch = bench_kernel.catalogue(assets, subjects, rng)
    hits = bench_kernel._hit_share(batch, snapshot)
    if hits < 0.5:
        raise Void(f"only {hits:.0%} of the look-ups hit")
    say(f"a rights state of {subjects:,} subjects and {assets:,} assets")
    sizes = f"{subjects:,} subjects, {assets:,} assets with 3 interests, 3 uses, {hits:.0%} hits, {runs} runs, one core"
    rate = _against_duckdb(snapshot, batch, runs, sizes, say)
    return [rate, _snapshot_row(snapshot, subjects, runs, say)]


def _against_duckdb(
    snapshot: Snapshot, batch: pa.RecordBatch, runs: int, sizes: str, say: Callable[[str], None]
) -> Row:
    connection = open_duckdb(snapshot, batch)
    say("DuckDB holds the same statements")
    kernel_s, duckdb_s, cores = [], [], pa.cpu_count()
    pa.set_cpu_count(1)
    for run in range(runs + 1):
        started = time.perf_counter()
        ours = decide(batch, snapshot)
        between = time.perf_counter()
        theirs = decide_in_duckdb(connection, snapshot)
        ended = time.perf_counter()
        if run == 0:
            check_same(ours, theirs)
            continue
        kernel_s.append(between - started)
        duckdb_s.append(ended - between)
        say(f"run {run}: kernel {kernel_s[-1]:.2f} s, DuckDB {duckdb_s[-1]:.2f} s")
    connection.close()
    pa.set_cpu_count(cores)
    decisions = batch.num_rows * len(snapshot.uses)
    return Row(
        what="decisions: strings in → verdicts and evidence out",
        ours=f"{decisions / median(kernel_s):,.0f} decisions/s/core",
        against="DuckDB join, one thread, same answers",
        theirs=f"{decisions / median(duckdb_s):,.0f} decisions/s/core",
        ratio=median([d / k for k, d in zip(kernel_s, duckdb_s, strict=True)]),
        target="≥ 2,000,000/s/core",
        sizes=sizes,
        detail={"kernel_s": kernel_s, "duckdb_s": duckdb_s},
    )


def check_same(ours: Mapping[str, Decided], theirs: Mapping[str, pa.Table]) -> None:
    """Raises ``Void`` at the first answer that differs."""
    for name, answers in ours.items():
        for column in ANSWER:
            mine, other = getattr(answers, column).cast(pa.string()), theirs[name][column].combine_chunks()
            if mine.to_pylist() != other.to_pylist():
                rows = zip(mine.to_pylist(), other.to_pylist(), strict=True)
                wrong = [(i, *pair) for i, pair in enumerate(rows) if pair[0] != pair[1]]
                raise Void(f"{name}.{column}: {len(wrong)} answers differ, such as {wrong[:3]}")


def _snapshot_row(snapshot: Snapshot, subjects: int, runs: int, say: Callable[[str], None]) -> Row:
    hot = bench_kernel.hot_bytes(snapshot.levels[0]) / subjects
    with tempfile.TemporaryDirectory() as scratch:
        save_snapshot(snapshot, Path(scratch) / "large")
        large_s = [_mapping_s(Path(scratch) / "large", snapshot) for _ in range(runs)]
        mapped_s, compiled_s, events = _mapped_and_compiled(Path(scratch), min(subjects, 50_000), runs, say)
    compiled, mapped = median(compiled_s), median(mapped_s)
    return Row(
        what="rights snapshot: bytes per subject of the hot arrays; start by mapping",
        ours=f"{hot:.1f} bytes, {1000 * median(large_s):.1f} ms for {subjects:,} subjects; "
        f"{1000 * mapped:.1f} ms for {events:,} events",
        against=f"compiling the same {events:,} events",
        theirs=f"{compiled:.2f} s ({events / compiled:,.0f} events/s)",
        ratio=compiled / mapped,
        target="≤ 24 bytes per subject; by mapping",
        sizes=f"{subjects:,} subjects; full keys and cold columns apart, {runs} runs",
        detail={"hot_bytes_per_subject": hot, "large_s": large_s, "mapped_s": mapped_s, "compiled_s": compiled_s},
    )


def _mapping_s(folder: Path, snapshot: Snapshot) -> float:
    started = time.perf_counter()
    open_snapshot(folder, snapshot.policy, snapshot.uses)
    return time.perf_counter() - started


def _mapped_and_compiled(
    scratch: Path, assets: int, runs: int, say: Callable[[str], None]
) -> tuple[list[float], list[float], int]:
    """One rights log: read and compiled, and mapped. Reading the bytes is part of compiling: nobody can skip it."""
    values, policy, check = list(rights_events(assets)), world_policy(), contracts_of(read_schemas()).check_rights
    mapped_s, compiled_s = [], []
    for _ in range(runs):
        started = time.perf_counter()
        events = (read_rights_event(i, v, bench_kernel.NOW_US, policy.purposes, check) for i, v in enumerate(values))
        compiled = Snapshot.compile(events, len(values), policy, bench_kernel.USES, bench_kernel.NOW_US, seed=1)
        compiled_s.append(time.perf_counter() - started)
        save_snapshot(compiled, scratch / "compiled")
        mapped_s.append(_mapping_s(scratch / "compiled", compiled))
        say(f"compiled {len(values):,} events in {compiled_s[-1]:.1f} s, mapped in {1000 * mapped_s[-1]:.1f} ms")
    return mapped_s, compiled_s, len(values)

"""One build, checked, approved and published by a process of its own, which says how long each step took and how much
memory it held: ``python -m tests.bench.release_side WORKSPACE DATASET VERSION``. The last line is one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

import gatekeeper.edges.data_docs
import gatekeeper.edges.expectations
import gatekeeper.edges.sorted_rows  # noqa: F401 - the time to import them is not measured
from gatekeeper.config import read_workspace
from gatekeeper.wiring import OpenWorkspace, releasing, system_clock_us
from gatekeeper.wiring.building import BuildOptions, build
from gatekeeper.wiring.checking import check

READS = 3
_STATUS, _FORGET_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass
class Steps:
    """Seconds, and the peak of resident memory in MiB while each step ran (None where the system does not tell)."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak_mib: dict[str, float | None] = field(default_factory=dict)
    reads: list[float] = field(default_factory=list)

    def run(self, name: str, do: Callable[[], object]) -> None:
        if _FORGET_PEAK.exists():
            _FORGET_PEAK.write_text("5")
        started = time.perf_counter()
        do()
        self.seconds[name] = time.perf_counter() - started
        self.peak_mib[name] = peak_resident_mib()


def peak_resident_mib() -> float | None:
    """VmHWM of proc(5)."""
    lines = _STATUS.read_text().splitlines() if _STATUS.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), None)


def released(root: Path, dataset: str, version: str) -> Steps:
    """Raises what the steps raise, and ``SystemExit`` where the quality gate says no."""
    opened, name, steps = OpenWorkspace(read_workspace(root), system_clock_us), f"{dataset}@{version}", Steps()
    steps.run("build", lambda: build(opened, dataset, BuildOptions(version=version)))
    steps.run("check", lambda: _passed(opened, name))
    releasing.approve(opened, name, approved=True, by="bench", because="it is a benchmark")
    steps.run("publish", lambda: releasing.publish(opened, name))
    parts = sorted((root / "releases" / dataset / version).rglob("*.parquet"))
    for _ in range(READS):
        started = time.perf_counter()
        for part in parts:
            pq.read_table(part)
        steps.reads.append(time.perf_counter() - started)
    return steps


def _passed(opened: OpenWorkspace, name: str) -> None:
    results = check(opened, name)
    if not results.passed:
        raise SystemExit(f"blocked: {[(met.name, met.offending_count) for met in results.failed]}")


if __name__ == "__main__":
    print(json.dumps(asdict(released(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))))

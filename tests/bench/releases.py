"""Row: a dataset of many rows built, checked and published, against reading the release's Parquet once.

The dataset is filled by a real gate; then one party in a hundred withdraws, so that the build has rows to refuse. Each
run is a process of its own (``release_side``): its seconds do not hold imports, its peak memory holds nothing else.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gatekeeper.wiring import OpenWorkspace
from gatekeeper.wiring.maintaining import maintain
from tests.bench.gate_oracle import Void
from tests.bench.rows import Row, median
from tests.bench.sweep_lake import Cast, append, arrive, asset_ids, decide_arrived, new_lake, withdrawals

DATASET = "analytical-training"
PIECE_ASSETS = 1_000_000
"""A gate holds in memory what it finds undecided."""
STEPS = ("build", "check", "publish")
ROOT = Path(__file__).resolve().parents[2]
Say = Callable[[str], None]


def release_row(rows: int, runs: int, say: Say) -> Row:
    """``rows`` in the dataset's table; ``runs`` builds, each published as another version."""
    folder = Path(tempfile.mkdtemp(prefix="gatekeeper-bench-"))
    try:
        opened = new_lake(folder / "ws")
        permitted = filled(opened, Cast(rows), say)
        return _row(rows, [run_once(opened, run, permitted, say) for run in range(runs)], len(permitted))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def filled(opened: OpenWorkspace, cast: Cast, say: Say) -> pa.Array:
    """A row for every asset in ``DATASET``, then withdrawals and no sweep → ids of the assets still permitted."""
    for start in range(0, cast.assets, PIECE_ASSETS):
        end = min(start + PIECE_ASSETS, cast.assets)
        arrive(opened, cast, start, end)
        decide_arrived(opened)
        say(f"{end:,} assets decided")
    maintain(opened, 24, lambda _table: None)
    gone = max(1, cast.parties // 100)
    append(opened, withdrawals([f"publisher-{number}" for number in range(gone)]))
    numbers = np.arange(cast.assets, dtype=np.uint64)
    return asset_ids(numbers[cast.publishers(numbers) >= gone])


def check_release(release: Path, permitted: pa.Array) -> None:
    """Raises ``Void`` unless the release holds exactly the permitted assets, in order, in the files of its manifest."""
    manifest = json.loads((release / "manifest.json").read_bytes())
    listed = {file["path"]: file["sha256"].removeprefix("sha256:") for file in manifest["files"]}
    for path, sha256 in listed.items():
        with (release / path).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise Void(f"{path} is not what the manifest says")
    parts = sorted(path for path in listed if path.endswith(".parquet"))
    if parts != sorted(str(path.relative_to(release)) for path in release.rglob("*.parquet")):
        raise Void("the parts are not those of the manifest")
    ids = [pq.read_table(release / path, columns=["asset_id"])["asset_id"].cast(pa.string()) for path in parts]
    found = pa.chunked_array([chunk for column in ids for chunk in column.chunks], pa.string())
    if not found.equals(pa.chunked_array([permitted.take(pc.sort_indices(permitted))])):
        raise Void(f"{len(found):,} rows in the release, {len(permitted):,} are permitted, or they are others")


def run_once(opened: OpenWorkspace, number: int, permitted: pa.Array, say: Say) -> dict[str, Any]:
    """What ``release_side`` says of one release. Raises ``Void`` where it is not the right one."""
    root, version = opened.workspace.root, f"run-{number}"
    side = [sys.executable, "-m", "tests.bench.release_side", str(root), DATASET, version]
    ran = subprocess.run(side, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if ran.returncode:
        raise Void(f"a release failed with exit code {ran.returncode}")
    check_release(root / "releases" / DATASET / version, permitted)
    said: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    say(f"{version}: " + ", ".join(f"{step} {said['seconds'][step]:.1f} s" for step in STEPS))
    return said


def _row(rows: int, runs: Sequence[dict[str, Any]], permitted: int) -> Row:
    seconds = {step: median([run["seconds"][step] for run in runs]) for step in STEPS}
    ours = median([sum(run["seconds"].values()) for run in runs])
    read = median([one for run in runs for one in run["reads"]])
    steps = ", ".join(f"{step} {seconds[step]:.1f} s ({_peak(runs, step)})" for step in STEPS)
    return Row(
        what="build + check + publish of a release, after imports",
        ours=f"{ours:.1f} s: {steps}",
        against="reading the release's Parquet once, all columns (pyarrow)",
        theirs=f"{read:.2f} s",
        ratio=ours / read,
        target="≤ 60 ×",
        sizes=f"{rows:,} rows in the dataset, {permitted:,} in the release, {len(runs)} runs",
        detail={"runs": list(runs)},
    )


def _peak(runs: Sequence[dict[str, Any]], step: str) -> str:
    """Of all runs the greatest, because memory is what must be there."""
    known = [run["peak_mib"][step] for run in runs if run["peak_mib"][step] is not None]
    return f"at most {max(known):,.0f} MiB resident" if known else "memory unknown"

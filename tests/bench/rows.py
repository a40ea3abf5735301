"""A benchmark's row, the machine it ran on, and both on paper: a table for people, JSON for later."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

PACKAGES = ("gatekeeper", "pyarrow", "numpy", "deltalake", "kafka-python", "duckdb", "orjson")


@dataclass(frozen=True)
class Row:
    """One line of design section 9. ``ratio`` is ours over theirs, None without another side."""

    what: str
    ours: str
    against: str
    theirs: str
    ratio: float | None
    target: str
    sizes: str
    detail: dict[str, Any] = field(default_factory=dict)


def skipped(what: str, against: str, why: str) -> Row:
    return Row(what, "–", against, f"skipped: {why}", None, "–", "–")


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def machine() -> dict[str, Any]:
    """Cores, memory, versions, and how busy the machine was: a loaded one gives no numbers to quote."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_1min": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "java": _java(),
        **{name: found for name in PACKAGES if (found := _version(name))},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _java() -> str:
    try:
        ran = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return "none"
    return ran.stderr.splitlines()[0] if ran.stderr else "unknown"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def show(rows: Iterable[Row], where: dict[str, Any], console: Console) -> None:
    table = Table(show_lines=True)
    for title in ("what", "gatekeeper", "against", "other side", "ratio", "target", "sizes"):
        table.add_column(title, overflow="fold")
    for row in rows:
        ratio = "–" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(row.what, row.ours, row.against, row.theirs, ratio, row.target, row.sizes)
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in where.items()), style="dim", highlight=False)


def save(rows: Iterable[Row], where: dict[str, Any], folder: Path) -> Path:
    """Written as ``<folder>/<instant>.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{where['at'].replace(':', '')}.json"
    path.write_text(json.dumps({"machine": where, "rows": [asdict(row) for row in rows]}, indent=2) + "\n")
    return path

"""A process of its own that works on a lake, and may kill itself at a step: ``python -m tests.support.delta_process``.

Arguments: root, what to do (``append``, ``race``, ``fold``), the step to die at (``-`` for none), a number.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from gatekeeper.core.commits import BATCH_KEY, Committed
from gatekeeper.core.fold import FoldLimits
from gatekeeper.edges.delta import Lake
from gatekeeper.stages.fold import Folder
from gatekeeper.stages.fold_reading import ReadBack
from tests.support.lake_rows import content, decisions

APP = "content/c/t/0"


def clock_us() -> int:
    return time.time_ns() // 1000


def folder(lake: Lake, limits: FoldLimits, now_us: object = clock_us, dataset: str = "d") -> Folder:
    """A folder with handles of its own."""
    read_back = ReadBack(dataset, lake.open("decisions"), lake.open("catalog"), limits.read_rows_max)
    return Folder(lake.dataset(dataset), read_back, limits, now_us)  # type: ignore[arg-type]


def race(lake: Lake, count: int) -> None:
    """Take the next ``count`` offsets of one partition, one commit each, against whoever else does the same."""
    table = lake.open("decisions")
    while (base := table.txn(APP)) < count - 1:
        events = content([f"a{base + 1}"], [(0, base + 1)])
        table.append(decisions(events, [True]), {APP: base + 1}, {BATCH_KEY: f"{os.getpid()}-{base + 1}"})
        table.refresh()


def append(lake: Lake, offset: int) -> None:
    """One event."""
    outcome = lake.open("catalog").append(content(["a"], [(0, offset)]), {APP: offset}, {BATCH_KEY: "mine"})
    assert isinstance(outcome, Committed)


def main(root: str, what: str, die_at: str, number: str) -> None:
    def step(name: str) -> None:
        if name == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    lake = Lake(root, step=step)
    print("ready", flush=True)
    sys.stdin.readline()
    match what:
        case "append":
            append(lake, int(number))
        case "race":
            race(lake, int(number))
        case "fold":
            folder(lake, FoldLimits(file_rows_max=8)).catch_up()


if __name__ == "__main__":
    main(*sys.argv[1:])

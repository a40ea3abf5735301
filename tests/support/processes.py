"""Starting the processes of ``delta_process`` together, and waiting for how they end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run_together(root: Path, *jobs: tuple[str, str, int]) -> list[int]:
    """(what, step to die at, number) of each process → return codes. All begin when the last one is ready."""
    command = [sys.executable, "-m", "tests.support.delta_process", str(root)]
    started = [
        subprocess.Popen(
            [*command, what, die_at, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for what, die_at, number in jobs
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.wait(timeout=60) for process in started]

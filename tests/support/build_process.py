"""A build in a process of its own that kills itself at a step: ``python -m tests.support.build_process``.

Arguments: workspace, dataset, version, the step to die at.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from gatekeeper.core.times import parse_instant
from gatekeeper.wiring import open_workspace, system_clock_us
from gatekeeper.wiring.building import BuildOptions, build

AT = "2030-01-01T00:00:00Z"
"""Every build of a crash test decides at one instant, so that its bytes can be compared."""


def main(root: str, dataset: str, version: str, die_at: str) -> None:
    def step(name: str) -> None:
        if name == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    opened = open_workspace(Path(root), Path.cwd(), system_clock_us)
    build(opened, dataset, BuildOptions(version=version, at_us=parse_instant(AT), step=step))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A publication in a process of its own that kills itself at a step: ``python -m tests.support.publish_process``.

Arguments: workspace, build, the step to die at (``wait:STEP``: there it waits for a line on standard input), how often
the step is passed before, the time.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from gatekeeper.core.times import parse_instant
from gatekeeper.errors import GatekeeperError
from gatekeeper.wiring import open_workspace
from gatekeeper.wiring.releasing import publish


def main(root: str, build: str, at: str, passed: str, now: str) -> int:
    left, counting = [int(passed)], threading.Lock()

    def step(name: str) -> None:
        if name != at.removeprefix("wait:"):
            return
        with counting:
            left[0] -= 1
            if left[0] >= 0:
                return
            if at.startswith("wait:"):
                print("here", flush=True)
                sys.stdin.readline()
            else:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        done = publish(open_workspace(Path(root), Path(root), lambda: parse_instant(now)), build, step)
    except GatekeeperError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    print("already published" if done.already else "published")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

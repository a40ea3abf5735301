"""One gate per embedded workspace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper.edges.workspace_lock import WorkspaceLock
from gatekeeper.errors import Unavailable
from tests.support.broker import ROOT

HOLD = (
    "import sys; from pathlib import Path; from gatekeeper.edges.workspace_lock import WorkspaceLock\n"
    "with WorkspaceLock(Path(sys.argv[1])):\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


def test_a_second_gate_is_refused_and_told_who_is_there(tmp_path: Path) -> None:
    """The message names the process, so that a person can look at it."""
    path = tmp_path / "gate.lock"
    with WorkspaceLock(path), pytest.raises(Unavailable, match=f"process {os.getpid()}"), WorkspaceLock(path):
        raise AssertionError("two gates in one workspace")
    with WorkspaceLock(path):
        pass


def test_a_killed_gate_leaves_the_workspace_free(tmp_path: Path) -> None:
    """The kernel frees the lock: nobody has to remove a file."""
    path = tmp_path / "gate.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(Unavailable, match=f"process {holder.pid}"), WorkspaceLock(path):
        raise AssertionError("two gates in one workspace")
    holder.kill()
    holder.communicate()
    with WorkspaceLock(path):
        assert path.read_text() == f"{os.getpid()}\n"

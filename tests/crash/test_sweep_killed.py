"""A sweep killed at every numbered step, and sweeps beside running gates, in processes of their own (P3).

What must be true in the end is the gates' oracle, plus: nothing a sweep said stands twice, a full sweep finds nothing
left to say, and the rows are the assets permitted now.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from gatekeeper.config import read_workspace
from gatekeeper.errors import GatekeeperError
from gatekeeper.stages.sweep import committing, sweeping
from gatekeeper.wiring import OpenWorkspace, system_clock_us
from gatekeeper.wiring.gate import GateOptions
from gatekeeper.wiring.sweeping import SweepOptions, SweptWorkspace, sweep
from tests.crash.conftest import STEPS, rounds
from tests.support.gate_world import FileWorld
from tests.support.lake_log import Row, versions

pytestmark = pytest.mark.crash

TRIES_MAX = 5
TABLES = ("rights", "decisions", "datasets/recommendation")
ENDS_WITHIN_S = 60.0
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.support.gate_preload", "gatekeeper.wiring.sweeping"])


@dataclass(frozen=True)
class Plan:
    """A sweep that kills itself at the n-th call of a step; commits of a few decisions, so that there are several."""

    workspace: Path
    stop_at: str = ""
    on_call: int = 1
    commit_rows_max: int = 20


def swept(
    root: Path,
    step: Callable[[str], None] = lambda _name: None,
    everything: str | None = None,
    clock_us: Callable[[], int] = system_clock_us,
) -> SweptWorkspace:
    opened = OpenWorkspace(read_workspace(root), clock_us)
    return sweep(opened, SweepOptions(everything, gate=GateOptions(step=step)))


def _main(plan: Plan) -> None:
    committing.COMMIT_ROWS_MAX, sweeping.BLOCK_ROWS = plan.commit_rows_max, 10
    calls = 0

    def step(name: str) -> None:
        nonlocal calls
        calls += name == plan.stop_at
        if name == plan.stop_at and calls == plan.on_call:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        swept(plan.workspace, step)
    except GatekeeperError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


class Sweeper:
    """A sweep in a process of its own."""

    def __init__(self, plan: Plan) -> None:
        self._process: ForkServerProcess = _CONTEXT.Process(target=_main, args=(plan,), daemon=True)
        self._process.start()

    def wait(self) -> int:
        """The exit code, negative for a signal. Raises where it does not end."""
        self._process.join(ENDS_WITHIN_S)
        if self._process.exitcode is None:
            self._process.kill()
            raise AssertionError(f"the sweep did not end within {ENDS_WITHIN_S:g} s")
        return self._process.exitcode


def problems(world: FileWorld) -> list[str]:
    """Everything that is wrong once all is drained. The clock stands, for answers change with time alone."""
    now_us = system_clock_us()
    swept(world.root, clock_us=lambda: now_us)
    left = swept(world.root, everything="the test looks for what is left", clock_us=lambda: now_us).swept.tally
    found = world.violations()
    if left.decided:
        found.append(f"a full sweep still had to say {dict(left.decided)}")
    return [*found, *said_again(world.root / "lake" / "decisions")]


def said_again(decisions: Path) -> list[str]:
    """A sweep's decisions that say what the one before them of the same asset and dataset said."""
    found, last = [], dict[tuple[str, str], Row]()
    for version in versions(decisions):
        for row in sorted(version.rows, key=lambda r: r["offset"]):
            before = last.get((row["asset_id"], row["dataset"]))
            if before is not None and row["driver"] == "sweep" and _says(row) == _says(before):
                found.append(f"version {version.number} says again: {row}")
            last[row["asset_id"], row["dataset"]] = row
    return found


def _says(row: Row) -> tuple[object, ...]:
    return row["offset"], row["verdict"], row["reason"], row["holder"]


def _sweep_killed_at(world: FileWorld, step: str, on_call: int) -> bool:
    """Content, then rights, and a sweep that dies at the step if it comes there; another one follows."""
    world.send(content=60, rights=0)
    world.drain()
    world.send(content=0, rights=12)
    code = Sweeper(Plan(world.root, step, on_call)).wait()
    assert code in (0, -signal.SIGKILL)
    assert Sweeper(Plan(world.root)).wait() == 0
    return code != 0


@pytest.mark.parametrize("table", TABLES)
def test_a_sweep_killed_at_any_step_is_repeated_without_harm(file_world: FileWorld, table: str) -> None:
    """The next one says what it had not said, and nothing again; the dataset tables follow."""
    killed = 0
    for on_call in range(1, 1 + rounds(1, 5)):
        for step in STEPS:
            # what the world says at random may touch nothing that is permitted: then it says more
            for _ in range(TRIES_MAX):
                killed += (died := _sweep_killed_at(file_world, f"{table}.{step}", on_call))
                if died or on_call > 1:
                    break
    file_world.drain()
    assert problems(file_world) == []
    assert killed >= len(STEPS), "hardly a sweep came to the step"


def test_sweeps_beside_a_gate_and_each_other(file_world: FileWorld) -> None:
    """A gate runs, rights and content keep coming, two sweeps at a time are killed or end; then all is drained and
    swept.
    """
    with file_world.feeding(content=8, rights=1):
        gate = file_world.gate()
        for turn in range(rounds(2, 30)):
            plans = [Plan(file_world.root, f"decisions.{STEPS[turn % 3]}", 2, 10_000), Plan(file_world.root)]
            sweepers = [Sweeper(plan) for plan in plans[turn % 2 :]]
            assert [code for code in (s.wait() for s in sweepers) if code not in (0, -signal.SIGKILL)] == []
        assert gate.alive, gate.words
        gate.signal(signal.SIGTERM)
        assert gate.wait() == 0, gate.words
    file_world.drain()
    assert problems(file_world) == []

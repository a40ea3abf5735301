"""The real worker in a process of its own, which may stop itself at the n-th call of a numbered step.

Steps are those of ``Lake.step``: ``<table>.write`` before a data file, ``<table>.commit`` between it and the log
entry, ``<table>.committed`` after that; the tables are named as in the lake (``catalog``, ``datasets/<name>``).
A server process imports the worker once and forks each gate, so that a gate starts in tens of milliseconds.
"""

from __future__ import annotations

import ctypes
import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatekeeper.edges.kafka_settings import KafkaSettings

BROKEN = 70
"""The exit code of an error that is none of gatekeeper's."""
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.support.gate_preload"])


ENDS_WITHIN_S = 180.0
"""A gate that takes longer hangs, however busy the machine and long the backlog."""


@dataclass(frozen=True)
class Plan:
    """How one gate runs. ``group``: a consumer group of its own. ``break_worker`` makes the worker wrong on purpose."""

    workspace: Path
    drain: bool = False
    stop_at: str = ""
    on_call: int = 1
    with_signal: signal.Signals = signal.SIGKILL
    group: str | None = None
    session_timeout_s: float = 1.5
    clock_ahead_s: float = 0.0
    break_worker: Callable[[], None] | None = None


class Gate:
    """A running gate. ``output`` is where it writes its last words."""

    def __init__(self, plan: Plan, output: Path) -> None:
        self.plan, self.output = plan, output
        self._process: ForkServerProcess = _CONTEXT.Process(target=_main, args=(plan, output), daemon=True)
        self._process.start()

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    @property
    def killed(self) -> bool:
        return self._process.exitcode == -signal.SIGKILL

    @property
    def stopped(self) -> bool:
        """Whether a SIGSTOP holds the whole process."""
        try:
            return Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        except OSError:
            return False

    def wait(self, timeout_s: float = ENDS_WITHIN_S) -> int:
        """The exit code (negative: the signal). Raises where it does not end in time; it is killed then."""
        self._process.join(timeout_s)
        if self._process.exitcode is None:
            self.signal(signal.SIGUSR1)  # every thread says where it is
            self._process.join(1)
            self.kill()
            raise AssertionError(f"the gate did not end within {timeout_s:g} s: {self.plan}\n{self.words}")
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def signal(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    @property
    def words(self) -> str:
        return self.output.read_text() if self.output.exists() else ""


def _main(plan: Plan, output: Path) -> None:
    with output.open("a") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    _die_with_the_server()
    faulthandler.register(signal.SIGUSR1, file=2)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # asked to stop before there is anything to stop
    sys.exit(_run(plan))


def _die_with_the_server() -> None:
    """A gate outlives neither the test run nor its crash (Linux: ``prctl``, PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _run(plan: Plan) -> int:
    from gatekeeper.errors import GatekeeperError

    try:
        if plan.break_worker is not None:
            plan.break_worker()
        _gate(plan)
    except GatekeeperError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        return error.exit_code
    except SystemExit:
        raise
    except BaseException:  # noqa: BLE001 (whatever it is, the parent is told)
        traceback.print_exc()
        return BROKEN
    return 0


def _gate(plan: Plan) -> None:
    from gatekeeper.config import read_workspace
    from gatekeeper.wiring import OpenWorkspace, system_clock_us
    from gatekeeper.wiring.gate import GateOptions, gate_worker

    class Impatient(OpenWorkspace):
        """Notices a dead colleague within seconds."""

        def kafka_settings(self) -> KafkaSettings:
            settings = super().kafka_settings()
            return replace(
                settings,
                group_id=plan.group or settings.group_id,
                session_timeout_s=plan.session_timeout_s,
                heartbeat_s=plan.session_timeout_s / 5,
                connect_timeout_s=3.0,
                fetch_wait_s=0.1,
                stable_wait_s=1.0,
            )

    ahead_us = int(plan.clock_ahead_s * 1e6)
    opened = Impatient(read_workspace(plan.workspace), lambda: system_clock_us() + ahead_us)
    with gate_worker(opened, GateOptions(drain=plan.drain, step=_hook(plan)), _Silent()) as worker:
        signal.signal(signal.SIGTERM, lambda *_: worker.stop())
        worker.run(None)


class _Silent:
    """Watches nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_given: None


def _hook(plan: Plan) -> Callable[[str], None]:
    calls, lock = 0, threading.Lock()

    def step(name: str) -> None:
        nonlocal calls
        if name != plan.stop_at:
            return
        with lock:
            calls += 1
            due = calls == plan.on_call
        if due:
            os.kill(os.getpid(), plan.with_signal)

    return step


def wait_until(true: Callable[[], Any], what: str, timeout_s: float = 30.0) -> None:
    """Returns as soon as it is true. Raises where it never becomes true."""
    deadline_s = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"within {timeout_s:g} s it did not happen that {what}")
        time.sleep(0.01)

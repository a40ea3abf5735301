"""A server that we started: in a session of its own, so that everything it started can be found and ended with it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

POLL_S = 0.05
STOP_S = 20.0
"""So long may a server take to end in order; what is left of it then is killed."""
ORPHANS_S = 2.0
"""And so long what it had started, once it is gone."""
_random = random.SystemRandom()  # two processes may share a seed, never a port


class NotStarted(Exception):
    """A server did not start, or a program it needs is missing: says which, and how to install it."""


class Server:
    """One command with its log in ``folder``. ``name`` is what messages call it."""

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name, self.command, self.folder = name, list(command), folder
        self.environment = None if environment is None else dict(environment)
        self.log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} is not running"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, answers: Callable[[], bool], ready_s: float) -> None:
        """Returns when it answers. Raises ``NotStarted`` with the end of its log, and leaves nothing running."""
        self.launch()
        self.wait(answers, ready_s)

    def launch(self) -> None:
        """Begin to start: whoever starts several at once waits for them afterwards."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait(self, answers: Callable[[], bool], ready_s: float) -> None:
        """As ``start``, for a server that was launched."""
        deadline_s = time.monotonic() + ready_s
        try:
            while self.running and time.monotonic() < deadline_s:
                if answers():
                    return
                time.sleep(POLL_S)
        except BaseException:
            self.kill()
            raise
        ended = "ended" if not self.running else f"did not answer within {ready_s:.0f} s"
        self.kill()
        raise NotStarted(f"{self.name} {ended}; the end of {self.log}:\n{self.log.read_text(errors='replace')[-3000:]}")

    def stop(self, patience_s: float = STOP_S) -> None:
        """In order where it can, by force where it must; returns when nothing of it is left."""
        self._end(signal.SIGTERM, patience_s)

    def kill(self) -> None:
        """``kill -9``, all of it."""
        self._end(signal.SIGKILL, STOP_S)

    def signal(self, number: signal.Signals) -> None:
        """To the server itself."""
        os.kill(self.pid, number)

    def _end(self, number: signal.Signals, patience_s: float) -> None:
        """Its group first, then what left the group, then by force; returns when the system knows none of them."""
        if self._process is None:
            return
        session, process = self._process.pid, self._process
        for each in (number, signal.SIGCONT):  # a paused one first has to run on
            with contextlib.suppress(ProcessLookupError):
                os.killpg(session, each)
        _until(lambda: process.poll() is not None, patience_s)
        for each, within_s in ((number, ORPHANS_S), (signal.SIGKILL, STOP_S)):
            for pid in members(session):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, each)
            _until(lambda: process.poll() is not None and not members(session), within_s)
        process.wait()
        self._process = None


def _until(so: Callable[[], bool], within_s: float) -> None:
    deadline_s = time.monotonic() + within_s
    while not so() and time.monotonic() < deadline_s:
        time.sleep(POLL_S)


def members(session: int) -> list[int]:
    """Living processes of a session, also those that made a group of their own."""
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getsid(pid) == session and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


def listens(port: int) -> bool:
    """Whether something on loopback takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    """Below the range that systems give to outgoing connections: nobody else takes one while a server starts."""
    ports: list[int] = []
    while len(ports) < count:
        port = _random.randint(15_000, 30_000)
        if port not in ports and is_free(port):
            ports.append(port)
    return ports


def is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def port_near(wanted: int) -> int:
    """The port that people expect, or a free one where somebody has it."""
    return wanted if is_free(wanted) else free_ports(1)[0]

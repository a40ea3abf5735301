"""The stack as ``make stack`` runs it, in a process of its own, and somebody who uses it: a shell and Airflow's API."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from click.testing import CliRunner

from deploy.stack.airflow_server import Api, log_in
from gatekeeper.cli import main
from gatekeeper.cli.caller import Caller

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 300.0
"""Patience with a busy machine: nothing here is a measurement."""
POLL_S = 0.5
ENDED = {"success", "failed", "skipped", "upstream_failed"}


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    json: dict[str, Any]


class RunningStack:
    """``facts`` are what the stack says of itself when it is ready."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "deploy.stack", "--folder", str(folder), "--free-ports", "--json", *arguments]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.told: list[str] = []
        assert self.process.stderr is not None
        threading.Thread(target=self.told.extend, args=(self.process.stderr,), daemon=True).start()

    def ready(self) -> None:
        """Returns when everything runs."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the stack did not start (exit code {self.process.wait()}):\n{''.join(self.told)}"
        self.facts: dict[str, Any] = json.loads(line)

    def interrupt(self) -> int:
        """Ctrl-C; its exit code."""
        os.kill(self.process.pid, signal.SIGINT)
        return self.process.wait(120)

    def end(self) -> None:
        """However it is; nothing stays."""
        if self.process.poll() is None:
            self.interrupt()

    @property
    def scheduler_log(self) -> Path:
        return self.folder / "airflow" / "scheduler.log"

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def api(self, user: str) -> Api:
        return log_in(self.facts["airflow"], user, self.facts["users"][user])

    def gatekeeper(self, *arguments: str, stdin: str = "", workspace: Path | None = None) -> Said:
        """A command as in a shell, in this process: there are many, and each would load everything anew."""
        given = ["--json", "--workspace", str(workspace or self.workspace), *arguments]
        result = CliRunner().invoke(main, given, obj=Caller(), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        lines = result.stdout.strip().splitlines()
        assert lines, result.stderr
        return Said(result.exit_code, json.loads(lines[-1]))

    def ok(self, *arguments: str, stdin: str = "", workspace: Path | None = None) -> dict[str, Any]:
        said = self.gatekeeper(*arguments, stdin=stdin, workspace=workspace)
        assert said.code == 0, said
        return said.json


@dataclass(frozen=True)
class Run:
    """One run of a dataset's DAG. ``about``: an asset its test looks for."""

    api: Api
    dag: str
    id: str
    about: str = ""

    @property
    def tasks(self) -> dict[str, str | None]:
        return self.api.tasks(self.dag, self.id)

    @property
    def review(self) -> str:
        """The path of its rights review."""
        return f"/gatekeeper/review/{self.dag}/{quote(self.id, safe='')}"

    @property
    def build(self) -> str:
        """``dataset@version``."""
        found = self.api.get(f"/dags/{self.dag}/dagRuns/{self.id}/taskInstances/build/xcomEntries/return_value")
        value = found["value"]
        return str((json.loads(value) if isinstance(value, str) else value)["build"])

    def until(self, task: str, *states: str) -> None:
        """Waits until a task is in one of these states; fails when it has ended in another."""

        def there() -> bool:
            state = self.tasks.get(task)
            assert state in states or state not in ENDED, f"{self.dag}: {task} is {state}\n{self.log(task)[-6000:]}"
            return state in states

        wait(there, lambda: f"{self.dag} {self.id}: {self.tasks}")

    def asks(self, scheduler_log: Path) -> None:
        """Waits until the run waits for a person and the scheduler knows: an answer before that fails the task."""
        self.until("approve", "awaiting_input")
        told = f"TaskInstance Finished: dag_id={self.dag}, task_id=approve, run_id={self.id},"
        wait(lambda: told in scheduler_log.read_text(errors="replace"), lambda: f"the scheduler knows {self.id}")

    def ended(self) -> str:
        """The state the run ends in."""

        def state() -> str:
            return str(self.api.get(f"/dags/{self.dag}/dagRuns/{self.id}")["state"])

        wait(lambda: state() in ("success", "failed"), lambda: f"{self.dag} {self.id}: {self.tasks}")
        return state()

    def answer(self, chosen: str, because: str) -> None:
        self.api.answer(self.dag, self.id, chosen, because)

    def log(self, task: str) -> str:
        return self.api.log(self.dag, self.id, task)


def first_run(api: Api, dag: str) -> Run:
    """The first run that Airflow made of a DAG, when it has."""

    def runs() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = api.get(f"/dags/{dag}/dagRuns", order_by="run_after")["dag_runs"]
        return found

    wait(lambda: bool(runs()), lambda: f"no run of {dag}")
    return Run(api, dag, runs()[0]["dag_run_id"])


def wait(until: Callable[[], bool], what: Callable[[], str], within_s: float = WITHIN_S) -> None:
    deadline_s = time.monotonic() + within_s
    while not until():
        assert time.monotonic() < deadline_s, f"not within {within_s:.0f} s: {what()}"
        time.sleep(POLL_S)

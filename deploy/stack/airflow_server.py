"""A real Airflow on loopback: scheduler, DAG processor, triggerer and API server on a SQLite database of its own.

As ``airflow standalone``, but with the users we name, without log servers that listen on every interface, and with an
end that leaves nothing behind.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from deploy.stack.processes import NotStarted, Server

ROOT = Path(__file__).resolve().parents[2]
READY_S = 180.0
COMPONENTS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
DATABASE = "airflow.db"
DATABASE_WAIT_S = 60
"""SQLite lets one write at a time; five processes of a busy machine may wait longer than its five seconds."""
HEALTH = ("metadatabase", "scheduler", "triggerer", "dag_processor")


class AirflowServer:
    """``users`` are name → role of the simple auth manager (viewer, user, op, admin), ``settings`` more environment.

    Passwords are made at first start and stay with the folder.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        workspace: Path,
        users: Mapping[str, str],
        settings: Mapping[str, str] = {},
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self.workspace = folder, port, workspace
        self.passwords = _passwords(folder / "passwords.json", users)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "GATEKEEPER"))},
            **_settings(folder, port, users),
            "GATEKEEPER_WORKSPACE": str(workspace),
            **settings,
        }
        self.servers = [
            Server(name, [sys.executable, "-m", "airflow", *command], folder, self.environment)
            for name, command in COMPONENTS.items()
        ]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when every component is healthy. Raises ``NotStarted``, and leaves nothing running."""
        migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
        done = subprocess.run(
            migrate, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NotStarted(f"Airflow's database could not be made:\n{(done.stdout + done.stderr)[-3000:]}")
        with closing(sqlite3.connect(self.folder / DATABASE)) as database:
            database.execute("pragma journal_mode = wal")  # who reads does not keep others from writing
        try:
            for server in self.servers:
                server.launch()
            for server in self.servers:
                server.wait(self.healthy, READY_S)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        for server in reversed(self.servers):  # the API server last: the others tell it how tasks ended
            server.stop()

    def healthy(self) -> bool:
        try:
            told = httpx.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
        except (httpx.HTTPError, ValueError):
            return False
        return all((told.get(part) or {}).get("status") == "healthy" for part in HEALTH)


def log_in(url: str, user: str, password: str) -> Api:
    """Airflow's REST API as this user. Raises ``httpx.HTTPStatusError``."""
    answer = httpx.post(f"{url}/auth/token", json={"username": user, "password": password}, timeout=30)
    answer.raise_for_status()
    return Api(url, answer.json()["access_token"])


class Api:
    """Airflow's REST API with one user's token."""

    def __init__(self, url: str, token: str) -> None:
        self.token = token
        self._client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def get(self, path: str, **query: Any) -> Any:
        return self.ask("GET", path, params=query)

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """The answer's JSON below ``/api/v2``. Raises ``httpx.HTTPStatusError``."""
        answer = self._client.request(method, f"/api/v2{path}", **more)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def page(self, path: str) -> httpx.Response:
        """Any page, as it is."""
        return self._client.get(path)

    def trigger(self, dag_id: str, **conf: Any) -> str:
        """A new run's id."""
        run = self.ask("POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": conf})
        return str(run["dag_run_id"])

    def tasks(self, dag_id: str, run: str) -> dict[str, str | None]:
        """Task → state."""
        found = self.get(f"/dags/{dag_id}/dagRuns/{run}/taskInstances")["task_instances"]
        return {task["task_id"]: task["state"] for task in found}

    def answer(self, dag_id: str, run: str, chosen: str, because: str, task: str = "approve") -> Any:
        """A person's answer to the question of a task."""
        where = f"/dags/{dag_id}/dagRuns/{run}/taskInstances/{task}/-1/hitlDetails"
        given = {"chosen_options": [chosen], "params_input": {"because": because}}
        return self.ask("PATCH", where, json=given)

    def log(self, dag_id: str, run: str, task: str, attempt: int = 1) -> str:
        """What a task wrote."""
        answer = self.get(f"/dags/{dag_id}/dagRuns/{run}/taskInstances/{task}/logs/{attempt}")
        return json.dumps(answer["content"], ensure_ascii=False, indent=0)


def _passwords(file: Path, users: Mapping[str, str]) -> dict[str, str]:
    known = json.loads(file.read_text()) if file.exists() else {}
    made = {user: known.get(user) or secrets.token_urlsafe(9) for user in users}
    file.touch(mode=0o600)
    file.write_text(json.dumps(made) + "\n")
    return made


def _settings(folder: Path, port: int, users: Mapping[str, str]) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    url = f"http://127.0.0.1:{port}"
    return {
        "PATH": path,
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / DATABASE}?timeout={DATABASE_WAIT_S}",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in users.items()),
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
        "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "5",
        "PYTHONDONTWRITEBYTECODE": "",
    }

"""A real Airflow with a database of its own, and a workspace its DAGs are made for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Airflow:
    """Commands in its environment. ``environment`` names the workspace."""

    environment: Mapping[str, str]

    def ask(self, *arguments: str) -> dict[str, Any]:
        """``promises`` or ``run DAG_ID`` of ``in_airflow``."""
        command = [sys.executable, "-m", "tests.dags.in_airflow", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
        answer = json.loads(done.stdout.strip().splitlines()[-1])
        assert isinstance(answer, dict)
        return answer | {"log": done.stdout + done.stderr}


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Settings of an Airflow whose database is made."""
    home = tmp_path_factory.mktemp("airflow")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "GATEKEEPER"))},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True, capture_output=True)
    return environment


@pytest.fixture
def airflow(airflow_home: Mapping[str, str], tmp_path: Path) -> Airflow:
    """Airflow on the workspace ``tmp_path/w``, which the test makes."""
    return Airflow({**airflow_home, "GATEKEEPER_WORKSPACE": str(tmp_path / "w")})

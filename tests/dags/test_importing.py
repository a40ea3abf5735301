"""DAG files and the plugin are loaded all the time, by every part of Airflow: what that may do, and what it may not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import Desk, tree

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("pyarrow", "deltalake", "numpy", "pandas", "duckdb", "kafka", "boto3", "great_expectations", "jsonschema_rs")
"""Libraries that a running command needs and a schedule does not."""
_LOAD = """
import json, sys
import airflow.sdk, airflow.providers.standard.operators.hitl, airflow.triggers.base
import airflow.plugins_manager
airflow.sdk.DAG("before", schedule="0 3 * * *")  # what Airflow itself does once, at the first DAG of a process
before, asked = set(sys.modules), []

def watch(event, arguments):
    writes = event == "open" and any(c in str(arguments[1]) for c in "wax+")
    if writes or event in ("socket.connect", "subprocess.Popen", "os.system", "os.mkdir", "os.remove", "os.rename"):
        asked.append([event, str(arguments[0])])

sys.dont_write_bytecode = True
sys.addaudithook(watch)
import runpy
runpy.run_path(sys.argv[1])
print("\\n" + json.dumps({"modules": sorted(set(sys.modules) - before), "asked": asked}))
"""
LOADED = [*sorted((ROOT / "dags").glob("*.py")), *sorted((ROOT / "gatekeeper" / "airflow").glob("plugin.py"))]


@pytest.mark.parametrize("file", LOADED, ids=lambda f: f.stem)
def test_loading_reads_declarations_and_does_nothing(
    airflow_home: Mapping[str, str], tmp_path: Path, file: Path
) -> None:
    """No library that only a running command needs, nothing written, nobody called, the workspace as it was."""
    desk = Desk(tmp_path / "w")
    assert desk.run("init", desk.root, workspace=False).code == 0
    before = tree(desk.root)
    environment = {**airflow_home, "GATEKEEPER_WORKSPACE": str(desk.root), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _LOAD, str(file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["asked"] == []
    tops = {name.partition(".")[0] for name in found["modules"]}
    assert tops.isdisjoint(HEAVY)
    ours = {name for name in found["modules"] if name.startswith("gatekeeper.")}
    assert all(name.startswith("gatekeeper.airflow") for name in ours), ours
    assert tree(desk.root) == before

"""The DAG files: what they promise, and that each runs on a real workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Desk, published
from tests.dags.conftest import Airflow


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path / "w")
    assert made.run("init", made.root, workspace=False).code == 0
    return made


def test_every_dag_keeps_the_promises(airflow: Airflow, desk: Desk) -> None:
    """An owner, its tags, its page of text, no catching up, one run at a time; retries only for what may pass."""
    found = airflow.ask("promises")
    assert found["errors"] == {}
    assert {f"gatekeeper_dataset_{d.stem}" for d in (desk.root / "datasets").glob("*.yaml")} | {
        "gatekeeper_gate",
        "gatekeeper_maintenance",
        "gatekeeper_sweep",
    } == found["dags"].keys()
    for name, dag in found["dags"].items():
        assert dag["owner"], name
        assert "gatekeeper" in dag["tags"], name
        assert dag["doc"], name
        assert dag["catchup"] is False, name
        assert dag["max_active_runs"] == 1, name
        for task, told in dag["tasks"].items():
            if task != "approve":
                actions = {
                    rule["exception"][0].rpartition(".")[2]
                    if isinstance(rule["exception"], list)
                    else rule["exception"].rpartition(".")[2]: rule["action"]
                    for rule in told["policy"]["rules"]
                }
                assert actions == {"AnswerIsNo": "fail", "WrongUse": "fail", "SystemAway": "retry"}, (name, task)


def test_who_must_be_asked_is_asked(airflow: Airflow, desk: Desk) -> None:
    """Nothing leads to publication past the person, unless the declaration says that nobody is asked."""
    desk.write("datasets/unsaid.yaml", "name: unsaid\npurpose: service.search\n")
    found = airflow.ask("promises")["dags"]
    for name, asked in (("recommendation", False), ("voice-replication", True), ("unsaid", True)):
        tasks = found[f"gatekeeper_dataset_{name}"]["tasks"]
        assert ("approve" in tasks) is asked, name
        into_publish = {task for task, told in tasks.items() if "publish" in told["downstream"]}
        assert into_publish - {"build"} == {"record" if asked else "review"}, name


def test_a_bad_declaration_costs_only_its_own_dag(airflow: Airflow, desk: Desk) -> None:
    """The others are there; its own says what is wrong with the file when it runs, and is not tried again."""
    desk.write("datasets/broken.yaml", "name: [")
    found = airflow.ask("promises")
    assert found["errors"] == {}
    assert "gatekeeper_dataset_recommendation" in found["dags"]
    ran = airflow.ask("run", "gatekeeper_dataset_broken")
    assert ran["state"] == "failed"
    assert "broken.yaml cannot be read" in ran["log"]
    assert "Retry policy decision" in ran["log"]
    assert "action=fail" in ran["log"]


def test_no_workspace_is_no_dataset(airflow: Airflow) -> None:
    """The DAG files load where nobody has made a workspace yet."""
    found = airflow.ask("promises")
    assert found["errors"] == {}
    assert found["dags"].keys() == {"gatekeeper_gate", "gatekeeper_maintenance", "gatekeeper_sweep"}


def test_the_gate_in_batches(airflow: Airflow, desk: Desk) -> None:
    """A run decides what waits; the rows are in the dataset afterwards."""
    desk.ok("content", "append", "-", stdin=published("song") + "\n")
    assert airflow.ask("run", "gatekeeper_gate")["tasks"] == {"drain": "success"}
    [recommendation] = [d for d in desk.ok("status", "--json").json["datasets"] if d["name"] == "recommendation"]
    assert recommendation["rows"] == 1


@pytest.mark.parametrize("name", ["gatekeeper_maintenance", "gatekeeper_sweep"])
def test_the_others_run(airflow: Airflow, desk: Desk, name: str) -> None:
    """On a workspace where nothing has happened yet."""
    assert airflow.ask("run", name)["state"] == "success"

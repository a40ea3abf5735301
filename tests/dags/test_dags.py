"""The DAG files: what they promise, and that each runs on a real workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Desk, published
from tests.dags.conftest import Airflow

PEOPLES = {"approve"}
"""A task that waits for a person has nothing to try again."""


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
        "gatekeeper_recall",
        "gatekeeper_sweep",
    } == found["dags"].keys()
    for name, dag in found["dags"].items():
        assert dag["owner"], name
        assert "gatekeeper" in dag["tags"], name
        assert dag["doc"], name
        assert dag["catchup"] is False, name
        assert dag["max_active_runs"] == 1, name
        for task, told in dag["tasks"].items():
            if task not in PEOPLES:
                assert told["retries"] > 0, (name, task)
                actions = {
                    rule["exception"][0].rpartition(".")[2]
                    if isinstance(rule["exception"], list)
                    else rule["exception"].rpartition(".")[2]: rule["action"]
                    for rule in told["policy"]["rules"]
                }
                assert actions == {"AnswerIsNo": "fail", "WrongUse": "fail", "SystemAway": "retry"}, (name, task)


def test_what_withdrawals_wait_for_has_a_deadline(airflow: Airflow, desk: Desk) -> None:
    """A sweep or a recall that hangs is noticed long before a withdrawal is overdue; a person may take days."""
    found = airflow.ask("promises")["dags"]
    for name in ("gatekeeper_sweep", "gatekeeper_recall"):
        [seconds] = found[name]["deadlines"]
        assert 0 < seconds <= 3600, name
    assert found["gatekeeper_dataset_recommendation"]["deadlines"] == []


def test_who_must_be_asked_is_asked(airflow: Airflow, desk: Desk) -> None:
    """Nothing leads to publication past the person, unless the declaration says that nobody is asked."""
    desk.write("datasets/unsaid.yaml", "name: unsaid\npurpose: service.search\n")
    found = airflow.ask("promises")["dags"]
    for name, asked in (("recommendation", False), ("voice-replication", True), ("unsaid", True)):
        tasks = found[f"gatekeeper_dataset_{name}"]["tasks"]
        assert ("approve" in tasks) is asked, name
        into_publish = {task for task, told in tasks.items() if "publish" in told["downstream"]}
        assert into_publish - {"build"} == {"record" if asked else "review"}, name


def test_a_declaration_says_how_long_a_person_has(airflow: Airflow, desk: Desk) -> None:
    """Three days where it says nothing, or nothing that is a time; nobody is asked to answer within no time."""
    for name, hours in (("brief", "0.5"), ("nonsense", "soon"), ("negative", "-1")):
        desk.write(f"datasets/{name}.yaml", f"name: {name}\npurpose: service.search\napprove_within_h: {hours}\n")
    found = airflow.ask("promises")
    assert found["errors"] == {}
    waits = {name: found["dags"][f"gatekeeper_dataset_{name}"]["tasks"]["approve"]["waits_s"] for name in
             ("brief", "nonsense", "negative", "voice-replication")}  # fmt: skip
    assert waits == {"brief": 1800, "nonsense": 259200, "negative": 259200, "voice-replication": 259200}


def test_who_may_answer_is_named(airflow: Airflow, desk: Desk) -> None:
    """GATEKEEPER_APPROVERS names them; where it names nobody, Airflow's own roles decide."""
    assert desk.root.exists()
    some = Airflow({**airflow.environment, "GATEKEEPER_APPROVERS": "7=Ann Abel, ben,"})
    for asked, expected in (
        (some, [{"id": "7", "name": "Ann Abel"}, {"id": "ben", "name": "ben"}]),
        (airflow, None),
    ):
        tasks = asked.ask("promises")["dags"]["gatekeeper_dataset_voice-replication"]["tasks"]
        assert tasks["approve"]["may_answer"] == expected


def test_a_schedule_that_is_none_costs_only_its_own_dag(airflow: Airflow, desk: Desk) -> None:
    """The others are there, and the DAG says what is wrong when it runs."""
    odd = {"moon": "every full moon", "list": "[1, 2]", "late": "99 99 * * *"}
    for name, schedule in odd.items():
        desk.write(f"datasets/{name}.yaml", f"name: {name}\npurpose: service.search\nschedule: {schedule}\n")
    found = airflow.ask("promises")
    assert found["errors"] == {}
    assert {f"gatekeeper_dataset_{name}" for name in (*odd, "recommendation")} <= found["dags"].keys()
    ran = airflow.ask("run", "gatekeeper_dataset_late")
    assert ran["state"] == "failed"
    assert "late.yaml cannot be scheduled" in ran["log"]


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
    assert found["dags"].keys() == {f"gatekeeper_{name}" for name in ("gate", "maintenance", "recall", "sweep")}


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

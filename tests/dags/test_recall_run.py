"""The recall's DAG: from a withdrawal to a replacement, and what happens when it is late."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

import gatekeeper
from gatekeeper.airflow.alerts import shout, within
from tests.cli.conftest import Desk, event, published
from tests.dags.conftest import Airflow
from tests.dags.test_release_run import DAG, TERMS

NOW = "2026-11-01T00:00:00Z"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A release of three recordings, of which one is withdrawn. The clock of a task is the machine's."""
    made = Desk(tmp_path / "w", now=NOW)
    assert made.run("init", made.root, "--bare", workspace=False).code == 0
    made.dataset("search", "service.search")
    made.ok("apply")
    made.ok("rights", "append", "-", stdin=TERMS + "\n")
    songs = [published(f"song-{n}", account=f"a{n}", title=f"Song {n}") for n in range(3)]
    made.ok("content", "append", "-", stdin="\n".join(songs) + "\n")
    made.ok("gate", "--drain")
    for step in (("build", "search", "--version", "first"), ("check", "search@first"), ("publish", "search@first")):
        made.ok(*step)
    said = {"speaker": "account:a1", "subject": "account:a1", "purposes": ["service"]}
    made.ok("rights", "append", "-", stdin=event("rights.consent.withdrawn", NOW, **said) + "\n")
    return made


def test_a_recall_is_put_and_the_dataset_is_told(airflow: Airflow, desk: Desk) -> None:
    """The DAG of the dataset then replaces what was recalled; a second recall tells nobody."""
    ran = airflow.ask("run", "gatekeeper_recall")
    assert ran["tasks"] == {"recall": "success", "deadlines": "success"}, ran["log"][-5000:]
    root = desk.root / "releases"
    assert json.loads((root / "search/first/recalls/0001.json").read_bytes())["asset_ids"] == ["song-1"]
    assert ran["events"] == ["gatekeeper://datasets/search/recalled"]
    assert airflow.ask("run", DAG)["state"] == "success"
    assert gatekeeper.load("search", root=root).to_table()["asset_id"].to_pylist() == ["song-0", "song-2"]
    again = airflow.ask("run", "gatekeeper_recall")
    assert (again["state"], again["events"]) == ("success", [])


def test_a_deadline_that_has_passed_fails_the_run(airflow: Airflow, desk: Desk) -> None:
    """The recall is put all the same; what is late is the sweep that nobody ran since the lake first heard of it."""
    desk.ok("recall", "--dry-run")
    ran = airflow.ask("run", "gatekeeper_recall")
    assert ran["tasks"] == {"recall": "success", "deadlines": "failed"}
    assert "overdue" in ran["log"]
    assert (desk.root / "releases/search/first/recalls/0001.json").is_file()


def test_a_late_run_is_shouted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what waits for it and how many withdrawals are late; also where that cannot be found out."""
    from datetime import timedelta

    alert = within(timedelta(hours=1), "a recall")
    assert alert.callback.path == "gatekeeper.airflow.alerts.shout"
    monkeypatch.setenv("GATEKEEPER_WORKSPACE", str(desk.root))
    said = asyncio.run(shout(**alert.callback.kwargs, context={"dag_run": {"dag_run_id": "run-7"}}))
    assert said.startswith("DEADLINE MISSED: run-7 has not ended within 1:00:00: a recall; ")
    assert "1 open" in said
    monkeypatch.setenv("GATEKEEPER_WORKSPACE", str(desk.root / "nowhere"))
    assert "not known" in asyncio.run(shout("a recall", "1:00:00"))

"""Policy and declarations in the gate: the files must say what the log says is active, else nothing is decided."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper.errors import NotApplied
from gatekeeper.stages.gate import barrier
from tests.cli.conftest import Desk, event, published
from tests.support.gate_runs import Runs

OTHER_POLICY = event("policy.activated", digest="sha256:" + "0" * 64)
OTHER_DATASET = event("dataset.declared", name="elsewhere", digest="sha256:" + "1" * 64)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "ws")


@pytest.mark.parametrize("change", ["policy", "declared", "retired"])
def test_files_that_were_not_applied_stop_the_gate(runs: Runs, change: str) -> None:
    """Exit 2 and "gatekeeper apply", before anything is decided, also with nothing to decide."""
    if change == "policy":
        runs.new_policy()
    elif change == "declared":
        runs.declare("more", "training")
    else:
        runs.retire("models")
    empty = Desk(runs.root).run("gate", "--drain", "--json")
    runs.content(published("song"))
    full = Desk(runs.root).run("gate", "--drain", "--json")
    for answer in (empty, full):
        assert (answer.code, answer.json["exit_code"]) == (2, 2)
        assert "gatekeeper apply" in json.dumps(answer.json)
    assert runs.decisions() == []


@pytest.mark.parametrize("change", [OTHER_POLICY, OTHER_DATASET], ids=["policy", "dataset"])
def test_a_change_from_elsewhere_stops_a_running_gate(runs: Runs, change: str) -> None:
    """Somebody applied other files: from its event on nothing is decided under ours."""
    with runs.running() as gate:
        runs.content(published("before"))
        gate.until(lambda: len(runs.decisions()) == 2, "the first event is decided")
        runs.rights(change)
        runs.content(published("after"))
        error = gate.ended()
    assert isinstance(error, NotApplied)
    assert error.exit_code == 2
    assert set(runs.last()) == {"before"}


def test_a_kept_rights_state_does_not_hide_a_change(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kept state agrees with the files, but the log has moved on: refused like any other start."""
    monkeypatch.setattr(barrier, "KEEP_EVENTS_MIN", 1)
    runs.drain()
    assert list((runs.root / ".snapshots").glob("*/*/header.json"))
    runs.rights(OTHER_POLICY)
    with pytest.raises(NotApplied):
        runs.drain()


def test_a_new_policy_is_decided_under_at_once(runs: Runs) -> None:
    """After ``apply`` the running gate and the next one name the new digest; the old decisions keep theirs."""
    old = runs.opened.policy().digest
    with runs.running() as gate:
        runs.content(published("old"))
        gate.until(lambda: len(runs.decisions()) == 2, "the first event is decided")
        new = runs.new_policy()
        runs.apply()
        runs.content(published("new"))
        gate.until(lambda: len(runs.decisions()) == 4, "the second event is decided")
    runs.content(published("newest"))
    runs.drain()
    assert new != old
    assert {r["asset_id"]: r["policy"] for r in runs.decisions()} == {"old": old, "new": new, "newest": new}
    assert runs.decisions()[-1]["evidence"].endswith("#" + new.removeprefix("sha256:")[:12])


def test_a_change_and_its_return_between_two_batches(runs: Runs) -> None:
    """A, B and A again while nothing came: the gate goes on under A."""
    with runs.running() as gate:
        runs.content(published("one"))
        gate.until(lambda: len(runs.decisions()) == 2, "the first event is decided")
        runs.rights(OTHER_POLICY, event("policy.activated", digest=runs.opened.policy().digest))
        runs.content(published("two"))
        gate.until(lambda: len(runs.decisions()) == 4, "the second event is decided")
    assert set(runs.last()) == {"one", "two"}


def test_each_event_is_decided_once_for_every_dataset_declared_then(runs: Runs) -> None:
    """A new dataset gets decisions from its declaration on, a retired one none from then on, in one run or many."""
    with runs.running() as gate:
        runs.content(published("first"))
        gate.until(lambda: len(runs.decisions()) == 2, "two datasets have decisions")
        runs.declare("search", "service.search")
        runs.apply()
        runs.content(published("second"))
        gate.until(lambda: len(runs.decisions()) == 5, "three datasets have decisions")
        runs.retire("models")
        runs.apply()
        runs.content(published("third"))
        gate.until(lambda: len(runs.decisions()) == 7, "two datasets have decisions again")
        gate.until(lambda: runs.table("datasets/models") == [], "the retired dataset is emptied")
    runs.content(published("fourth"))
    runs.drain()
    datasets = {name: [row["asset_id"] for row in runs.decisions(name)] for name in ("radio", "models", "search")}
    assert datasets == {
        "radio": ["first", "second", "third", "fourth"],
        "models": ["first", "second"],
        "search": ["second", "third", "fourth"],
    }
    assert set(runs.rows("radio")) == {"first", "second", "third", "fourth"}
    assert set(runs.rows("search")) == {"second", "third", "fourth"}
    assert runs.rows("models") == {}


def test_a_dataset_retired_while_no_gate_ran_is_emptied(runs: Runs) -> None:
    """The next gate empties it, without any new content."""
    runs.content(published("song"))
    runs.drain()
    assert set(runs.rows("models")) == {"song"}
    runs.retire("models")
    runs.apply()
    runs.drain()
    assert (set(runs.rows("models")), set(runs.rows("radio"))) == (set(), {"song"})


def test_no_dataset_at_all(tmp_path: Path) -> None:
    """Content is catalogued and nothing is decided; the log is drained all the same."""
    runs = Runs(tmp_path / "ws", datasets={})
    runs.content(published("song"), "no JSON")
    runs.drain()
    assert (len(runs.table("catalog")), len(runs.table("dead_letters")), runs.decisions()) == (1, 1, [])

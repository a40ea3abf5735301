"""A lake restored from an older copy: it goes on from there with newer logs, or is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gatekeeper.errors import UnsafeLog
from gatekeeper.wiring import releasing
from gatekeeper.wiring.recalling import RecallOptions, recall
from gatekeeper.wiring.replaying import ReplayOptions, replay_decisions
from tests.cli.conftest import event, published
from tests.stages.sweeping import SweepRuns
from tests.support.candidates import Candidate
from tests.support.gate_runs import granted, withdrawn
from tests.support.oracle import check
from tests.support.raw_logs import file_records
from tests.support.replayed import Replayed
from tests.support.truth import Truth


@pytest.fixture
def runs(tmp_path: Path) -> SweepRuns:
    """Decided, swept and copied; then much happens: new events, a removal, a withdrawal, a new dataset, a release."""
    runs = SweepRuns(tmp_path / "ws")
    runs.content(published("song"), published("tune"), published("other", "tom"), b"no event")
    runs.drain()
    runs.sweep()
    shutil.copytree(runs.root / "lake", tmp_path / "copy")
    runs.now = "2025-06-20T13:00:00Z"
    runs.content(event("content.removed", "2025-06-20T12:30:00Z", asset_id="tune", account_id="nina"))
    runs.content(published("new", "tom"), published("other", "tom", "2025-06-20T12:40:00Z", title="again"), b"nor this")
    runs.drain()
    Candidate(runs.root, "radio", "1", runs.now).check()
    releasing.publish(runs.opened, "radio@1")
    runs.rights(withdrawn("tom"), granted(time="2025-06-02T00:00:00Z"))
    runs.declare("search", "service.search")
    runs.apply()
    runs.sweep()
    return runs


def restore(runs: SweepRuns, *tables: str) -> None:
    """The older copy of the whole lake, or of some of its tables only."""
    copy = runs.root.parent / "copy"
    for name in tables or (".",):
        shutil.rmtree(runs.root / "lake" / name)
        shutil.copytree(copy / name, runs.root / "lake" / name)


def test_an_older_lake_with_newer_logs_goes_on_from_where_it_stands(runs: SweepRuns) -> None:
    """The same rows as before the loss, nothing lost and nothing twice; every decision is made again; the release that
    the older lake knows nothing of is decided again, too. What the copy lacks of kept policies comes from `apply`.
    """
    before = {name: set(runs.rows(name)) for name in ("radio", "models", "search")}
    said = {name: runs.last(name) for name in before}
    restore(runs)
    runs.drain()
    runs.apply()
    runs.sweep()
    assert {name: set(runs.rows(name)) for name in before} == before
    assert {name: runs.last(name) for name in before} == said
    logs = [file_records(runs.log(name)) for name in ("content", "rights")]
    assert check(runs.root / "lake", Truth(*logs, keyed=False), Replayed(runs.root)) == []
    assert not replay_decisions(runs.opened, ReplayOptions()).differ
    [outcome] = recall(runs.opened, [], RecallOptions()).recalled.outcomes
    assert outcome.new == {"consent.withdrawn": 2}


@pytest.mark.parametrize("tables", [("catalog",), ("dead_letters",), ("catalog", "dead_letters")], ids=" and ".join)
def test_tables_from_different_times_are_refused(runs: SweepRuns, tables: tuple[str, ...]) -> None:
    """What one of them holds the other would judge again: nothing is decided."""
    before = runs.decisions()
    restore(runs, *tables)
    runs.content(published("late"))
    with pytest.raises(UnsafeLog, match="restore them together"):
        runs.drain()
    assert runs.decisions() == before


@pytest.mark.parametrize("log", ["content", "rights"])
def test_an_older_log_below_a_newer_lake_is_refused(runs: SweepRuns, log: str) -> None:
    """Gate and sweep decide nothing: what is missing may have been a no."""
    before = runs.decisions()
    lines = runs.log(log).read_bytes().splitlines(keepends=True)
    runs.log(log).write_bytes(b"".join(lines[:-3]))
    for run in (runs.drain, runs.sweep) if log == "rights" else (runs.drain,):
        with pytest.raises(UnsafeLog):
            run()
    assert runs.decisions() == before


def test_decisions_older_than_the_datasets_are_refused(runs: SweepRuns) -> None:
    """What is decided from there on would be taken for folded, and a no would never reach the rows."""
    restore(runs, "decisions")
    before = runs.decisions()
    runs.rights(withdrawn("nina", "2025-06-20T12:59:00Z"))
    for run in (runs.drain, runs.sweep):
        with pytest.raises(UnsafeLog, match="restore them together"):
            run()
    assert runs.decisions() == before


def test_an_older_copy_of_a_dataset_is_folded_to_the_end(runs: SweepRuns) -> None:
    """It is derived: decisions say what its rows are."""
    before = set(runs.rows())
    restore(runs, "datasets/radio")
    assert set(runs.rows()) != before
    runs.drain()
    assert set(runs.rows()) == before

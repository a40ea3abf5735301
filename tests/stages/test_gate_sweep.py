"""The gate beside a sweep: what a sweep decided on newer rights is never followed by an older decision (design §5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.core.commits import Committed
from gatekeeper.core.layout import DECISIONS, SWEEP_APP
from gatekeeper.edges.delta import Lake
from gatekeeper.errors import UnsafeLog
from tests.cli.conftest import published
from tests.support.gate_runs import Runs, once_at, withdrawn
from tests.support.lake_log import versions


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "ws")


def sweep_to(runs: Runs, position: int) -> None:
    """What a sweep that touched nothing leaves behind."""
    assert isinstance(Lake(runs.root / "lake").open(DECISIONS).commit((), {SWEEP_APP: position}, {}), Committed)


@pytest.mark.parametrize("when", ["catalog.committed", "decisions.write", "decisions.commit"])
def test_a_batch_decided_before_a_sweep_is_decided_again(runs: Runs, when: str) -> None:
    """A withdrawal and a sweep come between deciding and committing: the batch is committed on the newer rights."""
    runs.content(published("song"), published("other", "tom"))

    def sweep() -> None:
        sweep_to(runs, runs.rights(withdrawn()) + 1)

    runs.drain(once_at(when, sweep))
    end = runs.log("rights").read_bytes().count(b"\n")
    assert {row["rights_position"] for row in runs.decisions()} == {end}
    assert runs.last() == {"song": ("deny", "consent.withdrawn"), "other": ("permit", "terms.permit")}
    assert len(runs.decisions()) == 4
    assert set(runs.rows()) == {"other"}


def test_the_commit_says_what_it_was_decided_on(runs: Runs) -> None:
    """The metadata of a batch decided again names the newer position, as its rows do."""
    runs.content(published("song"))
    runs.drain(once_at("decisions.commit", lambda: sweep_to(runs, runs.rights(withdrawn()) + 1)))
    newest = list(versions(runs.root / "lake" / "decisions"))[-1]
    assert f",{newest.rows[0]['rights_position']}," in newest.custom["gatekeeper.slices"]


def test_a_sweep_of_the_same_rights_changes_nothing(runs: Runs) -> None:
    """Not below is enough: what was decided at the sweep's own position is committed as it is."""
    runs.content(published("song"))
    end = runs.log("rights").read_bytes().count(b"\n")
    runs.drain(once_at("decisions.commit", lambda: sweep_to(runs, end)))
    assert [row["rights_position"] for row in runs.decisions()] == [end, end]


def test_a_sweep_beyond_the_end_of_the_rights_log_stops_the_gate(runs: Runs) -> None:
    """The rights log has lost what the sweep saw: nothing is decided, and the gate does not try for ever."""
    runs.content(published("song"))
    with pytest.raises(UnsafeLog, match="restore the rights log"):
        runs.drain(once_at("decisions.commit", lambda: sweep_to(runs, 1000)))
    assert runs.decisions() == []

"""Removals in the gate: what a removal covers, in one batch, across restarts and behind a crash (design §4)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import event, published
from tests.support.gate_runs import Runs

REMOVED_AT = "2025-06-02T00:00:00Z"
LATER = {
    "earlier": "2025-06-01T23:59:59Z",
    "equal": "2025-06-02T02:00:00+02:00",  # the same instant in other words
    "later": "2025-06-02T00:00:00.000001Z",
}
"""Asset → the time of its event after the removal."""

before = [published(asset) for asset in LATER]
removals = [event("content.removed", REMOVED_AT, asset_id=asset, account_id="nina") for asset in LATER]
after = [event("content.updated", time, asset_id=asset, account_id="nina") for asset, time in LATER.items()]


def one_batch(runs: Runs) -> None:
    runs.content(*before, *removals, *after)
    runs.drain()


def a_gate_each(runs: Runs) -> None:
    """The removal is read back from the catalogue."""
    for events in (before, removals, after):
        runs.content(*events)
        runs.drain()


def a_crash_after_the_catalog(runs: Runs) -> None:
    """Removals and what comes after them are in the catalogue, undecided."""
    runs.content(*before, *removals, *after)
    runs.dies("decisions.commit")
    runs.drain()


def a_crash_between_removal_and_update(runs: Runs) -> None:
    """The removals are in the catalogue, undecided; the updates are still on the log."""
    runs.content(*before, *removals)
    runs.dies("decisions.write")
    runs.content(*after)
    runs.drain()


def a_crash_after_the_dead_letters(runs: Runs) -> None:
    """Nothing is in the catalogue: everything is read again."""
    runs.content("no JSON", *before, *removals, *after)
    runs.dies("catalog.commit")
    runs.drain()


@pytest.fixture(
    params=[
        one_batch,
        a_gate_each,
        a_crash_after_the_catalog,
        a_crash_between_removal_and_update,
        a_crash_after_the_dead_letters,
    ],
    ids=lambda how: how.__name__,
    scope="module",
)
def removed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    runs = Runs(tmp_path_factory.mktemp("removals") / "ws")
    how: Callable[[Runs], None] = request.param
    how(runs)
    return runs


def test_an_event_not_later_than_the_removal_does_not_bring_the_asset_back(removed: Runs) -> None:
    """Earlier or equal is covered, for every dataset; only a later event is judged on its own."""
    for dataset in removed.datasets:
        assert removed.last(dataset) == {
            "earlier": ("deny", "claim.deletion"),
            "equal": ("deny", "claim.deletion"),
            "later": ("permit", "terms.permit"),
        }
        assert set(removed.rows(dataset)) == {"later"}


def test_the_evidence_is_the_removal(removed: Runs) -> None:
    """A denial after a removal names the removal's own offset, not the event's."""
    of_removals = {
        row["asset_id"]: row["offset"] for row in removed.table("catalog") if row["type"] == "content.removed"
    }
    for row in removed.decisions():
        if row["reason"] == "claim.deletion":
            assert row["evidence"].startswith(f"content:0:{of_removals[row['asset_id']]}@")


def test_every_event_is_decided_once(removed: Runs) -> None:
    """Nine valid events and two datasets are eighteen decisions, however often a gate died."""
    found = [(row["dataset"], row["offset"]) for row in removed.decisions()]
    assert len(found) == len(set(found)) == 18
    assert len(removed.table("dead_letters")) == removed.log("content").read_text().count("no JSON")


def test_a_removal_of_another_asset_changes_nothing(tmp_path: Path) -> None:
    """A removal covers its own asset, though account and catalogue are the same."""
    runs = Runs(tmp_path / "ws")
    runs.content(published("stays", catalogs=["c"]), event("content.removed", asset_id="goes", account_id="nina"))
    runs.drain()
    runs.content(published("stays", title="again", catalogs=["c"]))
    runs.drain()
    assert set(runs.rows()) == {"stays"}


def test_of_two_removals_the_later_time_counts(tmp_path: Path) -> None:
    """A removal that arrives late with an older time takes nothing back from the newer one."""
    runs = Runs(tmp_path / "ws")
    newer = event("content.removed", "2025-06-10T00:00:00Z", asset_id="song", account_id="nina")
    older = event("content.removed", "2025-06-02T00:00:00Z", asset_id="song", account_id="nina")
    runs.content(newer, older)
    runs.drain()
    runs.content(published("song", time="2025-06-05T00:00:00Z"))
    runs.drain()
    assert runs.last() == {"song": ("deny", "claim.deletion")}

"""The instant of a decision: no clock, ours or a producer's, takes it back or defers a no (design §5)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from gatekeeper.core.layout import DECISIONS
from gatekeeper.edges.delta import Lake
from tests.cli.conftest import event, published
from tests.support.gate_runs import NOW, Runs, withdrawn

EARLIER = "2025-06-20T09:00:00Z"


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "ws")


def decided_at(runs: Runs) -> list[datetime]:
    return [row["decided_at"] for row in runs.decisions("radio")]


@pytest.mark.parametrize("between", ["nothing", "a crash", "another commit", "a compaction"])
def test_a_clock_set_back_dates_no_decision_back(runs: Runs, between: str) -> None:
    """After a restart the instant goes on from the last decision's, whoever committed to the table since."""
    runs.content(published("one"))
    runs.drain()
    runs.content(published("two"))
    runs.drain()
    decisions = Lake(runs.root / "lake").open(DECISIONS)
    if between == "another commit":
        decisions.commit((), {}, {})
    if between == "a compaction":
        assert decisions.compact() > 0
    runs.now = EARLIER
    runs.content(published("three"))
    if between == "a crash":
        runs.dies("decisions.commit")
    runs.drain()
    instants = [row["decided_at"].isoformat() for row in runs.table("decisions")]
    assert instants == ["2025-06-20T12:00:00+00:00"] * 6


def test_without_a_decision_the_clock_is_what_counts(runs: Runs) -> None:
    """A gate that decided nothing leaves no instant behind."""
    runs.drain()
    runs.now = EARLIER
    runs.content(published("one"))
    runs.drain()
    assert decided_at(runs)[0].isoformat() == "2025-06-20T09:00:00+00:00"


@pytest.mark.parametrize(
    "restriction",
    [
        withdrawn(time="2025-06-20T12:04:00Z"),
        event("rights.claim.opened", "2025-06-20T12:04:00Z", claim_id="c", kind="takedown", subject="asset:song"),
    ],
    ids=["withdrawal", "claim"],
)
def test_an_undated_restriction_is_in_force_whatever_its_producers_clock(runs: Runs, restriction: str) -> None:
    """Its time is four minutes ahead of ours: the decision is dated at that time and heeds it."""
    runs.rights(restriction)
    runs.content(published("song"))
    runs.drain()
    assert runs.now == NOW
    assert runs.last()["song"][0] == "deny"
    assert decided_at(runs)[0].isoformat() == "2025-06-20T12:04:00+00:00"


def test_a_dated_restriction_waits_for_its_date(runs: Runs) -> None:
    """``valid_from`` is what its speaker wants: until then the asset is permitted."""
    who = "account:nina"
    dated = {"speaker": who, "subject": who, "purposes": ["service"], "valid_from": "2025-06-20T12:04:00Z"}
    runs.rights(event("rights.consent.withdrawn", "2025-06-20T12:04:00Z", **dated))
    runs.content(published("song"))
    runs.drain()
    assert runs.last() == {"song": ("permit", "terms.permit")}
    runs.now = "2025-06-20T12:04:00Z"
    runs.content(published("song", title="again"))
    runs.drain()
    assert runs.last() == {"song": ("deny", "consent.withdrawn")}

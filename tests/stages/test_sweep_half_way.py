"""A sweep that ended after some of its commits: what it said stands, and the next one goes on from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.stages.reading import in_their_own_order
from gatekeeper.stages.sweep import committing, sweeping
from gatekeeper.wiring.explaining import explain_now
from gatekeeper.wiring.questions import Asked
from tests.cli.conftest import event, published
from tests.stages.sweeping import SweepRuns
from tests.support.gate_runs import SERVICE, Died, dies_at

ASSETS = ("a", "b", "c", "d")
ENDS = "2025-06-20T12:05:00Z"
BEFORE, AFTER = "2025-06-20T12:01:00Z", "2025-06-20T12:10:00Z"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SweepRuns:
    """One asset for each commit; everything permitted and swept; then a withdrawal that ends at ``ENDS``."""
    monkeypatch.setattr(committing, "COMMIT_ROWS_MAX", 1)
    monkeypatch.setattr(sweeping, "BLOCK_ROWS", 1)
    runs = SweepRuns(tmp_path / "ws")
    runs.content(*map(published, ASSETS))
    runs.drain()
    runs.sweep()
    who = "account:nina"
    said = {"speaker": who, "subject": who, "purposes": SERVICE, "valid_until": ENDS}
    runs.rights(event("rights.consent.withdrawn", "2025-06-01T00:00:00Z", None, **said))
    runs.now = BEFORE
    return runs


def killed(runs: SweepRuns, clock: str) -> None:
    """A sweep by this clock that ends after its first commit."""
    now, runs.now = runs.now, clock
    with pytest.raises(Died):
        runs.sweep(dies_at("decisions.committed"))
    runs.now = now


def told(runs: SweepRuns, asset: str) -> list[tuple[str, object]]:
    """(verdict, instant) of the asset's decisions in the order their own columns say."""
    table = runs.opened.table("decisions")
    assert table is not None
    rows = table.look_up("asset_id", asset, table.spec.schema.names)
    rows = in_their_own_order(rows.filter([name == "radio" for name in rows["dataset"].to_pylist()]))
    return list(zip(rows["verdict"].to_pylist(), rows["decided_at"].to_pylist(), strict=True))


def test_a_sweep_by_a_clock_behind_goes_on_from_the_instant_of_the_one_before(runs: SweepRuns) -> None:
    """One whose clock was ahead saw the withdrawal end for one asset and died: nobody denies that asset again on an
    earlier instant, and the rows tell the order in which they were committed.
    """
    runs.sweep()
    assert set(runs.last().values()) == {("deny", "consent.withdrawn")}
    killed(runs, AFTER)
    assert list(runs.last().values()).count(("permit", "terms.permit")) == 1
    runs.now = BEFORE.replace(":01:", ":02:")
    runs.sweep()
    assert set(runs.last().values()) == {("permit", "terms.permit")}
    for asset in ASSETS:
        committed = [(row["verdict"], row["decided_at"]) for row in runs.decisions("radio") if row["asset_id"] == asset]
        assert told(runs, asset) == committed


def test_what_a_killed_sweep_said_is_not_said_again(runs: SweepRuns) -> None:
    """Killed after each of its commits in turn, then run to its end: one new decision an asset."""
    for _ in range(3):
        killed(runs, BEFORE)
    runs.sweep()
    swept = [row["asset_id"] for row in runs.decisions("radio") if row["driver"] == "sweep"]
    assert sorted(swept) == sorted(ASSETS)
    assert set(runs.last().values()) == {("deny", "consent.withdrawn")}
    assert not runs.rows()


def test_the_end_of_a_statement_touches_again_what_a_killed_sweep_had_denied(runs: SweepRuns) -> None:
    """No event comes: the withdrawal is over, for the assets that were denied as for the others."""
    killed(runs, BEFORE)
    runs.now = AFTER
    runs.sweep()
    assert set(runs.rows()) == set(ASSETS)
    explained = explain_now(runs.opened, "radio", ASSETS[0], Asked(at_us=None, rights_at=None), None)
    assert explained.recorded is not None
    assert explained.recorded["verdict"] == "permit"

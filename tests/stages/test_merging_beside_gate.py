"""Files are merged while a gate decides and sweeps follow: nothing is lost, and an asset is found as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.stages.reading import decisions_of, events_of
from gatekeeper.wiring.maintaining import maintain
from tests.cli.conftest import published
from tests.stages.sweeping import NOTHING, SweepRuns
from tests.support.gate_runs import granted, withdrawn
from tests.support.lake_log import Row

ROUNDS = 4


@pytest.fixture
def runs(tmp_path: Path) -> SweepRuns:
    return SweepRuns(tmp_path / "ws")


def test_merging_beside_a_running_gate_keeps_order_rows_and_look_ups(runs: SweepRuns) -> None:
    """After every round: one decision an event and dataset by the gate, each asset's decisions in the order in which
    they were committed, rows as the last decisions say, whatever files hold them by now.
    """
    with runs.running() as gate:
        for n in range(ROUNDS):
            time = f"2025-06-0{n + 2}T00:00:00Z"
            runs.content(*(published(f"song-{k}", time=time, title=str(n)) for k in range(3)))
            gate.until(lambda n=n: len(_by_the_gate(runs)) == 6 * (n + 1), "the round is decided")
            assert maintain(runs.opened, 0, lambda _table: None).files_merged["decisions"] >= 0
            runs.rights((withdrawn if n % 2 else granted)(time=time))
            runs.sweep()
            _look_up(runs)
    merged = maintain(runs.opened, 0, lambda _table: None)
    assert merged.files_merged["decisions"] > 0
    _look_up(runs)
    runs.drain()
    assert runs.decided(runs.sweep(full=True)) == NOTHING
    for dataset in ("radio", "models"):
        last = {row["asset_id"]: row["verdict"] for row in _committed(runs) if row["dataset"] == dataset}
        assert set(runs.rows(dataset)) == {asset for asset, verdict in last.items() if verdict == "permit"}


def _committed(runs: SweepRuns) -> list[Row]:
    """Every decision in the order of commits, by the change feed, for which a merge is nothing."""
    table = runs.opened.table("decisions")
    rows = [] if table is None else table.read_since(0, table.version).to_pylist()
    return sorted(rows, key=lambda row: (row["_commit_version"], row["offset"]))


def _by_the_gate(runs: SweepRuns) -> list[Row]:
    return [row for row in _committed(runs) if row["driver"] == "gate"]


def _look_up(runs: SweepRuns) -> None:
    catalog, decisions = runs.opened.table("catalog"), runs.opened.table("decisions")
    assert catalog is not None
    assert decisions is not None
    everything = _committed(runs)
    for asset in ("song-0", "song-1", "song-2", "nobody"):
        told = [_said(row) for row in decisions_of(decisions, asset).to_pylist()]
        for dataset in ("radio", "models"):
            committed = [_said(row) for row in everything if (row["asset_id"], row["dataset"]) == (asset, dataset)]
            assert [said for said in told if said[0] == dataset] == committed
        events = {row["offset"] for row in everything if row["asset_id"] == asset}
        assert set(events_of(catalog, asset)["offset"].to_pylist()) == events


def _said(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in ("dataset", "offset", "verdict", "reason", "driver", "rights_position"))

"""Dataset tables beside the gate: the rows are the last permits, each with the payload of its event (design §5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import event, published
from tests.support.gate_runs import Runs, withdrawn
from tests.support.lake_log import Row

DATA = ("account_id", "title", "licence", "tags", "artists", "genres", "duration_ms", "identifiers", "attributes")
RICH = {
    "title": "final",
    "licence": "CC-BY-4.0",
    "tags": ["ambient"],
    "artists": ["Nina", "Tom"],
    "genres": ["jazz"],
    "duration_ms": 12,
    "identifiers": {"isrc": "DEA122500001"},
    "attributes": {"bpm": "120"},
}


def updated(asset: str, time: str = "2025-06-01T00:00:00Z", **data: object) -> str:
    return event("content.updated", time, asset_id=asset, account_id="nina", **data)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Three gates: what is permitted at first is updated, removed, tagged, withdrawn and brought back."""
    runs = Runs(tmp_path_factory.mktemp("datasets") / "ws")
    assets = ("plain", "updated", "removed", "back", "tagged")
    runs.content(*(published(a, title="first") for a in assets), published("toms", "tom", title="first"))
    runs.drain()
    removals = [event("content.removed", "2025-06-02T00:00:00Z", asset_id=a, account_id="nina") for a in assets[2:4]]
    runs.content(updated("updated", title="second"), *removals, updated("tagged", title="second", tags=["No AI"]))
    runs.drain()
    runs.rights(withdrawn("tom"))
    runs.content(
        updated("updated", **RICH), updated("back", "2025-06-03T00:00:00Z", title="third"), published("toms", "tom")
    )
    runs.drain()
    return runs


def test_no_row_without_a_last_permit(runs: Runs) -> None:
    """Removed, reserved or withdrawn assets have no row; what a reservation does not touch keeps its row."""
    assert set(runs.rows("models")) == {"plain", "updated", "back"}
    assert set(runs.rows("radio")) == {"plain", "updated", "back", "tagged"}


@pytest.mark.parametrize("dataset", ["radio", "models"])
def test_rows_are_the_last_permits(runs: Runs, dataset: str) -> None:
    """Each row has the place and the rights position of the decision it stands for, and the payload of that event."""
    last: dict[str, Row] = {row["asset_id"]: row for row in runs.decisions(dataset)}
    permits = {asset: row for asset, row in last.items() if row["verdict"] == "permit"}
    rows, payload = runs.rows(dataset), {row["offset"]: row for row in runs.table("catalog")}
    assert set(rows) == set(permits)
    for asset, row in rows.items():
        decision = permits[asset]
        place = ("partition", "offset", "rights_position")
        assert [row[name] for name in place] == [decision[name] for name in place]
        assert [row[name] for name in DATA] == [payload[row["offset"]][name] for name in DATA]


def test_a_payload_is_as_it_was_sent(runs: Runs) -> None:
    """What the producer wrote is in the row, lists and maps included."""
    row = runs.rows()["updated"]
    assert {name: row[name] for name in RICH if name not in ("attributes", "identifiers")} == {
        name: value for name, value in RICH.items() if name not in ("attributes", "identifiers")
    }
    assert (dict(row["attributes"]), row["identifiers"]["isrc"]) == ({"bpm": "120"}, "DEA122500001")


@pytest.mark.parametrize("step", ["decisions.committed", "datasets/radio.write", "datasets/radio.commit"])
def test_a_fold_cut_short_is_caught_up_without_new_events(tmp_path: Path, step: str) -> None:
    """The decisions are committed, the gate died before the table followed: the next gate has nothing else to do."""
    runs = Runs(tmp_path / "ws")
    runs.content(published("song"), published("toms", "tom"))
    runs.drain()
    runs.rights(withdrawn("tom"))
    runs.content(published("toms", "tom"), updated("song", title="second"), published("new"))
    runs.dies(step)
    decided = runs.decisions()
    assert len(decided) == 10
    runs.drain()
    assert runs.decisions() == decided
    for dataset in runs.datasets:
        titles = {asset: row["title"] for asset, row in runs.rows(dataset).items()}
        assert titles == {"song": "second", "new": None}


def test_a_lost_fold_is_derived_again_from_decisions_to_come(tmp_path: Path) -> None:
    """Draining twice folds nothing twice."""
    runs = Runs(tmp_path / "ws")
    runs.content(published("song"))
    runs.drain()
    before = runs.rows()
    runs.drain()
    assert runs.rows() == before

"""A dataset's DAG from its table to a release, and the runs that must not get there."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

import gatekeeper
from tests.cli.conftest import Desk, event, published
from tests.dags.conftest import Airflow

DAG = "gatekeeper_dataset_search"
TERMS = event(
    "rights.terms.published",
    terms_id="t",
    effective_from="2024-01-01T00:00:00Z",
    acceptance="continued_use",
    grants={"service": "permit"},
)
NOW = "2026-11-01T00:00:00Z"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A dataset of five recordings that nobody is asked about. The clock is the machine's: tasks are processes."""
    made = Desk(tmp_path / "w", now=NOW)
    assert made.run("init", made.root, "--bare", workspace=False).code == 0
    made.dataset("search", "service.search")
    made.ok("apply")
    made.ok("rights", "append", "-", stdin=TERMS + "\n")
    songs = [published(f"song-{n}", account=f"a{n}", title=f"Song {n}") for n in range(5)]
    made.ok("content", "append", "-", stdin="\n".join(songs) + "\n")
    made.ok("gate", "--drain")
    return made


def releases(desk: Desk) -> list[str]:
    return sorted(f"search@{m.parent.name}" for m in (desk.root / "releases" / "search").glob("*/manifest.json"))


def test_a_run_ends_in_a_release(airflow: Airflow, desk: Desk) -> None:
    """Built, checked, shown, published; read back row by row."""
    ran = airflow.ask("run", DAG)
    assert ran["tasks"] == dict.fromkeys(("build", "check", "review", "publish"), "success"), ran["log"][-5000:]
    [name] = releases(desk)
    rows = gatekeeper.load(name, root=desk.root / "releases").to_table()
    assert rows["asset_id"].to_pylist() == [f"song-{n}" for n in range(5)]


def test_a_forged_row_blocks_the_run_and_is_named(airflow: Airflow, desk: Desk) -> None:
    """Planted in the dataset and in the decisions: nothing is published, and the task that failed names it."""
    dataset, decisions = (desk.root / "lake" / name for name in ("datasets/search", "decisions"))
    planted = DeltaTable(str(dataset)).to_pyarrow_table().slice(0, 1)
    at = planted.schema.get_field_index("asset_id")
    write_deltalake(str(dataset), planted.set_column(at, "asset_id", pa.array(["planted"])), mode="append")
    said = DeltaTable(str(decisions)).to_pyarrow_table().slice(0, 1)
    at = said.schema.get_field_index("asset_id")
    write_deltalake(str(decisions), said.set_column(at, "asset_id", pa.array(["planted"])), mode="append")
    ran = airflow.ask("run", DAG)
    assert ran["state"] == "failed"
    assert ran["tasks"]["publish"] != "success"
    assert "planted" in ran["log"]
    assert releases(desk) == []

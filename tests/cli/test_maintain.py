"""``gatekeeper maintain``: fewer files, the same rows, and what left a dataset is gone from the store in the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from deltalake import DeltaTable

from tests.cli.conftest import Desk, event, published

TERMS = event(
    "rights.terms.published",
    terms_id="t",
    effective_from="2024-01-01T00:00:00Z",
    acceptance="continued_use",
    grants={"service": "permit"},
)


def rows(desk: Desk, table: str) -> list[dict[str, object]]:
    found = DeltaTable(str(desk.root / "lake" / table)).to_pyarrow_table().to_pylist()
    return sorted(found, key=lambda row: (row["asset_id"], row["offset"]))


def files(desk: Desk, table: str) -> set[str]:
    """What lies in the folder, whether the table still knows it or not."""
    return {file.name for file in (desk.root / "lake" / table).glob("*.parquet")}


def known(desk: Desk, table: str) -> int:
    return len(DeltaTable(str(desk.root / "lake" / table)).file_uris())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Six gates, one after the other, each with an event; the second withdraws what the first published."""
    made = Desk(tmp_path / "w")
    assert made.run("init", made.root, "--bare", workspace=False).code == 0
    made.dataset("search", "service.search")
    made.ok("apply")
    made.ok("rights", "append", "-", stdin=TERMS + "\n")
    for n in range(6):
        made.ok("content", "append", "-", stdin=published(f"song-{n}", account=f"a{n}") + "\n")
        made.ok("gate", "--drain")
    gone = event("rights.consent.withdrawn", speaker="account:a0", subject="account:a0", purposes=["service"])
    made.ok("rights", "append", "-", stdin=gone + "\n")
    made.ok("content", "append", "-", stdin=published("song-0", account="a0", title="again") + "\n")
    made.ok("gate", "--drain")
    return made


def test_rows_and_decisions_stay_as_they_are(desk: Desk) -> None:
    """Merged files hold what the small ones held, and a gate goes on from there."""
    before = {table: rows(desk, table) for table in ("catalog", "decisions", "datasets/search")}
    assert known(desk, "decisions") > 1
    answer = desk.ok("maintain", "--json").json
    assert answer["files_merged"]["decisions"] > 0
    assert {table: rows(desk, table) for table in before} == before
    assert known(desk, "decisions") == known(desk, "catalog") == 1
    desk.ok("content", "append", "-", stdin=published("song-9", account="a9") + "\n")
    desk.ok("gate", "--drain")
    assert [r["asset_id"] for r in rows(desk, "datasets/search")] == [f"song-{n}" for n in (1, 2, 3, 4, 5, 9)]
    assert desk.ok("status", "--json").json["datasets"][0]["rows"] == 6


def test_what_left_is_kept_for_the_grace_and_then_deleted(desk: Desk) -> None:
    """A file with a withdrawn recording does not lie about for ever."""
    before = files(desk, "datasets/search")
    assert desk.ok("maintain", "--json").json["files_deleted"] == {"search": 0}
    assert files(desk, "datasets/search") == before
    deleted = desk.ok("maintain", "--grace-hours", "0", "--json").json["files_deleted"]["search"]
    assert deleted > 0
    assert len(files(desk, "datasets/search")) == len(before) - deleted
    assert [r["asset_id"] for r in rows(desk, "datasets/search")] == [f"song-{n}" for n in range(1, 6)]


def test_the_workspace_may_declare_the_grace(desk: Desk) -> None:
    """``grace_hours`` of gatekeeper.yaml holds where the command names none; merged files of other tables go with it,
    those of decisions never.
    """
    told = desk.ok("maintain", "--json").json
    assert (set(told["files_deleted"].values()), set(told["merged_away"].values())) == ({0}, {0})
    assert "decisions" not in told["merged_away"]
    old = files(desk, "decisions")
    desk.write("gatekeeper.yaml", "limits: {grace_hours: 1}\n")
    age(desk.root / "lake", hours=2)
    told = desk.ok("maintain", "--json").json
    assert told["files_deleted"]["search"] > 0
    assert told["merged_away"]["catalog"] > 0
    assert files(desk, "decisions") == old


def age(lake: Path, hours: int) -> None:
    """What left the tables left them so much earlier."""
    for entry in lake.rglob("_delta_log/*.json"):
        actions = [json.loads(line) for line in entry.read_text().splitlines()]
        for action in actions:
            if "remove" in action:
                action["remove"]["deletionTimestamp"] -= hours * 3_600_000
        entry.write_text("".join(json.dumps(action) + "\n" for action in actions))


def test_decisions_can_be_read_from_their_beginning_afterwards(desk: Desk) -> None:
    """Reports and a new dataset's fold read every version: nothing of that is deleted."""
    desk.ok("maintain", "--grace-hours", "0")
    assert "consent.withdrawn" in desk.ok("explain", "--dataset", "search", "song-0").out
    assert desk.ok("holds", "--json").code == 0
    assert desk.ok("status", "--json").json["datasets"][0]["verdicts"] == {"deny": 1, "permit": 5}


def test_a_workspace_without_a_lake(tmp_path: Path) -> None:
    """Nothing to do is no error."""
    made = Desk(tmp_path / "w")
    assert made.run("init", made.root, "--bare", workspace=False).code == 0
    assert made.ok("maintain", "--json").json == {"files_merged": {}, "files_deleted": {}, "merged_away": {}}

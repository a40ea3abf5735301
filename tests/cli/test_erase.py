"""``gatekeeper erase``: what describes a person's recordings is gone, and every decision can still be checked."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from gatekeeper.core.commits import Refused
from gatekeeper.edges.delta_table import Handle
from tests.cli.conftest import Desk, event, lines, published
from tests.support.candidates import Candidate

SECRET = "Ana's secret song"
MORE = {"artists": ["Ana Secret"], "media_uri": "https://ana.example/secret", "attributes": {"home": "secret street"}}


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """Two assets of an account, one of another, a dead letter that names it and one that cannot be read; a release."""
    desk.dataset("music", "training.analytical")
    desk.ok("apply")
    good = [published(f"song-{n}", "ana", title=SECRET, hometown="secret", genres=["jazz"], **MORE) for n in range(2)]
    desk.ok("content", "append", "-", stdin=lines(*good, published("other", "tom", title="Tom's own")))
    bad = json.loads(published("bad", "ana", title=SECRET))
    del bad["source"]
    others = json.loads(published("bad-2", "tom", title="of ana"))
    del others["source"]
    with (desk.root / "log" / "content.jsonl").open("a") as log:
        log.write(json.dumps(bad) + "\n" + '{"account_id": "ana", torn secret\n' + json.dumps(others) + "\n")
    desk.ok("gate", "--drain")
    desk.ok("sweep")
    Candidate(desk.root, "music", "1", desk.now).check()
    desk.ok("publish", "music@1")
    return desk


def stored(desk: Desk) -> str:
    """Everything that is in the lake's folder, as text."""
    found = []
    for file in (desk.root / "lake").rglob("*"):
        if file.suffix == ".parquet":
            found.append(str(pq.read_table(file).to_pylist()))
        elif file.is_file():
            found.append(file.read_text(errors="replace"))
    return "".join(found)


def rows(desk: Desk, table: str) -> list[dict[str, object]]:
    return sorted(
        DeltaTable(str(desk.root / "lake" / table)).to_pyarrow_table().to_pylist(), key=lambda row: row["offset"]
    )


def test_a_person_is_named_and_so_is_why(desk: Desk) -> None:
    """Neither, both, or no reason: exit code 2, and nothing is written."""
    before = stored(desk)
    for asked in (["--because", "x"], ["--account", "ana", "--asset", "a", "--because", "x"], ["--account", "ana"]):
        assert desk.run("erase", *asked).code == 2
    assert desk.run("erase", "--account", "ana", "--because", " ").code == 2
    nobody = desk.ok("erase", "--account", "nobody", "--because", "x", "--dry-run", "--json").json["rows"]
    assert {"catalog", "dead_letters", "datasets/music"} <= nobody.keys()
    assert not any(nobody.values())
    desk.ok("erase", "--account", "ana", "--because", "x", "--dry-run")
    assert stored(desk) == before


def test_what_describes_the_recordings_is_gone_and_nothing_else(desk: Desk) -> None:
    """From the catalogue, every dataset and the dead letters; ids and what decisions rest on stay; nobody else's row is
    touched. After the grace no file of the lake holds it.
    """
    before = {table: rows(desk, table) for table in ("catalog", "dead_letters", "datasets/music", "decisions")}
    told = desk.ok("erase", "--account", "ana", "--because", "request 7", "--json").json
    assert told["rows"]["catalog"] == told["rows"]["dead_letters"] == told["rows"]["datasets/music"] == 2
    gone = {"title": None, "artists": None, "media_uri": None, "attributes": None, "extra": None}
    for table in ("catalog", "datasets/music"):
        expected = [row | gone if row["account_id"] == "ana" else row for row in before[table]]
        assert rows(desk, table) == expected
    assert rows(desk, "decisions") == before["decisions"]
    letters = rows(desk, "dead_letters")
    assert [letter["reason"] for letter in letters] == [letter["reason"] for letter in before["dead_letters"]]
    assert [bool(letter["value"]) for letter in letters] == [False, False, True]
    assert "bytes with SHA-256" in str(letters[0]["detail"])
    assert SECRET in stored(desk)
    desk.ok("maintain", "--grace-hours", "0")
    left = stored(desk)
    assert "request 7" in left
    assert all(text not in left for text in (SECRET, "Ana Secret", "ana.example", "secret street", "hometown", "torn"))


def test_decisions_and_releases_can_still_be_checked(desk: Desk) -> None:
    """Replay and verify say what they said; a sweep, a gate, a recall and a new build go on; a row of a release that
    somebody changed is still found out.
    """
    desk.ok("erase", "--asset", "song-0", "--because", "request 8")
    desk.ok("maintain", "--grace-hours", "0")
    assert desk.ok("replay", "--json").json["differ"] == 0
    assert desk.ok("verify", "--all", "--json").json["verified"] is True
    assert desk.ok("recall", "--json").json["releases"][0]["recalled_now"] == 0
    assert not any(desk.ok("sweep", "--full", "--json").json["decided"].values())
    desk.ok("content", "append", "-", stdin=lines(published("song-0", "ana", "2025-06-02T00:00:00Z", title="anew")))
    desk.ok("gate", "--drain")
    assert next(row for row in rows(desk, "datasets/music") if row["asset_id"] == "song-0")["title"] == "anew"
    assert desk.ok("build", "music", "--json").json["rows"] == 3
    assert desk.ok("explain", "--dataset", "music", "song-0", "--json").json["recorded_differs"] is False


def test_a_candidate_built_before_is_built_again(desk: Desk) -> None:
    """It holds what was erased: it is refused, and the next one is published."""
    Candidate(desk.root, "music", "2", desk.now).check()
    desk.ok("erase", "--account", "ana", "--because", "request 9")
    assert desk.run("publish", "music@2").code == 1
    Candidate(desk.root, "music", "3", desk.now).check()
    desk.ok("publish", "music@3")


def test_somebody_who_commits_meanwhile_costs_a_second_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused exchange is made again on what is there then; erasing twice finds nothing the second time."""
    exchange, refusals = Handle.exchange, [1, 1]

    def refusing(self: Handle, *given: object, **more: object) -> object:
        if refusals:
            refusals.pop()
            self.delta.create_checkpoint()
            return Refused("somebody was quicker")
        return exchange(self, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Handle, "exchange", refusing)
    assert desk.ok("erase", "--account", "ana", "--because", "x", "--json").json["rows"]["catalog"] == 2
    assert not any(desk.ok("erase", "--account", "ana", "--because", "x", "--json").json["rows"].values())
    removed = event("content.removed", "2025-06-09T00:00:00Z", asset_id="song-1", account_id="ana")
    desk.ok("content", "append", "-", stdin=lines(removed))
    desk.ok("gate", "--drain")
    assert {row["asset_id"] for row in rows(desk, "datasets/music")} == {"song-0", "other"}


def test_an_empty_workspace_has_nothing_to_erase(tmp_path: Path) -> None:
    """No table, no row; the request is kept."""
    made = Desk(tmp_path / "w")
    assert made.run("init", "--bare", made.root, workspace=False).code == 0
    assert made.ok("erase", "--account", "ana", "--because", "x", "--json").json["rows"] == {}

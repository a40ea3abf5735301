"""The whole first path with its lake on a real S3 server: decisions, rows, a second gate, nothing in the folder."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml
from deltalake import DeltaTable

from tests.cli.conftest import Desk, event, published
from tests.support.s3 import S3Server


@pytest.fixture
def lake(s3: S3Server) -> dict[str, object]:
    """What gatekeeper.yaml says of the lake."""
    return {
        "uri": f"s3://{s3.bucket()}/rights/lake",
        "options": {
            "aws_endpoint": f"http://127.0.0.1:{s3.port}",
            "aws_region": "us-east-1",
            "aws_access_key_id": s3.options["aws_access_key_id"],
            "aws_secret_access_key": s3.options["aws_secret_access_key"],
            "aws_allow_http": "true",
        },
    }


@pytest.fixture
def desk(tmp_path: Path, lake: dict[str, object]) -> Desk:
    """A workspace whose folder holds logs and rules, and whose lake is on S3."""
    made = Desk(tmp_path / "w")
    assert made.run("init", made.root, "--bare", workspace=False).code == 0
    made.write("gatekeeper.yaml", yaml.safe_dump({"log": "files", "lake": lake}))
    made.dataset("search", "service.search")
    made.ok("apply")
    return made


def rows(lake: dict[str, object], table: str) -> list[dict[str, object]]:
    """The table as deltalake reads it from the server."""
    options = {**lake["options"], "aws_conditional_put": "etag"}  # type: ignore[dict-item]
    return DeltaTable(f"{lake['uri']}/{table}", storage_options=options).to_pyarrow_table().to_pylist()


TERMS = event(
    "rights.terms.published",
    terms_id="t",
    effective_from="2024-01-01T00:00:00Z",
    acceptance="continued_use",
    grants={"service": "permit"},
)


def test_a_gate_on_s3_decides_records_and_folds(desk: Desk, lake: dict[str, object]) -> None:
    """Every event once in catalogue and decisions, the bad one among the dead letters, only permits in the dataset."""
    desk.ok("rights", "append", "-", stdin=TERMS + "\n")
    events = [published(f"song-{n}", account=f"a{n % 3}") for n in range(30)]
    desk.ok("content", "append", "-", stdin="\n".join(events) + "\n")
    with (desk.root / "log" / "content.jsonl").open("a") as log:
        log.write("no event\n")
    desk.ok("gate", "--drain")
    assert Counter(r["verdict"] for r in rows(lake, "decisions")) == {"permit": 30}
    assert len(rows(lake, "dead_letters")) == 1
    assert {r["asset_id"] for r in rows(lake, "datasets/search")} == {f"song-{n}" for n in range(30)}
    assert not (desk.root / "lake").exists()


def test_a_second_gate_goes_on_where_the_first_ended(desk: Desk, lake: dict[str, object]) -> None:
    """Positions come from the tables on the server; a withdrawal between the two is a denial, and the row leaves."""
    desk.ok("rights", "append", "-", stdin=TERMS + "\n")
    desk.ok("content", "append", "-", stdin=published("song", account="nina") + "\n")
    desk.ok("gate", "--drain")
    withdrawn = event("rights.consent.withdrawn", speaker="account:nina", subject="account:nina", purposes=["service"])
    desk.ok("rights", "append", "-", stdin=withdrawn + "\n")
    desk.ok("content", "append", "-", stdin=published("song", account="nina", title="again") + "\n")
    desk.ok("gate", "--drain")
    assert [r["verdict"] for r in sorted(rows(lake, "decisions"), key=lambda r: r["offset"])] == ["permit", "deny"]
    assert rows(lake, "datasets/search") == []
    assert [d["rows"] for d in desk.ok("status", "--json").json["datasets"]] == [0]
    assert "consent.withdrawn" in desk.ok("explain", "--dataset", "search", "song").out


def test_a_sweep_on_s3_takes_rows_out(desk: Desk, lake: dict[str, object]) -> None:
    """A withdrawal without any new content event: the sweep finds the lake, decides again, and the row leaves."""
    desk.ok("rights", "append", "-", stdin=TERMS + "\n")
    desk.ok("content", "append", "-", stdin="\n".join(published(f"song-{n}", account=f"a{n}") for n in range(2)) + "\n")
    desk.ok("gate", "--drain")
    withdrawn = event("rights.consent.withdrawn", speaker="account:a0", subject="account:a0", purposes=["service"])
    desk.ok("rights", "append", "-", stdin=withdrawn + "\n")
    desk.ok("sweep")
    assert [r["asset_id"] for r in rows(lake, "datasets/search")] == ["song-1"]
    assert not (desk.root / "lake").exists()


def test_what_was_decided_on_s3_is_replayed_and_a_person_is_erased(desk: Desk, lake: dict[str, object]) -> None:
    """The fields go from every table, the files that held them from the bucket; every decision is made again."""
    desk.ok("rights", "append", "-", stdin=TERMS + "\n")
    desk.ok("content", "append", "-", stdin="\n".join(published(f"song-{n}", account="ana") for n in range(2)) + "\n")
    desk.ok("gate", "--drain")
    told = desk.ok("erase", "--account", "ana", "--because", "request 7", "--json").json["rows"]
    assert told == {"catalog": 0, "datasets/search": 0, "dead_letters": 0}, "nothing described them"
    titled = published("song-0", account="ana", time="2025-06-02T00:00:00Z", title="Ana's own")
    desk.ok("content", "append", "-", stdin=titled + "\n")
    desk.ok("gate", "--drain")
    assert desk.ok("erase", "--account", "ana", "--because", "request 8", "--json").json["rows"]["datasets/search"] == 1
    assert desk.ok("maintain", "--grace-hours", "0", "--json").json["merged_away"]["catalog"] > 0
    assert {r["title"] for r in rows(lake, "datasets/search")} == {None}
    assert desk.ok("replay", "--json").json == desk.ok("replay", "--json", "--reference").json
    assert desk.ok("replay", "--json").json["differ"] == 0


def test_a_lake_that_cannot_be_reached_is_said_so(desk: Desk, lake: dict[str, object]) -> None:
    """Exit code 3 and what to look at; nothing is written elsewhere instead."""
    away = json.loads(json.dumps(lake))
    away["options"] |= {"aws_endpoint": "http://127.0.0.1:9", "max_retries": "0", "timeout": "2s"}
    desk.write("gatekeeper.yaml", yaml.safe_dump({"log": "files", "lake": away}))
    answer = desk.run("gate", "--drain")
    assert answer.code == 3
    assert "lake" in answer.err
    assert not (desk.root / "lake").exists()

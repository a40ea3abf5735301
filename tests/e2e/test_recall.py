"""From a withdrawal to the reader of a release: counted by SQL over the raw logs, which knows nothing of recalls.

What a release may still give is what the SQL permits now of what it held, without copies of what a claim stopped.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

import gatekeeper
from gatekeeper.cli import main
from tests.e2e.demo_run import Demo, run_demo
from tests.e2e.sql_oracle import Oracle
from tests.support.catalogues import FREEMUSICC, needs

RELEASES = ("analytical-training@1", "recommendation@1")


def run(workspace: Path, *arguments: str) -> dict[str, Any]:
    """In this process, by the clock of the machine."""
    done = CliRunner().invoke(main, ["--json", "--workspace", str(workspace), *arguments])
    assert done.exit_code == 0, done.output[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def append(workspace: Path, log: str, *events: tuple[str, dict[str, Any]]) -> None:
    """Events of now, one second apart."""
    first = datetime.now(UTC) - timedelta(seconds=len(events))
    file = workspace / "events.jsonl"
    with file.open("w") as lines:
        for n, (type_, data) in enumerate(events):
            time = (first + timedelta(seconds=n)).isoformat()
            envelope = {"specversion": "1.0", "id": f"{time}/{n}", "source": "urn:test", "type": type_, "time": time}
            lines.write(json.dumps(envelope | {"data": data}) + "\n")
    run(workspace, log, "append", str(file))


def upload(asset: str, **identifiers: str) -> tuple[str, dict[str, Any]]:
    return "content.published", {"asset_id": asset, "account_id": f"by-{asset}", "identifiers": identifiers}


def withdrawn(who: str) -> tuple[str, dict[str, Any]]:
    return "rights.consent.withdrawn", {"speaker": who, "subject": who, "purposes": ["training"]}


def taken_down(subject: str) -> tuple[str, dict[str, Any]]:
    return "rights.claim.opened", {"claim_id": f"e2e/{subject}", "kind": "takedown", "subject": subject}


def biggest_holder(workspace: Path, among: set[str]) -> str:
    """The party (account, where there are no interests) with most recordings in a release and no agreement."""
    rights = (workspace / "log" / "rights.jsonl").read_text().splitlines()
    bound = {f"party:{json.loads(line)['data'].get('party_id')}" for line in rights}
    found: Counter[str] = Counter()
    for line in (workspace / "log" / "content.jsonl").read_text().splitlines():
        try:
            data = json.loads(line)["data"]
            mine = data["asset_id"] in among
        except (ValueError, KeyError, TypeError):
            continue
        if mine and not data["asset_id"].startswith(("twice", "copied", "removed")):
            parties = {f"party:{interest['party_id']}" for interest in data.get("interests") or ()}
            found.update((parties or {f"account:{data['account_id']}"}) - bound)
    return found.most_common(1)[0][0]


def held(workspace: Path, release: str) -> set[str]:
    """What was published, read by DuckDB."""
    parts = workspace / "releases" / release.replace("@", "/") / "data" / "*.parquet"
    return {row[0] for row in duckdb.sql(f"select asset_id from '{parts}'").fetchall()}


def follow(demo: Demo, least: int) -> None:
    """Publish two releases, take rights away, let everything hear of it, and count."""
    w = demo.workspace
    twice = [upload("twice-1", isrc="US-RC1-99-00001"), upload("twice-2", isrc="usrc19900001")]
    copied = [upload("copied-1", content_sha256="AB" * 32), upload("copied-2", content_sha256="ab" * 32)]
    append(w, "content", *twice, *copied, upload("removed"))
    run(w, "gate", "--drain")
    for release in RELEASES:
        run(w, "build", release.partition("@")[0], "--version", "1")
        run(w, "check", release)
        run(w, "approve", release, "--by", "test", "--because", "test")
        run(w, "publish", release)
    before = {release: held(w, release) for release in RELEASES}
    holder = biggest_holder(w, before[RELEASES[0]])
    append(w, "content", ("content.removed", {"asset_id": "removed", "account_id": "by-removed"}))
    append(w, "rights", withdrawn(holder), taken_down("isrc:USRC19900001"), taken_down("asset:copied-1"))
    run(w, "gate", "--drain")
    run(w, "sweep")
    told = {one["release"]: one for one in run(w, "recall")["releases"]}
    oracle = Oracle(w, datetime.now(UTC))
    for release in RELEASES:
        dataset = release.partition("@")[0]
        verdicts = {asset: said for (name, asset), said in oracle.verdicts.items() if name == dataset}
        refused = {asset for asset in before[release] if verdicts[asset][0] != "permit"}
        stopped = {asset for asset, (verdict, reason) in verdicts.items() if reason.startswith("claim.")}
        expected = refused | {mine for mine, other in oracle.copies if other in stopped and mine in before[release]}
        assert {"twice-1", "twice-2", "copied-1", "copied-2", "removed"} <= expected
        recalled = set(json.loads((w / "releases" / dataset / "1" / "recalls" / "0001.json").read_bytes())["asset_ids"])
        assert recalled == expected
        assert told[release]["recalled_now"] == len(expected)
        rows = gatekeeper.load(release, root=w / "releases", recalled="filter").to_table(columns=["asset_id"])
        assert set(rows["asset_id"].to_pylist()) == before[release] - expected
        assert demo.rows(dataset) == {asset for asset, said in verdicts.items() if said[0] == "permit"}
    assert told[RELEASES[0]]["reasons"]["consent.withdrawn"] >= least
    assert "consent.withdrawn" not in told[RELEASES[1]]["reasons"]
    assert run(w, "recall")["releases"][0]["files"] == []
    kind, _, name = holder.partition(":")
    mine = {one["release"]: one["recalled"] for one in run(w, "trace", f"--{kind}", name)["releases"]}
    assert mine[RELEASES[0]] == told[RELEASES[0]]["reasons"]["consent.withdrawn"]
    assert run(w, "withdrawals")["open"] == 0


def test_in_the_demo_world(tmp_path: Path) -> None:
    """The holder of most of the invented world's recordings says no."""
    follow(run_demo(tmp_path), least=1)


@pytest.mark.catalog
def test_in_a_real_catalogue(tmp_path: Path) -> None:
    """A label with more than five hundred tracks says no."""
    needs(FREEMUSICC)
    follow(run_demo(tmp_path, "--catalog", str(FREEMUSICC)), least=500)

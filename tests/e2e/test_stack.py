"""Everything at once, as it is run: real tracks and rights through Kafka, the gate, Airflow, a person, S3; and the runs
that must not end in a release. One stack, one Airflow, one test: it is told in one piece.
"""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import httpx
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake

import gatekeeper
from deploy.stack.processes import NotStarted, members
from deploy.stack.s3_server import program
from tests.cli.conftest import event
from tests.e2e.stack_run import Run, RunningStack, first_run
from tests.support.browser import Browser
from tests.support.catalogues import FREEMUSICC, needs
from tests.support.raw_logs import kafka_records

pytestmark = [pytest.mark.kafka, pytest.mark.catalog]

TRACKS = 300
PURPOSES = {
    "main": "service.search",
    "refused": "service.recommendation",
    "silent": "service.playlisting",
    "twice": "service.content_organisation",
}
"""Each scenario's dataset has a purpose of its own, so that what is withdrawn for one leaves the others alone."""
SILENCE_H = 0.005
OTHERS = ("gatekeeper_sweep", "gatekeeper_recall", "gatekeeper_maintenance")
TERMS = event(
    "rights.terms.published",
    terms_id="t",
    effective_from="2014-01-01T00:00:00Z",
    acceptance="continued_use",
    grants={"service": "permit"},
)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[RunningStack]:
    """Starting while the declarations are there already, as a team's repository would have them."""
    needs(FREEMUSICC)
    try:
        program()
    except NotStarted as missing:
        pytest.skip(str(missing))
    datasets = tmp_path / "stack" / "workspace" / "datasets"
    datasets.mkdir(parents=True)
    for name, purpose in PURPOSES.items():
        declared = {"name": name, "owner": "search-team", "description": f"{name} tracks", "purpose": purpose}
        more = {"approve_within_h": SILENCE_H} if name == "silent" else {}
        (datasets / f"{name}.yaml").write_text(json.dumps(declared | more))
    running = RunningStack(tmp_path / "stack", "--bare")
    try:
        running.ready()
        yield running
    finally:
        running.end()


def test_from_kafka_to_a_release_and_what_must_not_get_there(stack: RunningStack, subtests: pytest.Subtests) -> None:
    """The whole path, then its negative twins, then Ctrl-C and nothing left."""
    for other in OTHERS:  # what they do is told elsewhere; here they would only come in between
        stack.api("operator").ask("PATCH", f"/dags/{other}", json={"is_paused": True})
    silenced, leaving = labels()
    publish_tracks(stack, silenced)
    reviewer = stack.api("reviewer")
    runs = {name: first_run(reviewer, f"gatekeeper_dataset_{name}") for name in PURPOSES}
    with subtests.test("a person's yes makes a release of exactly what is permitted"):
        a_yes_makes_a_release(stack, runs["main"], silenced)
    with subtests.test("the rights review is behind Airflow's authentication"):
        only_who_may_see_runs_sees_the_review(stack, runs["main"])
    second = after_a_withdrawal(stack, runs["main"], leaving)
    with subtests.test("who may not answer cannot"):
        only_the_approver_answers(stack, runs["refused"])
    with subtests.test("a rejection publishes nothing, and is kept"):
        a_no_publishes_nothing(stack, runs["refused"])
    with subtests.test("the run's page has the rights review, for eyes and for a keyboard"):
        the_tab_is_there(stack, runs["main"])
    planted = plant_forged_row(stack, runs["refused"], silenced)
    with subtests.test("of two publications of one version one wins"):
        one_version_one_release(stack, runs["twice"])
    with subtests.test("silence publishes nothing"):
        silence_publishes_nothing(stack, runs["silent"])
    with subtests.test("what was withdrawn before the build is not in it"):
        withdrawn_before_the_build(stack, second, leaving[0])
    with subtests.test("what was withdrawn before publication stops it"):
        withdrawn_before_publication(stack, second, leaving[1])
    with subtests.test("a forged row blocks the run and is named"):
        a_forged_row_blocks(stack, planted)
    with subtests.test("the review of a blocked run names the row, that of another DAG says what it is not"):
        the_review_says_what_blocks(stack, planted)
    with subtests.test("Ctrl-C leaves nothing behind"):
        nothing_is_left(stack)


# --- what the scenarios are made of


def labels() -> tuple[str, tuple[str, str]]:
    """The label with most of the tracks, and two others."""
    with gzip.open(FREEMUSICC, "rt", encoding="utf-8") as file:
        names = [row["label"] for _, row in zip(range(TRACKS), csv.DictReader(file), strict=False)]
    most, one, another = [name for name, _ in Counter(names).most_common(4) if name][:3]
    return most, (one, another)


def publish_tracks(stack: RunningStack, silenced: str) -> None:
    """Rights first, then the tracks: an agreement keeps one label out of ``main`` and ``refused``."""
    agreement = event(
        "rights.agreement.signed",
        agreement_id="not-for-these",
        party_id=silenced,
        scope={"all": True},
        permits=[],
        prohibits=[PURPOSES["main"], PURPOSES["refused"]],
        valid_from="2014-01-01T00:00:00Z",
    )
    stack.ok("apply")
    stack.ok("rights", "append", "-", stdin=f"{TERMS}\n{agreement}\n")
    imported = stack.ok("content", "import", str(FREEMUSICC), "--limit", str(TRACKS))
    assert imported["appended"] > TRACKS / 2


def withdraw(stack: RunningStack, label: str, purpose: str) -> None:
    said = {"speaker": f"account:{label}", "subject": f"account:{label}", "purposes": [purpose]}
    stack.ok("rights", "append", "-", stdin=event("rights.consent.withdrawn", **said) + "\n")


def on_kafka(stack: RunningStack) -> dict[str, dict[str, Any]]:
    """Asset → its event's data, read from the topic by another reader."""
    records = kafka_records(stack.facts["kafka"], "content")
    found = [json.loads(record.value)["data"] for record in records]
    return {data["asset_id"]: data for data in found}


def s3_options(stack: RunningStack) -> dict[str, str]:
    return {name: value for name, value in stack.facts["s3"].items() if name not in ("lake", "releases")}


def release_names(stack: RunningStack, dataset: str) -> list[str]:
    return [line["release"] for line in stack.ok("releases", "list", dataset)["releases"]]


def rows_in_s3(stack: RunningStack, release: str) -> set[str]:
    """Asset ids, as DuckDB reads them from the bucket: through no code of ours."""
    import boto3

    dataset, version = release.split("@")
    client, bucket = boto3.client("s3", **s3_options(stack)), stack.facts["s3"]["releases"]
    prefix = f"releases/{dataset}/{version}/data/"
    ids: set[str] = set()
    for entry in client.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        part = stack.folder / "part.parquet"
        client.download_file(bucket, entry["Key"], str(part))
        ids |= {row[0] for row in duckdb.sql(f"select asset_id from read_parquet('{part}')").fetchall()}
    return ids


# --- the scenarios


def a_yes_makes_a_release(stack: RunningStack, run: Run, silenced: str) -> None:
    run.asks(stack.scheduler_log)
    name = run.build
    assert release_names(stack, "main") == []
    run.answer("Approve", "the reasons are as expected")
    assert run.ended() == "success", run.tasks
    assert release_names(stack, "main") == [name]
    permitted = {asset for asset, data in on_kafka(stack).items() if data["account_id"] != silenced}
    assert rows_in_s3(stack, name) == permitted
    root = f"s3://{stack.facts['s3']['releases']}/releases"
    rows = gatekeeper.load(name, root=root, options=s3_options(stack)).to_table()
    assert set(rows["asset_id"].to_pylist()) == permitted
    approval = stack.ok("releases", "show", name)["manifest"]["release"]["approval"]
    assert approval["by"] == "reviewer"
    assert approval["because"] == "the reasons are as expected"
    assert approval["approved"] is True
    assert approval["at"].startswith("20")
    [outlet] = run.api.get("/assets/events", source_dag_id=run.dag)["asset_events"]
    assert outlet["extra"] == {
        "release": name,
        "rows": len(permitted),
        "rights_position": stack.ok("releases", "show", name)["manifest"]["release"]["rights_position"],
    }


def only_who_may_see_runs_sees_the_review(stack: RunningStack, run: Run) -> None:
    """Nobody without a token, nobody with a wrong one; who may only look may look. No browser keeps a page of it."""
    for page in (run.review, f"{run.review}/explain?asset=x"):
        assert httpx.get(stack.facts["airflow"] + page).status_code == 401
        assert httpx.get(stack.facts["airflow"] + page, cookies={"_token": "forged"}).status_code in (401, 403)
    seen = stack.api("reader").page(run.review)
    assert seen.status_code == 200
    assert run.build.partition("@")[2] in seen.text
    assert seen.headers["cache-control"] == "no-store"
    assert "script-src" not in seen.headers["content-security-policy"]
    assert seen.headers["content-security-policy"].startswith("default-src 'none'")


def the_tab_is_there(stack: RunningStack, run: Run) -> None:
    """In the browser that people use: the tab, what it shows, and its way to an explanation without a mouse."""
    url = stack.facts["airflow"]
    browser = Browser(stack.folder / "chromium")
    try:
        browser.cookie(url, "_token", stack.api("reviewer").token)
        browser.open(f"{url}/dags/{run.dag}/runs/{quote(run.id, safe='')}/plugin/rights_review")
        frame = "document.querySelector('iframe')?.contentDocument"
        browser.until(f"!!{frame}?.querySelector('#came-in svg.flow rect')")
        assert "Rights review" in browser.js("document.body.innerText")
        assert "quality gate passed" in browser.js(f"{frame}.body.innerText")
        painted = f"getComputedStyle({frame}.querySelector('rect.permit')).fill"
        assert browser.js(painted) != "rgb(0, 0, 0)", "the style sheet was not used"
        browser.open(url + run.review)
        browser.press("Tab")
        assert browser.focused() == "Skip to the content"
        while (browser.js("document.activeElement.search") or "").startswith("?asset=") is False:
            browser.press("Tab")
            assert browser.js("document.activeElement !== document.body"), "no explanation within reach of a keyboard"
        asked = browser.focused()
        browser.press("Enter")
        browser.until("location.pathname.endsWith('/explain') && document.readyState === 'complete'")
        assert asked in browser.js("document.body.innerText")
        assert "agreement.prohibit" in browser.js("document.body.innerText")
    finally:
        browser.close()


def the_review_says_what_blocks(stack: RunningStack, run: Run) -> None:
    seen = stack.api("reader").page(run.review)
    assert seen.status_code == 200
    assert "blocked by the quality gate" in seen.text
    assert run.about in seen.text
    gate = replace(run, dag="gatekeeper_gate")
    assert "This DAG makes no dataset" in stack.api("reader").page(gate.review).text


def after_a_withdrawal(stack: RunningStack, before: Run, leaving: tuple[str, str]) -> Run:
    """No gate and no sweep sees it: the dataset's table still has the rows when the next run builds."""
    withdraw(stack, leaving[0], PURPOSES["main"])
    return Run(before.api, before.dag, before.api.trigger(before.dag, version="second"))


def withdrawn_before_the_build(stack: RunningStack, run: Run, label: str) -> None:
    run.asks(stack.scheduler_log)
    parts = stack.workspace / "builds" / "main" / "second" / "data" / "*.parquet"
    built = {row[0] for row in duckdb.sql(f"select asset_id from read_parquet('{parts}')").fetchall()}
    gone = {asset for asset, data in on_kafka(stack).items() if data["account_id"] == label}
    assert built
    assert gone
    assert built.isdisjoint(gone)


def withdrawn_before_publication(stack: RunningStack, run: Run, label: str) -> None:
    withdraw(stack, label, PURPOSES["main"])
    run.answer("Approve", "looked right when I read it")
    assert run.ended() == "failed"
    assert run.tasks["publish"] == "failed"
    log = run.log("publish")
    assert "consent.withdrawn" in log
    assert "what to do" in log
    assert "main@second" not in release_names(stack, "main")


def only_the_approver_answers(stack: RunningStack, run: Run) -> None:
    run.asks(stack.scheduler_log)
    for user, code in (("operator", 403), ("reader", 403)):
        with pytest.raises(httpx.HTTPStatusError) as refused:
            stack.api(user).answer(run.dag, run.id, "Approve", "I should not be able to")
        assert refused.value.response.status_code == code, user
    assert run.tasks["approve"] == "awaiting_input"


def a_no_publishes_nothing(stack: RunningStack, run: Run) -> None:
    run.answer("Reject", "two labels are missing")
    assert run.ended() == "success"
    assert run.tasks["publish"] == "skipped"
    assert release_names(stack, "refused") == []
    said = stack.gatekeeper("publish", run.build)
    assert said.code == 1
    assert "reviewer rejected" in said.json["error"]
    assert "two labels are missing" in said.json["error"]


def silence_publishes_nothing(stack: RunningStack, run: Run) -> None:
    assert run.ended() == "failed"
    assert run.tasks["approve"] == "failed"
    assert run.tasks["publish"] == "upstream_failed"
    assert release_names(stack, "silent") == []
    assert "nothing is published" in run.log("approve")
    assert stack.gatekeeper("publish", run.build).code == 1


def one_version_one_release(stack: RunningStack, run: Run) -> None:
    """Another workspace on the same logs, lake and bucket, as a second team's machine would be."""
    run.asks(stack.scheduler_log)
    other, (_, version) = stack.folder / "other", run.build.split("@")
    shutil.copytree(stack.workspace, other, ignore=shutil.ignore_patterns("builds", ".snapshots"))
    for command in (("build", "twice", "--version", version), ("check", run.build)):
        stack.ok(*command, workspace=other)
    stack.ok("approve", run.build, "--by", "mia", "--because", "first", workspace=other)
    won = stack.ok("publish", run.build, workspace=other)
    before = stack.ok("releases", "show", run.build)
    run.answer("Approve", "second")
    assert run.ended() == "failed"
    assert run.tasks["publish"] == "failed"
    assert "published already, from another candidate" in run.log("publish")
    assert stack.ok("releases", "show", run.build) == before
    assert before["manifest"]["release"]["candidate"] == won["candidate"]
    assert before["manifest"]["release"]["approval"]["by"] == "mia"


def plant_forged_row(stack: RunningStack, before: Run, silenced: str) -> Run:
    """A denied recording's own event into the dataset, and a permit of it into the decisions, as whoever can write to
    the lake could.
    """
    catalog, dataset, decisions = (lake_table(stack, name) for name in ("catalog", "datasets/refused", "decisions"))
    event_row = catalog.filter(pc.equal(catalog["account_id"], silenced)).slice(0, 1)
    asset = event_row["asset_id"][0]
    columns = [name for name in dataset.column_names if name in event_row.column_names]
    write_to_lake(stack, "datasets/refused", event_row.select(columns))
    of_asset = pc.and_(pc.equal(decisions["asset_id"], asset), pc.equal(decisions["dataset"], "refused"))
    permit = decisions.filter(of_asset).slice(0, 1)
    assert permit["verdict"].to_pylist() == ["deny"]
    for name, value in (("verdict", "permit"), ("reason", "terms.permit")):
        permit = permit.set_column(permit.schema.get_field_index(name), name, pa.array([value]))
    write_to_lake(stack, "decisions", permit)
    run = Run(before.api, before.dag, before.api.trigger(before.dag, version="forged"))
    return replace(run, about=asset.as_py())


def lake_table(stack: RunningStack, name: str) -> pa.Table:
    return DeltaTable(
        f"s3://{stack.facts['s3']['lake']}/lake/{name}", storage_options=lake_options(stack)
    ).to_pyarrow_table()


def write_to_lake(stack: RunningStack, name: str, rows: pa.Table) -> None:
    uri = f"s3://{stack.facts['s3']['lake']}/lake/{name}"
    write_deltalake(uri, rows, mode="append", schema_mode="merge", storage_options=lake_options(stack))


def lake_options(stack: RunningStack) -> dict[str, str]:
    s3 = stack.facts["s3"]
    return {
        "aws_endpoint": s3["endpoint_url"],
        "aws_region": s3["region_name"],
        "aws_access_key_id": s3["aws_access_key_id"],
        "aws_secret_access_key": s3["aws_secret_access_key"],
        "aws_allow_http": "true",
        "aws_conditional_put": "etag",
    }


def a_forged_row_blocks(stack: RunningStack, run: Run) -> None:
    assert run.ended() == "failed"
    assert run.tasks["check"] == "failed", run.tasks
    assert run.tasks["publish"] == "upstream_failed"
    assert run.about in run.log("check")
    assert release_names(stack, "refused") == []


def nothing_is_left(stack: RunningStack) -> None:
    sessions = stack.facts["processes"]
    assert all(members(session) for session in sessions.values())
    assert stack.interrupt() == 0
    assert {name: members(session) for name, session in sessions.items()} == {name: [] for name in sessions}

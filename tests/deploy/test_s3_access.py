"""Who may do what in the buckets: the policies of deploy/access on a real S3 server with accounts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError

import gatekeeper
from deploy.stack.processes import NotStarted, free_ports
from deploy.stack.s3_server import S3Server, program
from deploy.stack.workspace import LAKE, RELEASES
from gatekeeper.errors import GatekeeperError
from tests.cli.conftest import Desk, event, lines, published

ACCESS = Path(__file__).resolve().parents[2] / "deploy" / "access"
USERS = ("ml-reader", "worker", "policy-owner", "rights-desk", "auditor")
ROOT_KEY, ROOT_SECRET = "root", "only-on-loopback"


def secret(user: str) -> str:
    return f"{user}-secret"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Two buckets with their policies, and an account for each who is named in them."""
    folder = tmp_path_factory.mktemp("s3-access")
    (folder / "iam").mkdir()
    try:
        made = S3Server(folder, free_ports(1)[0], ROOT_KEY, ROOT_SECRET, ["--iam-dir", str(folder / "iam")])
    except NotStarted as missing:
        pytest.skip(str(missing))
    made.start()
    for user in USERS:
        as_root = ["admin", "--access", ROOT_KEY, "--secret", ROOT_SECRET, "--endpoint-url", made.endpoint]
        create = ["create-user", "--access", user, "--secret", secret(user), "--role", "user"]
        subprocess.run([program(), *as_root, *create], check=True, capture_output=True)
    for bucket, policy in ((LAKE, "s3-lake.json"), (RELEASES, "s3-releases.json")):
        made.client().create_bucket(Bucket=bucket)
        made.client().put_bucket_policy(Bucket=bucket, Policy=(ACCESS / policy).read_text())
    yield made
    made.stop()


@pytest.fixture(scope="module")
def desk(server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A release that was made with each one's own keys: the policy's, the worker's."""
    made = Desk(tmp_path_factory.mktemp("w") / "w", now="2026-11-01T00:00:00Z")
    assert made.run("init", made.root, "--bare", workspace=False).code == 0
    as_(made, server, "policy-owner")
    made.dataset("search", "service.search")
    made.ok("apply")
    terms = {"terms_id": "t", "effective_from": "2024-01-01T00:00:00Z", "acceptance": "continued_use"}
    granted = event("rights.terms.published", **terms, grants={"service": "permit"})
    as_(made, server, "rights-desk").ok("rights", "append", "-", stdin=lines(granted))
    made.ok("content", "append", "-", stdin=lines(published("song", title="Song")))
    as_(made, server, "worker").ok("gate", "--drain")
    for command in (("build", "search", "--version", "1"), ("check", "search@1"), ("publish", "search@1")):
        made.ok(*command)
    return made


def as_(desk: Desk, server: S3Server, user: str) -> Desk:
    keys = {"aws_access_key_id": user, "aws_secret_access_key": secret(user)}
    lake = {"uri": f"s3://{LAKE}/lake", "options": {**server.lake_options, **keys}}
    releases = {"uri": f"s3://{RELEASES}/releases", "options": server.options_of(user, secret(user))}
    desk.write("gatekeeper.yaml", yaml.safe_dump({"log": "files", "lake": lake, "releases": releases}))
    return desk


def client(server: S3Server, user: str) -> Any:
    return boto3.client("s3", **server.options_of(user, secret(user)))


def denied(call: Any, **arguments: Any) -> bool:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return bool(refused.value.response["Error"]["Code"] == "AccessDenied")


def test_who_trains_reads_releases(server: S3Server, desk: Desk) -> None:
    """With its own keys, through the loader, checked against its manifest."""
    assert desk.root.exists()
    options = server.options_of("ml-reader", secret("ml-reader"))
    rows = gatekeeper.load("search@1", root=f"s3://{RELEASES}/releases", options=options).to_table()
    assert rows["asset_id"].to_pylist() == ["song"]


def test_who_trains_reads_nothing_else(server: S3Server, desk: Desk) -> None:
    """Not the lake, where refused recordings and rights events lie; not its listing either."""
    assert desk.root.exists()
    reader = client(server, "ml-reader")
    key = client(server, "auditor").list_objects_v2(Bucket=LAKE)["Contents"][0]["Key"]
    assert denied(reader.list_objects_v2, Bucket=LAKE)
    assert denied(reader.get_object, Bucket=LAKE, Key=key)


@pytest.mark.parametrize("user", ["ml-reader", "auditor", "rights-desk", "policy-owner"])
def test_only_workers_publish(server: S3Server, desk: Desk, user: str) -> None:
    """Nobody else puts, replaces or deletes a file of a release."""
    assert desk.root.exists()
    their, key = client(server, user), "releases/search/1/manifest.json"
    assert denied(their.put_object, Bucket=RELEASES, Key=key, Body=b"{}")
    assert denied(their.put_object, Bucket=RELEASES, Key="releases/search/2/manifest.json", Body=b"{}")
    assert denied(their.delete_object, Bucket=RELEASES, Key=key)


def test_what_is_published_is_deleted_by_nobody(server: S3Server, desk: Desk) -> None:
    """Not by the worker that published it."""
    assert desk.root.exists()
    worker = client(server, "worker")
    assert denied(worker.delete_object, Bucket=RELEASES, Key="releases/search/1/manifest.json")
    manifest = json.loads(worker.get_object(Bucket=RELEASES, Key="releases/search/1/manifest.json")["Body"].read())
    assert manifest["dataset"] == "search"


def test_who_runs_the_gate_activates_no_policy(server: S3Server, desk: Desk) -> None:
    """A worker cannot keep a policy or a declaration in the lake; without that, none is put on the log."""
    before = desk.log("rights")
    desk.dataset("search", "training.generative")
    answer = as_(desk, server, "worker").run("apply")
    assert answer.code == 3, answer
    assert desk.log("rights") == before
    as_(desk, server, "policy-owner").ok("apply")
    assert len(desk.log("rights")) == len(before) + 1
    desk.dataset("search", "service.search")
    desk.ok("apply")


@pytest.mark.parametrize("user", ["auditor", "rights-desk", "policy-owner"])
def test_who_only_looks_writes_no_table(server: S3Server, desk: Desk, user: str) -> None:
    """Reading what is on record is theirs; a decision is not."""
    answer = as_(desk, server, user).run("gate", "--drain")
    assert desk.run("status").code == 0
    their = client(server, user)
    assert denied(their.put_object, Bucket=LAKE, Key="lake/decisions/planted.parquet", Body=b"")
    assert denied(their.delete_object, Bucket=LAKE, Key="lake/decisions/_delta_log/00000000000000000000.json")
    assert answer.code in (0, 3)


def test_what_a_reader_is_refused_is_said_in_words(server: S3Server, desk: Desk) -> None:
    """Wrong keys are an error that says what to look at, never an empty dataset."""
    assert desk.root.exists()
    with pytest.raises(GatekeeperError):
        gatekeeper.load("search@1", root=f"s3://{RELEASES}/releases", options=server.options_of("ml-reader", "wrong"))

"""``media: copy``: exactly the permitted media objects in a release, each proven by its content hash."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gatekeeper.core.manifest import read_manifest
from tests.cli.conftest import Desk, event, lines, published, tree
from tests.core.content_records import CONTRACTS
from tests.support.s3 import S3Server
from tests.support.sounds import name_of, sha256, tone


def song(asset: str, uri: str | None, data: bytes | None, **more: object) -> str:
    told: dict[str, object] = {} if data is None else {"identifiers": {"content_sha256": sha256(data)}}
    return published(asset, account=f"account-{asset}", **told, **({"media_uri": uri} if uri else {}), **more)


def gated(desk: Desk, *songs: str, **declared: object) -> Desk:
    desk.dataset("music", "training.analytical", media="copy", **declared)
    desk.ok("apply")
    desk.ok("content", "append", "-", stdin=lines(*songs))
    desk.ok("gate", "--drain")
    return desk


@pytest.fixture
def world(desk: Desk, tmp_path: Path) -> Desk:
    """Four recordings at a path of the workspace, an absolute one, and ``file://`` ones."""
    (desk.root / "raw").mkdir()
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    for n in range(2):
        (desk.root / "raw" / f"{n}.WAV").write_bytes(tone(n))
    for n in range(2, 4):
        (elsewhere / f"{n}.wav").write_bytes(tone(n))
    quoted = (elsewhere / "3.wav").as_uri()
    return gated(
        desk,
        song("a", "raw/0.WAV", tone(0)),
        song("b", str(desk.root / "raw" / "1.WAV"), tone(1)),
        song("c", f"file://{elsewhere}/2.wav", tone(2)),
        song("d", quoted, tone(3)),
    )


def build(desk: Desk, version: str = "1") -> dict[str, Any]:
    answer: dict[str, Any] = desk.ok("build", "music", "--version", version, "--json").json
    return answer


def refusals(desk: Desk, version: str = "1") -> dict[str, tuple[str, str]]:
    told = (desk.root / "builds" / "music" / version / "refused.jsonl").read_text().splitlines()
    return {row["asset_id"]: (row["verdict"], row["reason"]) for row in map(json.loads, told)}


def media_of(folder: Path) -> dict[str, bytes]:
    return {f"media/{name}": data for name, data in tree(folder / "media").items()}


def release(desk: Desk, version: str = "1") -> Path:
    build(desk, version)
    desk.ok("check", f"music@{version}")
    desk.ok("publish", f"music@{version}")
    return desk.root / "releases" / "music" / version


# --- what is left out


def test_a_row_whose_media_are_not_proven_is_held_with_its_reason(world: Desk) -> None:
    """No URI, no hash, a place nobody reads, nothing there, other bytes: left out, counted, shown, not forged."""
    more = (
        song("no-uri", None, tone(0)),
        song("no-hash", "raw/0.WAV", None),
        song("no-such-place", "https://media.example/x.wav", tone(0)),
        song("other-machine", "file://elsewhere/x.wav", tone(0)),
        song("gone", "raw/gone.wav", tone(0)),
        song("folder", "raw", tone(0)),
        song("other", "raw/0.WAV", tone(9)),
        published("short-hash", account="s", media_uri="raw/0.WAV", identifiers={"content_sha256": "abc"}),
    )
    world.ok("content", "append", "-", stdin=lines(*more))
    world.ok("gate", "--drain")
    answer = build(world)
    why = {
        "no-uri": "media_no_uri",
        "no-hash": "media_no_hash",
        "short-hash": "media_no_hash",
        "no-such-place": "media_unknown_place",
        "other-machine": "media_unknown_place",
        "gone": "media_missing",
        "folder": "media_missing",
        "other": "media_mismatch",
    }
    assert refusals(world) == {asset: ("hold", reason) for asset, reason in why.items()}
    assert answer["rows"] == 4
    assert answer["refused"] == {reason: list(why.values()).count(reason) for reason in why.values()}
    assert answer["forged"] == 0
    checked = world.ok("check", "music@1", "--json").json
    [shown] = [met for met in checked["expectations"] if met["name"] == "media_complete"]
    assert (shown["passed"], shown["severity"], shown["offending_count"]) == (False, "warning", 8)
    assert {(row["asset_id"], row["reason"]) for row in shown["offending"]} == set(why.items())
    world.ok("publish", "music@1")
    kept = media_of(world.root / "releases" / "music" / "1")
    assert sorted(kept.values()) == sorted(tone(n) for n in range(4))


def test_a_workspace_may_make_a_missing_object_block(world: Desk) -> None:
    """The warning is adjustable."""
    (world.root / "raw" / "0.WAV").unlink()
    (world.root / "expectations").mkdir()
    world.write("expectations/music.yaml", "format: 1\nadjust: {media_complete: {severity: critical}}\n")
    build(world)
    answer = world.run("check", "music@1")
    assert answer.code == 1
    assert "a: media_missing" in answer.out


def test_a_withdrawal_between_build_and_publish_leaves_no_object(world: Desk) -> None:
    """Nothing is copied for a candidate that may not be published."""
    build(world)
    world.ok("check", "music@1")
    no = event("rights.consent.withdrawn", speaker="account:account-b", subject="asset:b", purposes=["training"])
    world.ok("rights", "append", "-", stdin=lines(no))
    assert world.run("publish", "music@1").code == 1
    assert not (world.root / "releases").exists()


@pytest.mark.parametrize("damage", ["other", "gone"])
def test_media_that_changed_after_the_build_stop_publication(world: Desk, damage: str) -> None:
    """The bytes are compared again when they are copied; wrong ones never appear, not even for a moment."""
    build(world)
    world.ok("check", "music@1")
    raw = world.root / "raw" / "1.WAV"
    raw.unlink() if damage == "gone" else raw.write_bytes(tone(7))
    answer = world.run("publish", "music@1")
    assert (answer.code, "the media of b are not" in answer.err) == (1, True)
    folder = world.root / "releases" / "music" / "1"
    assert not (folder / "manifest.json").exists()
    assert not (folder / name_of(tone(1))).exists()
    assert tone(7) not in media_of(folder).values()


def test_objects_of_an_abandoned_candidate_stop_publication(world: Desk) -> None:
    """A release holds exactly its rows' media: what another build of that name left is not passed over."""
    build(world)
    world.ok("check", "music@1")
    left = world.root / "releases" / "music" / "1" / "media" / "ab" / "left.wav"
    left.parent.mkdir(parents=True)
    left.write_bytes(tone(9))
    answer = world.run("publish", "music@1")
    assert (answer.code, "media/ab/left.wav is there already" in answer.err) == (1, True)


# --- what is in it


def test_rows_point_to_the_copies(world: Desk) -> None:
    """In the shape readers of audio know, named by content, listed with digest and size."""
    folder = release(world)
    rows = pq.read_table(folder / "data" / "part-00000.parquet").to_pylist()
    wanted = {asset: name_of(tone(n)) for n, asset in enumerate("abcd")}
    assert {row["asset_id"]: row["audio"] for row in rows} == {
        asset: {"bytes": None, "path": name} for asset, name in wanted.items()
    }
    assert {row["asset_id"]: row["media_uri"] for row in rows} == wanted
    assert media_of(folder) == {name_of(tone(n)): tone(n) for n in range(4)}
    told = [json.loads(line) for line in (folder / "media.jsonl").read_text().splitlines()]
    assert [(line["asset_id"], line["path"], line["bytes"]) for line in told] == [
        (asset, name_of(tone(n)), len(tone(n))) for n, asset in enumerate("abcd")
    ]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert CONTRACTS.check_manifest(manifest) is None
    assert manifest["media"] == {"index": "media.jsonl", "rows": 4, "bytes": sum(len(tone(n)) for n in range(4))}
    assert world.ok("verify", "--all", "--json").json["verified"] is True


def test_columns_without_the_uri_still_have_the_audio(world: Desk) -> None:
    """Declared columns are those of the part, and ``audio``."""
    world.dataset("music", "training.analytical", media="copy", columns=["asset_id", "title"])
    world.ok("apply")
    world.ok("sweep")
    folder = release(world)
    names = pq.read_schema(folder / "data" / "part-00000.parquet").names
    assert names == ["asset_id", "title", "audio", "partition", "offset", "reason", "evidence"]


def test_two_rows_of_the_same_recording_share_its_object(world: Desk) -> None:
    """It is the same bytes under the same name."""
    world.ok("content", "append", "-", stdin=lines(song("e", "raw/0.WAV", tone(0))))
    world.ok("gate", "--drain")
    assert len(media_of(release(world))) == 4
    assert world.ok("verify", "--all", "--json").json["verified"] is True


def test_verify_names_changed_missing_and_foreign_media(world: Desk) -> None:
    """Every object is read again."""
    folder = release(world)
    (folder / name_of(tone(0))).write_bytes(tone(8))
    (folder / name_of(tone(1))).unlink()
    (folder / "media" / "zz.wav").write_bytes(b"")
    answer = world.run("verify", "music@1", "--json")
    said = "\n".join(answer.json["releases"][0]["problems"])
    assert answer.code == 1
    assert f"{name_of(tone(0))} (a) has SHA-256 {sha256(tone(8))}" in said
    assert f"{name_of(tone(1))} (b) is missing" in said
    assert "media/zz.wav is no row's" in said


def test_a_candidate_that_points_elsewhere_is_blocked(world: Desk) -> None:
    """By the row and by the index, each against the catalogue's event."""
    build(world)
    folder = world.root / "builds" / "music" / "1"
    part = folder / "data" / "part-00000.parquet"
    rows = pq.read_table(part)
    audio = [dict(value) for value in rows["audio"].to_pylist()]
    audio[1]["path"] = audio[0]["path"]
    at = rows.schema.get_field_index("audio")
    pq.write_table(rows.set_column(at, "audio", pa.array(audio, rows.schema.field(at).type)), part)
    failed = {m["name"]: m for m in world.run("check", "music@1", "--json").json["expectations"] if not m["passed"]}
    assert failed["payload_of_the_catalogue"]["offending"] == [{"asset_id": "b", "reason": "differs in audio"}]
    assert failed["media_of_the_rows"]["offending"] == [{"asset_id": "b", "reason": "media.jsonl lists another object"}]
    index = folder / "media.jsonl"
    index.write_text("".join(index.read_text().splitlines(keepends=True)[:3]))
    failed = {m["name"]: m for m in world.run("check", "music@1", "--json").json["expectations"] if not m["passed"]}
    assert {"files", "media_of_the_rows"} <= failed.keys()


def test_the_same_inputs_give_the_same_bytes(world: Desk) -> None:
    """Also with media."""
    build(world)
    first = tree(world.root / "builds")
    shutil.rmtree(world.root / "builds")
    build(world)
    assert tree(world.root / "builds") == first
    manifest = read_manifest(first["music/1/manifest.json"])
    assert [entry.path for entry in manifest.files] == ["data/part-00000.parquet", "media.jsonl", "refused.jsonl"]


# --- S3


@pytest.mark.parametrize("releases", ["same store", "folder"])
def test_media_in_s3_come_into_the_release(desk: Desk, s3: S3Server, releases: str) -> None:
    """Copied by the store where it has both, streamed where not; the same bytes and rows."""
    client, raw = s3.client(), s3.bucket()
    client.put_object(Bucket=raw, Key="a b/ü 0.wav", Body=tone(0))  # no checksum of the store's
    client.put_object(Bucket=raw, Key="1.wav", Body=tone(1), ChecksumAlgorithm="SHA256")
    client.put_object(Bucket=raw, Key="2.wav", Body=tone(5), ChecksumAlgorithm="SHA256")
    place = f"s3://{s3.bucket()}/releases"
    settings: dict[str, object] = {"media": {"options": s3.options}}
    if releases == "same store":
        settings = {"releases": {"uri": place, "options": s3.options}}
    desk.write("gatekeeper.yaml", json.dumps(settings))
    gated(
        desk,
        song("a", f"s3://{raw}/a b/ü 0.wav", tone(0)),
        song("b", f"s3://{raw}/1.wav", tone(1)),
        song("c", f"s3://{raw}/2.wav", tone(2)),
        song("d", f"s3://{raw}/3.wav", tone(3)),
        song("e", "s3://no-such-bucket/3.wav", tone(3)),
        song("f", "s3://bucket-alone", tone(3)),
    )
    build(desk)
    assert {asset: reason for asset, (_, reason) in refusals(desk).items()} == {
        "c": "media_mismatch",
        "d": "media_missing",
        "e": "media_missing",
        "f": "media_unknown_place",
    }
    desk.ok("check", "music@1")
    desk.ok("publish", "music@1")
    assert desk.ok("verify", "--all", "--json").json["verified"] is True
    if releases == "folder":
        kept = media_of(desk.root / "releases" / "music" / "1")
    else:
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        found = client.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/music/1/media/")["Contents"]
        start = len(f"{prefix}/music/1/")
        kept = {f["Key"][start:]: client.get_object(Bucket=bucket, Key=f["Key"])["Body"].read() for f in found}
    assert kept == {name_of(tone(n)): tone(n) for n in range(2)}

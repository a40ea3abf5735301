"""Approve, publish, verify and releases, on real workspaces."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.wiring import releasing
from tests.cli.conftest import Desk, event, lines, published, tree
from tests.support.candidates import Candidate, opened
from tests.support.s3 import S3Server

CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
LATER = "2025-06-21T12:00:00Z"


@pytest.fixture
def world(desk: Desk) -> Desk:
    """Five assets that the terms permit for ``music``; approval is not asked for."""
    desk.dataset("music", "training.analytical")
    desk.ok("apply")
    tracks = [published(f"song-{n}", account=f"account-{n}", duration_ms=60_000 * n, genres=["x"]) for n in range(5)]
    desk.ok("content", "append", "-", stdin=lines(*tracks))
    desk.ok("gate", "--drain")
    return desk


def candidate(desk: Desk, version: str = "1", **more: object) -> Candidate:
    return Candidate(desk.root, "music", version, desk.now, **more).check()  # type: ignore[arg-type]


def released(desk: Desk, version: str = "1") -> Path:
    return desk.root / "releases" / "music" / version


def refused(desk: Desk, *args: object) -> str:
    answer = desk.run(*args, "--json")
    assert answer.code == 1, answer
    said: str = answer.json["error"]
    assert answer.json["what_to_do"]
    return said


def withdraw(desk: Desk, account: str) -> None:
    speech = {"speaker": f"account:{account}", "subject": f"account:{account}", "purposes": ["training"]}
    desk.ok("rights", "append", "-", stdin=lines(event("rights.consent.withdrawn", desk.now, **speech)))


# --- what does not become a release


def test_an_answer_to_a_build_that_was_made_again_meanwhile_is_refused(world: Desk) -> None:
    """Who looked at one manifest has not answered for another one of the same name."""
    world.dataset("music", "training.analytical", approval="required")
    world.ok("apply")
    made = candidate(world)
    seen = world.ok("review", "music@1", "--json").json["manifest"]
    shutil.rmtree(made.folder)
    candidate(world, assets=["song-1"])
    yes = ("approve", "music@1", "--by", "mia", "--because", "fine", "--manifest")
    assert "another build than the one that was looked at" in refused(world, *yes, seen)
    assert "needs an approval" in refused(world, "publish", "music@1")
    world.ok(*yes, world.ok("review", "music@1", "--json").json["manifest"])
    world.ok("publish", "music@1")


@pytest.mark.parametrize("damage", ["missing", "failed", "other", "unreadable"])
def test_without_a_passed_check_of_this_build_nothing_is_published(world: Desk, damage: str) -> None:
    """No check, a failed one, another build's, and one that cannot be read all block."""
    made = Candidate(world.root, "music", "1", world.now)
    match damage:
        case "failed":
            made.check(passed=False)
        case "other":
            made.check(digest="sha256:" + "0" * 64)
        case "unreadable":
            made.check()
            (made.folder / "quality" / "results.json").write_text("{")
    assert "check" in refused(world, "publish", "music@1")
    assert not released(world).exists()


def test_without_the_approval_that_the_declaration_asks_for_nothing_is_published(world: Desk) -> None:
    """Required is the default; a no and a yes to another manifest are no yes; the last answer counts."""
    world.dataset("music", "training.analytical", approval="required")
    world.ok("apply")
    made = candidate(world)
    assert "approval" in refused(world, "publish", "music@1")
    world.ok("approve", "music@1", "--by", "mia", "--because", "no", "--reject")
    assert "mia rejected" in refused(world, "publish", "music@1")
    yes = world.ok("approve", "music@1", "--by", "mia", "--because", "fine", "--json").json
    assert (yes["approved"], yes["manifest"]) == (True, made.digest)
    approval = made.folder / "approval.json"
    approval.write_text(json.dumps(json.loads(approval.read_text()) | {"manifest": "sha256:" + "0" * 64}))
    assert "another manifest" in refused(world, "publish", "music@1")
    approval.write_text("nonsense")
    assert "cannot be read" in refused(world, "publish", "music@1")
    world.ok("approve", "music@1", "--by", "mia", "--because", "fine")
    world.ok("publish", "music@1")
    manifest = json.loads((released(world) / "manifest.json").read_text())
    assert manifest["release"]["approval"]["by"] == "mia"


def test_a_no_counts_even_where_nobody_had_to_be_asked(world: Desk) -> None:
    """With approval: none a person may still say no."""
    candidate(world)
    world.ok("approve", "music@1", "--by", "mia", "--because", "wait", "--reject")
    assert "rejected" in refused(world, "publish", "music@1")


def test_an_answer_without_a_name_or_reason_is_none(world: Desk) -> None:
    """Who and why are what an approval is."""
    candidate(world)
    assert world.run("approve", "music@1", "--by", " ", "--because", "x").code == 2
    assert world.run("approve", "music@1", "--by", "mia", "--because", "").code == 2
    assert world.run("approve", "music@2", "--by", "mia", "--because", "x").code == 2


def test_a_withdrawal_between_build_and_publish_stops_publication(world: Desk) -> None:
    """No stale permit: every row is decided again at the log's end, and the row is named with its reason."""
    candidate(world)
    withdraw(world, "account-3")
    said = refused(world, "publish", "music@1")
    assert "song-3: consent.withdrawn" in said
    assert "1 row(s)" in said
    assert not released(world).exists()


def test_a_removal_after_the_build_stops_publication(world: Desk) -> None:
    """The asset's latest event is heard, not only the one that was built from."""
    candidate(world)
    world.ok(
        "content", "append", "-", stdin=lines(event("content.removed", world.now, asset_id="song-1", account_id="a"))
    )
    world.ok("gate", "--drain")
    assert "song-1: claim.deletion" in refused(world, "publish", "music@1")


def test_a_planted_row_is_not_published(world: Desk) -> None:
    """A row that no event of the catalogue stands behind is refused, whatever it says of itself."""
    forged = {"reason": "terms.permit", "evidence": "rights:0@1#000000000000"}
    row = {"asset_id": "song-x", "account_id": "a", "partition": 0, "offset": 99, **forged}
    candidate(world, planted=[row])
    assert "song-x: not_in_catalog" in refused(world, "publish", "music@1")
    other = {"asset_id": "song-y", "account_id": "a", "partition": 0, "offset": 2, **forged}
    candidate(world, "2", planted=[other])
    assert "song-y: not_in_catalog" in refused(world, "publish", "music@2")


def test_a_row_with_other_values_than_its_event_is_not_published(world: Desk) -> None:
    """What was decided is the event: a row that says something else was never decided."""
    changed = {"asset_id": "song-2", "account_id": "account-2", "title": "another", "partition": 0, "offset": 2}
    changed |= {"duration_ms": 120_000, "genres": ["x"], "reason": "terms.permit", "evidence": "x"}
    candidate(world, assets=["song-1"], planted=[changed])
    assert "song-2: not_in_catalog" in refused(world, "publish", "music@1")


def test_an_unreadable_rights_event_of_nobody_stops_publication_until_answered(world: Desk) -> None:
    """It may be a revocation of anybody."""
    candidate(world)
    position = len(world.log("rights"))
    with (world.root / "log" / "rights.jsonl").open("a") as log:
        log.write("{}\n")
    assert f"position {position}" in refused(world, "publish", "music@1")
    world.ok("rights", "resolve", position, "--because", "a test")
    world.ok("publish", "music@1")


def test_other_rules_than_those_it_was_built_under_stop_publication(world: Desk) -> None:
    """No release mixes two policies or declarations; files that were not applied stop it too."""
    candidate(world)
    world.dataset("music", "training.analytical", description="another")
    assert "rights log" in refused(world, "publish", "music@1")
    world.ok("apply")
    assert "declaration" in refused(world, "publish", "music@1")


def test_a_part_changed_after_the_build_is_not_published(world: Desk) -> None:
    """The bytes must be those of the manifest."""
    made = candidate(world)
    part = made.folder / "data" / "part-00000.parquet"
    table = pq.read_table(part)
    pq.write_table(table, part, compression="none")
    assert "not the file its manifest names" in refused(world, "publish", "music@1")
    assert not (released(world) / "manifest.json").exists()


def test_a_manifest_that_was_edited_is_no_candidate(world: Desk) -> None:
    """Nor is one that lies in another build's folder."""
    made = candidate(world)
    manifest = made.folder / "manifest.json"
    made.folder.rename(made.folder.with_name("2"))
    assert world.run("publish", "music@2").code == 2
    manifest = made.folder.with_name("2") / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"rows": 5', '"rows":  5'))
    assert world.run("publish", "music@2").code == 2
    assert world.run("publish", "music").code == 2


# --- what does


def test_a_release_holds_everything_that_says_what_it_is(world: Desk) -> None:
    """Parts, manifest, check, data card with plots and Croissant; both positions; the candidate comes back out."""
    made = candidate(world)
    position = len(world.log("rights"))
    with (world.root / "log" / "rights.jsonl").open("a") as log:
        speech = {"speaker": "account:other", "subject": "account:other", "purposes": ["training"]}
        log.write(event("rights.consent.withdrawn", world.now, **speech) + "\n")
    answer = world.ok("publish", "music@1", "--json").json
    assert (answer["release"], answer["rows"], answer["candidate"]) == ("music@1", 5, made.digest)
    assert (answer["built_at_position"], answer["rights_position"]) == (position, position + 1)
    names = set(tree(released(world)))
    parts = {f"data/part-0000{n}.parquet" for n in range(3)}
    assert names >= parts | {"manifest.json", "croissant.json", "README.md", "quality/results.json", "refused.jsonl"}
    assert names >= {"quality/docs/index.html", "plots/permitted.svg", "plots/durations.svg"}
    assert json.loads((released(world).parent / "latest.json").read_text())["version"] == "1"
    assert world.ok("verify", "music@1", "--all", "--json").json["verified"] is True


def test_a_release_is_never_overwritten(world: Desk) -> None:
    """Publishing again says so and is no failure; another build of that name is refused; not a byte changes."""
    made = candidate(world)
    first = world.ok("publish", "music@1", "--json").json
    before = tree(world.root / "releases")
    assert world.ok("publish", "music@1", "--json").json == {**first, "already": True, "latest": False}
    assert "already published" in world.ok("publish", "music@1").out
    made.folder.rename(made.folder.with_name("away"))
    candidate(world, assets=["song-1"])
    assert "another candidate" in refused(world, "publish", "music@1")
    assert tree(world.root / "releases") == before


def test_the_latest_pointer_never_moves_backwards(world: Desk) -> None:
    """An older build that is published later stays behind."""
    candidate(world, "old")
    world.now = LATER
    candidate(world, "new")
    assert world.ok("publish", "music@new", "--json").json["latest"] is True
    assert world.ok("publish", "music@old", "--json").json["latest"] is False
    listed = world.ok("releases", "list", "--json").json["releases"]
    assert {line["release"]: line["latest"] for line in listed} == {"music@new": True, "music@old": False}


STEPS = ("copy", "documents", "quality", "decide_again", "manifest", "latest")


class Killed(BaseException):
    """As if the process ended here."""


@pytest.mark.parametrize("at", STEPS)
def test_a_kill_at_any_step_leaves_nothing_half_visible(world: Desk, at: str) -> None:
    """Before the manifest there is no release; publishing again, even after another check, completes it."""
    made = candidate(world)

    def step(name: str) -> None:
        if name == at:
            raise Killed

    with pytest.raises(Killed):
        releasing.publish(opened(world.root, world.now), "music@1", step)
    assert (released(world) / "manifest.json").exists() == (at == "latest")
    assert len(world.ok("releases", "list", "--json").json["releases"]) == (at == "latest")
    made.check(at="2025-06-20T13:00:00Z")
    world.now = LATER
    assert world.ok("publish", "music@1", "--json").json["latest"] is True
    assert world.ok("verify", "--all", "--json").json["verified"] is True


def test_a_withdrawal_while_files_are_copied_stops_publication(world: Desk) -> None:
    """The last look at the rights log comes after the copying, immediately before the manifest."""
    candidate(world)

    def step(name: str) -> None:
        if name == "decide_again":
            withdraw(world, "account-3")

    with pytest.raises(Exception, match=r"song-3: consent\.withdrawn"):
        releasing.publish(opened(world.root, world.now), "music@1", step)
    assert not (released(world) / "manifest.json").exists()


def test_of_two_publishers_one_wins_and_the_other_is_told(world: Desk) -> None:
    """The second gets to its manifest after the first has put one: it hears that the release stands."""
    candidate(world)
    first = []

    def step(name: str) -> None:
        if name == "manifest" and not first:
            first.append(world.run("publish", "music@1").code)

    second = releasing.publish(opened(world.root, world.now), "music@1", step)
    assert (first, second.already, second.moved_latest) == ([0], True, False)


# --- verify


@pytest.fixture
def release(world: Desk) -> Path:
    candidate(world)
    world.ok("publish", "music@1")
    return released(world)


def differs(desk: Desk) -> str:
    answer = desk.run("verify", "music@1", "--all", "--json")
    assert answer.code == 1, answer
    return "\n".join(json.loads(answer.lines[-1])["releases"][0]["problems"])


def test_verify_names_a_changed_a_missing_and_a_foreign_file(world: Desk, release: Path) -> None:
    """Every file by its SHA-256, and nothing beside them that a reader would take for rows."""
    part = release / "data" / "part-00001.parquet"
    part.write_bytes(part.read_bytes() + b" ")
    (release / "refused.jsonl").unlink()
    (release / "data" / "part-9.parquet").write_bytes(b"")
    said = differs(world)
    assert "part-00001.parquet has SHA-256" in said
    assert "refused.jsonl is missing" in said
    assert "data/part-9.parquet is not in the manifest" in said


def test_verify_names_a_manifest_and_a_check_that_were_changed(world: Desk, release: Path) -> None:
    """The manifest is compared with its own bytes, the check with its digest."""
    (release / "quality" / "results.json").write_text("{}")
    assert "quality/results.json is not the one" in differs(world)
    manifest = release / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"rows": 5', '"rows": 6'))
    assert "candidate" in differs(world)
    manifest.write_text("{}")
    assert "cannot be read" in differs(world)


def test_verify_decides_again_and_names_a_row_that_was_never_permitted(world: Desk) -> None:
    """A release put there by somebody else, consistent in itself: its decisions do not follow from the logs."""
    from dataclasses import replace

    from gatekeeper.core.manifest import Published, manifest_bytes

    row = {"asset_id": "song-2", "account_id": "account-2", "duration_ms": 120_000, "genres": ["x"]}
    row |= {"partition": 0, "offset": 2, "reason": "agreement.permit", "evidence": "rights:7@9#000000000000"}
    made = candidate(world, assets=["song-1"], planted=[row])
    made.folder.parent.mkdir(parents=True, exist_ok=True)
    released(world).parent.mkdir(parents=True)
    made.folder.rename(released(world))
    quality = (
        "sha256:" + __import__("hashlib").sha256((released(world) / "quality/results.json").read_bytes()).hexdigest()
    )
    basis = made.manifest.basis
    forged = Published(made.digest, basis.rights_position, basis.policy, basis.instant, quality, None)
    (released(world) / "manifest.json").write_bytes(manifest_bytes(replace(made.manifest, release=forged)))
    said = differs(world)
    assert said.startswith("song-2: at the build permit: terms.permit")
    assert len(said.splitlines()) == 1


def test_verify_of_what_is_not_there_is_bad_input(world: Desk) -> None:
    """Without any release everything is verified."""
    assert world.run("verify", "music@7").code == 2
    assert world.ok("verify", "--json").json == {"verified": True, "releases": []}


# --- releases


def test_releases_are_listed_shown_and_compared_by_reason_and_holder(world: Desk, release: Path) -> None:
    """What came and went between two releases, and whose it is."""
    withdraw(world, "account-3")
    world.ok("content", "append", "-", stdin=lines(published("song-9", account="account-9")))
    world.ok("gate", "--drain")
    world.now = LATER
    candidate(world, "2")
    world.ok("publish", "music@2")
    assert [line["release"] for line in world.ok("releases", "list", "music", "--json").json["releases"]] == [
        "music@1",
        "music@2",
    ]
    assert world.ok("releases", "show", "music", "--json").json["release"] == "music@2"
    found = world.ok("releases", "diff", "music@1", "music@2", "--json").json
    assert (found["in"], found["out"], found["kept"], found["changed"]) == (1, 1, 4, 0)
    told = {(g["way"], g["reason"], g["holder"], *g["examples"]) for g in found["groups"]}
    assert told == {
        ("out", "consent.withdrawn", "account:account-3", "song-3"),
        ("in", "terms.permit", "account:account-9", "song-9"),
    }
    assert "music@2" in world.ok("releases", "list").out
    assert "song-9" in world.ok("releases", "diff", "music@1", "music@2").out
    assert "terms.permit" in world.ok("releases", "show", "music@1").out
    assert world.run("releases", "show", "music@8").code == 2


# --- S3


@pytest.fixture
def in_s3(world: Desk, s3: S3Server) -> tuple[Desk, ReleaseStore]:
    world.write(
        "gatekeeper.yaml", json.dumps({"releases": {"uri": f"s3://{s3.bucket()}/releases", "options": s3.options}})
    )
    return world, releasing.store_of(opened(world.root, world.now))


def test_a_release_in_s3_is_published_verified_and_listed(in_s3: tuple[Desk, ReleaseStore]) -> None:
    """The same commands, the same promises, in a bucket."""
    desk, store = in_s3
    candidate(desk)
    desk.ok("publish", "music@1")
    assert "music/1/manifest.json" in store.names("")
    assert desk.ok("verify", "--all", "--json").json["verified"] is True
    assert desk.ok("publish", "music@1", "--json").json["already"] is True
    assert desk.ok("releases", "list", "--json").json["releases"][0]["latest"] is True
    assert not (desk.root / "releases").exists()


@pytest.mark.parametrize("at", STEPS)
def test_a_kill_while_publishing_to_s3_leaves_nothing_half_visible(in_s3: tuple[Desk, ReleaseStore], at: str) -> None:
    """As in a directory."""
    desk, store = in_s3
    candidate(desk)

    def step(name: str) -> None:
        if name == at:
            raise Killed

    with pytest.raises(Killed):
        releasing.publish(opened(desk.root, desk.now), "music@1", step)
    assert (store.read("music/1/manifest.json") is not None) == (at == "latest")
    assert desk.ok("publish", "music@1", "--json").json["latest"] is True
    assert desk.ok("verify", "--all", "--json").json["verified"] is True

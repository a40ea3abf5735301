"""Recalls, uses and acknowledgements, on real workspaces and releases: in a folder and in S3."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import gatekeeper
from gatekeeper.errors import Refused
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.wiring import recalling, releasing
from tests.cli.conftest import Desk, event, lines, published, tree
from tests.support.candidates import Candidate, opened
from tests.support.s3 import S3Server

LATER = "2025-06-21T12:00:00Z"
ISRC, HASH = "US-S1Z-99-00001", "AB" * 32


@pytest.fixture
def world(desk: Desk) -> Desk:
    """Two datasets of six assets that the terms permit; the last two are one recording, uploaded twice."""
    desk.dataset("music", "training.analytical")
    desk.dataset("search", "service.search")
    desk.ok("apply")
    tracks = [published(f"song-{n}", account=f"account-{n}", title=f"Song {n}") for n in range(4)]
    twice = [("first", {"isrc": ISRC}), ("again", {"isrc": ISRC.replace("-", "").lower(), "content_sha256": HASH})]
    tracks += [published(name, account=f"owner-{name}", identifiers=known) for name, known in twice]
    desk.ok("content", "append", "-", stdin=lines(*tracks))
    desk.ok("gate", "--drain")
    return desk


def release(desk: Desk, dataset: str = "music", version: str = "1", **more: Any) -> str:
    Candidate(desk.root, dataset, version, desk.now, **more).check()
    desk.ok("publish", f"{dataset}@{version}")
    return f"{dataset}@{version}"


def kept(desk: Desk) -> dict[str, bytes]:
    """Every file of the releases but for the locks of a folder."""
    return {name: data for name, data in tree(desk.root / "releases").items() if not name.endswith(".lock")}


def say(desk: Desk, type_: str, **data: object) -> None:
    desk.ok("rights", "append", "-", stdin=lines(event(type_, desk.now, **data)))


def withdraw(desk: Desk, account: str, purpose: str = "training") -> None:
    who = f"account:{account}"
    say(desk, "rights.consent.withdrawn", speaker=who, subject=who, purposes=[purpose])


def recall(desk: Desk, *args: object) -> dict[str, Any]:
    """release → what the recall found in it."""
    told: dict[str, Any] = desk.ok("recall", *args, "--json").json
    return {one["release"]: one for one in told["releases"]}


def recalled(desk: Desk, name: str = "music@1") -> dict[str, dict[str, Any]]:
    """The recall files next to a release."""
    folder = desk.root / "releases" / name.replace("@", "/") / "recalls"
    return {path.name: json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))}


# --- what is not recalled


def test_nothing_is_recalled_while_everything_is_permitted(world: Desk) -> None:
    """No file but the feed, which says how far was looked."""
    release(world)
    before = kept(world)
    assert recall(world)["music@1"]["recalled_now"] == 0
    after = kept(world)
    assert after.keys() - before.keys() == {"recalls.json"}
    assert {name: after[name] for name in before} == before
    feed = json.loads(after["recalls.json"])
    assert (feed["version"], feed["items"]) == ("https://jsonfeed.org/version/1.1", [])
    assert feed["_gatekeeper"]["looked"]["rights_position"] == len(world.log("rights"))


def test_a_dry_run_writes_nothing(world: Desk) -> None:
    """And says what would be recalled."""
    release(world)
    withdraw(world, "account-1")
    before = kept(world)
    assert recall(world, "--dry-run")["music@1"]["reasons"] == {"consent.withdrawn": 1}
    assert kept(world) == before


def test_a_no_to_another_use_recalls_nothing(world: Desk) -> None:
    """Each release is decided for its own use."""
    release(world), release(world, "search")
    withdraw(world, "account-1", "training.generative")
    assert {one["recalled_now"] for one in recall(world).values()} == {0}
    withdraw(world, "account-2")
    assert {name: one["recalled_now"] for name, one in recall(world).items()} == {"music@1": 1, "search@1": 0}


def test_a_recording_of_another_holder_is_no_copy_of_a_withdrawn_one(world: Desk) -> None:
    """What an account withdraws is its own; only what a claim stopped is followed by ISRC and content hash."""
    release(world)
    withdraw(world, "owner-first")
    recall(world)
    assert recalled(world)["0001.json"]["asset_ids"] == ["first"]


# --- what is


def test_a_recall_names_assets_reasons_evidence_and_models(world: Desk) -> None:
    """One file next to an unchanged release: what was withdrawn, removed, taken down, and its copy under another id."""
    release(world)
    world.ok("use", "declare", "--release", "music@1", "--model", "tagger-3", "--by", "team-x", "--because", "demo")
    before = kept(world)
    position = len(world.log("rights"))
    withdraw(world, "account-1")
    say(world, "rights.claim.opened", claim_id="c", kind="takedown", subject="asset:first")
    world.ok(
        "content", "append", "-", stdin=lines(event("content.removed", world.now, asset_id="song-2", account_id="x"))
    )
    world.ok("gate", "--drain")
    found = recall(world)["music@1"]
    assert found["reasons"] == {"consent.withdrawn": 1, "claim.takedown": 2, "claim.deletion": 1}
    assert (found["copies"], found["files"], found["models"]) == (
        1,
        ["0001.json"],
        [{"model": "tagger-3", "holder": "team-x"}],
    )
    [told] = recalled(world).values()
    assert told["asset_ids"] == ["again", "first", "song-1", "song-2"]
    assert told["rights_position"] == position + 2
    assert told["uses"] == [{"model": "tagger-3", "holder": "team-x"}]
    why = {asset: one for one in told["because"] for asset in one["asset_ids"]}
    assert why["song-1"]["evidence"].startswith(f"rights:{position}@")
    assert why["song-1"]["holder"] == "account:account-1"
    assert why["again"]["same_as"] == "same ISRC as first"
    assert why["again"]["evidence"] == why["first"]["evidence"]
    after = kept(world)
    assert {name: after[name] for name in before} == before
    assert world.ok("verify", "music@1", "--all", "--json").json["verified"] is True


def test_the_loader_leaves_out_what_was_recalled(world: Desk) -> None:
    """Refused by default; asked to, the rows that remain."""
    release(world)
    withdraw(world, "account-1")
    recall(world)
    root = world.root / "releases"
    with pytest.raises(Refused, match="recalled"):
        gatekeeper.load("music@1", root=root)
    rows = gatekeeper.load("music@1", root=root, recalled="filter").to_table()
    assert rows["asset_id"].to_pylist() == ["again", "first", "song-0", "song-2", "song-3"]


def test_again_is_no_new_file_and_more_is_the_next_number(world: Desk) -> None:
    """A recall lists what no earlier one does, and a yes afterwards takes nothing back."""
    release(world)
    withdraw(world, "account-1")
    recall(world)
    before = kept(world)
    assert recall(world)["music@1"]["files"] == []
    assert kept(world) == before
    world.now = LATER
    withdraw(world, "account-2")
    who = "account:account-1"
    say(world, "rights.consent.granted", speaker=who, subject=who, purposes=["training.analytical"])
    assert recall(world)["music@1"]["recalled_before"] == 1
    told = recalled(world)
    assert [told[name]["asset_ids"] for name in ("0001.json", "0002.json")] == [["song-1"], ["song-2"]]


def test_releases_of_several_versions_each_get_their_own(world: Desk) -> None:
    """Shared rows, rows of one release only, an older event of an asset: each release hears of what it holds."""
    release(world, version="1", assets=["song-0", "song-1"])
    world.ok("content", "append", "-", stdin=lines(published("song-1", account="account-1", title="New")))
    world.ok("gate", "--drain")
    world.now = LATER
    release(world, version="2", assets=["song-1", "song-2", "song-3"])
    withdraw(world, "account-1")
    withdraw(world, "account-3")
    recall(world)
    assert recalled(world, "music@1")["0001.json"]["asset_ids"] == ["song-1"]
    assert recalled(world, "music@2")["0001.json"]["asset_ids"] == ["song-1", "song-3"]


def test_a_release_of_a_use_that_nobody_declares_any_more(world: Desk) -> None:
    """It is decided for the use it was published for, not for what its dataset is today, or is no more."""
    release(world)
    world.dataset("music", "service.playlisting")
    (world.root / "datasets" / "search.yaml").unlink()
    world.ok("apply")
    withdraw(world, "account-1")
    assert recall(world)["music@1"]["recalled_now"] == 1


def test_time_alone_recalls(world: Desk) -> None:
    """A consent that ends: what it permitted is recalled when its hour has come."""
    world.dataset("voice", "training.generative.replication")
    world.ok("apply")
    yes = {"purposes": ["training.generative.replication"], "valid_until": "2025-06-21T00:00:00Z"}
    say(world, "rights.consent.granted", speaker="account:account-1", subject="asset:song-1", **yes)
    release(world, "voice")
    assert recall(world)["voice@1"]["recalled_now"] == 0
    world.now = LATER
    assert recall(world)["voice@1"]["recalled_now"] == 1


def test_a_damaged_release_is_named_and_the_others_are_recalled(world: Desk) -> None:
    """Exit 1 with what is wrong; nothing else waits for it."""
    release(world), release(world, "search")
    withdraw(world, "account-1", "service")
    withdraw(world, "account-1")
    (world.root / "releases" / "music" / "1" / "data" / "part-00001.parquet").write_bytes(b"")
    answer = world.run("recall", "--json")
    assert answer.code == 1
    assert "music@1" in answer.json["problems"]
    assert recalled(world, "search@1")["0001.json"]["asset_ids"] == ["song-1"]
    (world.root / "releases" / "music" / "1" / "manifest.json").write_text("{}")
    assert world.run("recall").code == 1
    assert world.run("recall", "search@1").code == 0
    assert world.run("recall", "music@7").code == 2


def test_builds_that_nobody_published_are_named_too(world: Desk) -> None:
    """They get no recall: they will not become a release."""
    Candidate(world.root, "music", "1", world.now).check()
    withdraw(world, "account-1")
    told = world.ok("recall", "--json").json
    assert told["builds"] == [{"build": "music@1", "rows": 6, "refused": {"consent.withdrawn": 1}}]
    assert tree(world.root / "builds").keys() & {"music/1/recalls/0001.json"} == set()


def test_a_large_recall_is_several_files(world: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """None holds more than one can hold in memory; together they name every asset once."""
    from gatekeeper.stages.recall import writing

    monkeypatch.setattr(writing, "ASSETS_MAX", 2)
    release(world)
    for n in range(4):
        withdraw(world, f"account-{n}")
    withdraw(world, "owner-first")
    recall(world)
    assert [len(one["asset_ids"]) for one in recalled(world).values()] == [2, 2, 1]
    assert sorted(a for one in recalled(world).values() for a in one["asset_ids"]) == [
        "first",
        *(f"song-{n}" for n in range(4)),
    ]


# --- killed, and run again


class Killed(BaseException):
    """As if the process ended here."""


@pytest.fixture
def key(world: Desk) -> Path:
    """A key that signs recalls, and the settings that name it."""
    (world.root / "keys").mkdir()
    private, public = world.root / "keys" / "recalls.key", world.root / "keys" / "recalls.pub"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    settings = {"private_key": "keys/recalls.key", "public_keys": ["keys/recalls.pub"]}
    world.write("gatekeeper.yaml", json.dumps({"signing": settings}))
    return public


UNSIGNED = (("barrier", 1), ("decide", 1), ("recall", 1), ("recall", 2), ("feed", 1))
SIGNED = (("envelope", 1), ("recall", 1), ("envelope", 1), ("recall", 1), ("feed", 1))
"""Steps to be killed at, one after the other, the nth time they come: each run goes on from what the last one left."""


def killed_everywhere(desk: Desk, store: ReleaseStore, kills: tuple[tuple[str, int], ...] = UNSIGNED) -> None:
    """Kill a recall at each of its steps, run it again: the files are those of a run that nobody killed."""
    release(desk), release(desk, "music", "2")
    withdraw(desk, "account-1")
    for at, nth in kills:
        seen: list[str] = []

        def step(name: str, at: str = at, nth: int = nth, seen: list[str] = seen) -> None:
            seen.append(name)
            if seen.count(at) == nth:
                raise Killed

        with pytest.raises(Killed):
            recalling.recall(opened(desk.root, desk.now), (), recalling.RecallOptions(step=step))
    recall(desk)
    for version in ("1", "2"):
        names = [name for name in store.names(f"music/{version}/recalls") if name.endswith(".json")]
        assert names == ["0001.json"]
        assert json.loads(store.read(f"music/{version}/recalls/0001.json") or b"")["asset_ids"] == ["song-1"]
    feed = json.loads(store.read("recalls.json") or b"")
    assert sorted(item["id"] for item in feed["items"]) == ["music@1/0001.json", "music@2/0001.json"]


def test_killed_at_any_step_and_run_again(world: Desk) -> None:
    """Unsigned, in a folder."""
    killed_everywhere(world, releasing.store_of(opened(world.root, world.now)))


def test_killed_at_any_step_and_run_again_signed(world: Desk, key: Path) -> None:
    """An envelope without its recall is completed, and until then the release is refused."""
    killed_everywhere(world, releasing.store_of(opened(world.root, world.now)), SIGNED)
    root = world.root / "releases"
    assert gatekeeper.load("music@1", root=root, recalled="filter", trusted_keys=[key]).count_rows() == 5


def test_in_s3_killed_at_any_step_and_run_again(world: Desk, s3: S3Server) -> None:
    """The same promises in a bucket; what is loaded from there leaves the recalled row out."""
    place = f"s3://{s3.bucket()}/releases"
    world.write("gatekeeper.yaml", json.dumps({"releases": {"uri": place, "options": s3.options}}))
    killed_everywhere(world, releasing.store_of(opened(world.root, world.now)))
    assert gatekeeper.load("music@2", root=place, options=s3.options, recalled="filter").count_rows() == 5


def test_of_two_recallers_at_once_each_asset_is_recalled_once(world: Desk) -> None:
    """The second chose a number that the first has put meanwhile: it adds what the first did not know, if anything."""
    release(world)
    withdraw(world, "account-1")
    other = []

    def step(name: str) -> None:
        if name == "recall" and not other:
            other.append(recall(world)["music@1"]["files"])

    mine = recalling.recall(opened(world.root, world.now), (), recalling.RecallOptions(step=step))
    assert (other, [o.files for o in mine.recalled.outcomes]) == ([["0001.json"]], [[]])
    withdraw(world, "account-2")

    def later(name: str) -> None:
        if name == "recall" and len(other) == 1:
            withdraw(world, "account-3")
            other.append(recall(world)["music@1"]["files"])

    recalling.recall(opened(world.root, world.now), (), recalling.RecallOptions(step=later))
    assert [one["asset_ids"] for one in recalled(world).values()] == [["song-1"], ["song-2", "song-3"]]


# --- signed


def test_a_signed_recall_that_was_changed_recalls_everything(world: Desk, key: Path) -> None:
    """It may once have named more: nothing of the release is loaded, and verify says which file."""
    root = world.root / "releases"
    release(world)
    withdraw(world, "account-1")
    recall(world)
    assert gatekeeper.load("music@1", root=root, recalled="filter", trusted_keys=[key]).count_rows() == 5
    assert world.ok("verify", "music@1", "--json").json["verified"] is True
    file = root / "music" / "1" / "recalls" / "0001.json"
    before = file.read_text()
    file.write_text(before.replace("song-1", "song-x"))
    with pytest.raises(Refused, match="every row"):
        gatekeeper.load("music@1", root=root, recalled="filter", trusted_keys=[key])
    assert "0001.json" in "".join(
        json.loads(world.run("verify", "music@1", "--json").lines[0])["releases"][0]["problems"]
    )
    file.write_text(before)
    file.with_suffix(".dsse").unlink()
    with pytest.raises(Refused, match="every row"):
        gatekeeper.load("music@1", root=root, recalled="filter", trusted_keys=[key])


def test_a_key_that_is_none_says_so(world: Desk, key: Path) -> None:
    """Before anything is decided; the error says how to make one."""
    (world.root / "keys" / "recalls.key").write_text("nonsense")
    answer = world.run("recall", "--json")
    assert answer.code == 2
    assert "openssl" in answer.json["what_to_do"]


def test_a_recall_that_was_taken_away_recalls_everything(world: Desk) -> None:
    """A gap in the numbers, or a file that the feed names and that is not there or is another."""
    root = world.root / "releases"
    release(world)
    for account in ("account-1", "account-2"):
        withdraw(world, account)
        recall(world)
    folder = root / "music" / "1" / "recalls"
    first, second = ((folder / name).read_bytes() for name in ("0001.json", "0002.json"))
    (folder / "0001.json").unlink()
    with pytest.raises(Refused, match="every row"):
        gatekeeper.load("music@1", root=root, recalled="filter")
    (folder / "0001.json").write_bytes(first)
    (folder / "0002.json").unlink()
    with pytest.raises(Refused, match="every row"):
        gatekeeper.load("music@1", root=root, recalled="filter")
    (folder / "0002.json").write_bytes(second)
    assert gatekeeper.load("music@1", root=root, recalled="filter").count_rows() == 4


# --- uses, acknowledgements, feed


def test_a_use_is_recorded_once_and_for_all(world: Desk) -> None:
    """Declared again it is the same record; without a release or a name it is none."""
    release(world)
    first = world.ok("use", "declare", "--release", "music", "--model", "m", "--json").json
    world.now = LATER
    assert world.ok("use", "declare", "--release", "music@1", "--model", " m ", "--json").json == first
    assert first["holder"] == "m"
    assert world.ok("use", "list", "--json").json["uses"] == [first]
    assert world.run("use", "declare", "--release", "music@9", "--model", "m").code == 2
    assert world.run("use", "declare", "--release", "music@1", "--model", " ").code == 2
    assert "m" in world.ok("use", "list", "music@1").out


def test_a_record_of_a_use_that_nobody_can_read_stops_no_recall(world: Desk) -> None:
    """Somebody planted it, or it was cut short: verify names it."""
    release(world)
    uses = world.root / "releases" / "music" / "1" / "uses"
    uses.mkdir()
    (uses / "0.json").write_text('{"release": 7')
    (uses / "1.json").write_text('{"release": "r", "model": 7, "holder": "h", "because": "", "at": ""}')
    withdraw(world, "account-1")
    assert recall(world)["music@1"]["files"] == ["0001.json"]
    [told] = world.run("verify", "music@1", "--json").json["releases"]
    assert [problem.partition(" ")[0] for problem in told["problems"]] == ["uses/0.json", "uses/1.json"]


def test_holders_acknowledge_and_are_asked_again_after_the_next_recall(world: Desk) -> None:
    """The feed says who has not heard."""
    release(world)
    world.ok("use", "declare", "--release", "music@1", "--model", "tagger", "--by", "team-x")
    assert world.run("recall", "acknowledge", "music@1", "--holder", "team-x").code == 1

    def silent() -> list[list[str]]:
        feed = json.loads((world.root / "releases" / "recalls.json").read_bytes())
        return [item["_gatekeeper"]["not_acknowledged_by"] for item in feed["items"]]

    withdraw(world, "account-1")
    recall(world)
    assert silent() == [["team-x"]]
    said = world.ok("recall", "acknowledge", "music@1", "--holder", "team-x", "--because", "deleted", "--json").json
    assert (said["recalls"], silent()) == (["0001.json"], [[]])
    world.now = LATER
    withdraw(world, "account-2")
    recall(world)
    assert silent() == [["team-x"], ["team-x"]]


def test_a_lost_feed_is_made_anew_from_the_files(world: Desk) -> None:
    """Byte for byte, but for how far was looked, which the next recall says again."""
    release(world)
    withdraw(world, "account-1")
    recall(world)
    feed = world.root / "releases" / "recalls.json"
    before = json.loads(feed.read_bytes())
    feed.unlink()
    world.ok("recall", "feed")
    assert json.loads(feed.read_bytes())["items"] == before["items"]
    recall(world)
    assert json.loads(feed.read_bytes()) == before


# --- replacement


def latest(desk: Desk) -> str:
    lines_ = desk.ok("releases", "list", "music", "--json").json["releases"]
    [name] = [line["release"] for line in lines_ if line["latest"]]
    return str(name)


def test_a_recalled_latest_release_is_replaced_without_passing_anybody_by(world: Desk) -> None:
    """Nobody has to be asked: built, checked, published; ``latest`` is the replacement, without the row."""
    release(world)
    withdraw(world, "account-1")
    world.now = LATER
    told = world.ok("recall", "--json").json["needs_replacement"]
    assert [(one["dataset"], one["latest"], one["waiting"]) for one in told] == [("music", "music@1", None)]
    assert latest(world) == "music@1"
    assert "RECALLED: music@1" in world.ok("status").out
    [made] = world.ok("recall", "--replace", "--json").json["replaced"]
    assert made["release"] == latest(world) != "music@1"
    root = world.root / "releases"
    assert "song-1" not in gatekeeper.load("music", root=root).to_table()["asset_id"].to_pylist()
    assert world.ok("recall", "--replace", "--json").json["replaced"] == []


def test_a_replacement_that_a_person_must_approve_waits(world: Desk) -> None:
    """It is built and checked once, however often; it is published by nobody but after a yes."""
    world.dataset("music", "training.analytical", approval="required")
    world.ok("apply")
    made = Candidate(world.root, "music", "1", world.now).check()
    world.ok("approve", made.name, "--by", "mia", "--because", "fine")
    world.ok("publish", "music@1")
    withdraw(world, "account-1")
    world.now = LATER
    [first] = world.ok("recall", "--replace", "--json").json["replaced"]
    assert (first["release"], first["failed"]) == (None, False)
    [second] = world.ok("recall", "--replace", "--json").json["replaced"]
    assert second["build"] == first["build"]
    assert latest(world) == "music@1"
    world.ok("approve", first["build"], "--by", "mia", "--because", "replaces a recalled one")
    world.ok("publish", first["build"])
    assert latest(world) == first["build"]
    assert world.ok("recall", "--json").json["needs_replacement"] == []


def test_a_copy_of_what_was_taken_down_is_not_published_again(world: Desk) -> None:
    """The check of the replacement names it, and says what a person must do; ``latest`` stays until somebody has."""
    release(world)
    say(world, "rights.claim.opened", claim_id="c", kind="takedown", subject="asset:first")
    world.now = LATER
    world.ok("sweep")
    answer = world.run("recall", "--replace", "--json")
    [made] = answer.json["replaced"]
    assert (answer.code, made["release"], made["failed"]) == (1, None, True)
    assert "refused_identity" in made["outcome"]
    assert latest(world) == "music@1"


def test_a_declaration_may_keep_a_recalled_release(world: Desk) -> None:
    """``on_recall: keep``: nothing is built; its readers leave the rows out."""
    world.dataset("music", "training.analytical", on_recall="keep")
    world.ok("apply")
    release(world)
    withdraw(world, "account-1")
    world.now = LATER
    told = world.ok("recall", "--replace", "--json").json
    assert (told["needs_replacement"], told["replaced"]) == ([], [])

"""``trace``: where a recording went and why, on real workspaces with releases, recalls and copies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Desk, event, lines, published
from tests.support.candidates import Candidate

ISRC = "US-S1Z-99-00001"
HASH = "ab" * 32
BUILT, LATER = "2035-06-20T12:00:00Z", "2035-06-21T12:00:00Z"
"""After whatever a gate decided, whose clock is the machine's."""


def say(desk: Desk, type_: str, **data: object) -> None:
    desk.ok("rights", "append", "-", stdin=lines(event(type_, desk.now, **data)))


@pytest.fixture
def world(desk: Desk) -> Desk:
    """A label's three songs with a co-author, one uploaded again by somebody else, one tagged; then a release."""
    desk.dataset("music", "training.analytical")
    desk.ok("apply")
    theirs = [{"party_id": "Label", "role": "recording"}, {"party_id": "Nina", "role": "composition"}]
    known = {"isrc": ISRC, "content_sha256": HASH.upper()}
    tracks = [
        published("song-0", account="a", interests=theirs, identifiers=known, title="First"),
        published("song-1", account="a", interests=theirs, title="Second"),
        published("song-2", account="a", interests=theirs, tags=["No AI"], title="Third"),
        published("again", account="thief", identifiers={"isrc": ISRC.lower().replace("-", "")}),
        published("other", account="b"),
    ]
    desk.ok("content", "append", "-", stdin=lines(*tracks))
    desk.ok("gate", "--drain")
    desk.now = BUILT
    Candidate(desk.root, "music", "1", desk.now).check()
    desk.ok("publish", "music@1")
    desk.ok("use", "declare", "--release", "music@1", "--model", "tagger")
    return desk


def taken_down(desk: Desk) -> None:
    say(desk, "rights.claim.opened", claim_id="c", kind="takedown", subject="asset:song-0")
    desk.now = LATER
    desk.ok("sweep")
    desk.ok("recall")


def life(desk: Desk, asset: str) -> dict[str, Any]:
    [found] = desk.ok("trace", asset, "--json").json["assets"]
    return dict(found)


# --- what is not there


@pytest.mark.parametrize("asset", ["nobody", "isrc:XX0000000000", "sha256:" + "0" * 64])
def test_what_nobody_knows_is_said_plainly(world: Desk, asset: str) -> None:
    """Bad input with what to do, not an empty page."""
    answer = world.run("trace", asset, "--json")
    assert answer.code == 2
    assert "nothing is known" in answer.json["error"]


def test_a_question_that_is_none(world: Desk) -> None:
    """One of an asset, a party, an account; an unknown party holds nothing."""
    assert world.run("trace").code == 2
    assert world.run("trace", "song-0", "--party", "Label").code == 2
    assert world.run("trace", "--party", "Label", "--release", "music@1").code == 2
    assert world.run("trace", "--party", "Labels").code == 2
    assert world.run("trace", "song-0", "--release", "music@9").code == 2


def test_who_is_not_in_a_release_hears_which_decision_kept_it_out(world: Desk) -> None:
    """Refused by the build, never seen, decided later, unknown: each its own answer, and no member of it."""
    world.now = "2025-06-20T12:00:00Z"
    Candidate(world.root, "music", "early", world.now, assets=["song-0"]).check()
    world.ok("publish", "music@early")

    def answer(asset: str, release: str = "music@1") -> dict[str, Any]:
        [told] = world.ok("trace", asset, "--release", release, "--json").json["in_release"]
        assert told["member"] is False
        assert told["because"].startswith(f"not in {release}")
        people = world.ok("trace", asset, "--release", release).out
        assert told["because"] in " ".join(people.split())  # a narrow terminal breaks the line
        return dict(told)

    tagged = answer("song-2")["decision"]
    assert (tagged["verdict"], tagged["reason"]) == ("deny", "reservation.no_ai_tag")
    assert "does not select" in answer("song-1", "music@early")["because"]
    world.ok("content", "append", "-", stdin=lines(published("late", account="c")))
    world.ok("gate", "--drain")
    assert answer("late", "music@early")["decision"] is None
    assert "no event" in answer("nobody")["because"]
    assert world.ok("trace", "song-1", "--release", "music@1", "--json").json["in_release"][0]["member"] is True


def test_the_decision_that_stood_at_the_build_is_told_not_a_later_one(world: Desk) -> None:
    """An asset that a release's build never saw, because its table did not hold it: as the record had it then."""
    refused = world.root / "releases" / "music" / "1" / "refused.jsonl"
    refused.write_text("")
    who = "party:Label"
    say(world, "rights.consent.granted", speaker=who, subject="asset:song-2", purposes=["training.analytical"])
    world.now = LATER
    world.ok("sweep")
    [told] = world.ok("trace", "song-2", "--release", "music@1", "--json").json["in_release"]
    assert told["decision"]["reason"] == "reservation.no_ai_tag"
    assert "when it was built" in told["because"]


# --- what is


def test_the_whole_life_of_a_recording(world: Desk) -> None:
    """Events, every decision in order with its evidence, tables, releases, recalls, copies; on one page, too."""
    taken_down(world)
    found = life(world, "song-0")
    position = len(world.log("rights")) - 1
    assert [(one["event"], one["type"], one["title"]) for one in found["events"]] == [
        ("0:0", "content.published", "First")
    ]
    music = [one for one in found["decisions"] if one["dataset"] == "music"]
    assert [(one["verdict"], one["reason"], one["driver"]) for one in music] == [
        ("permit", "terms.permit", "gate"),
        ("deny", "claim.takedown", "sweep"),
    ]
    assert music[-1]["evidence"].startswith(f"rights:{position}@")
    assert found["tables"]["music"] is None
    [inside] = found["releases"]
    assert (inside["release"], inside["reason"], inside["recall"]) == ("music@1", "terms.permit", "0001.json")
    [recall] = found["recalls"]
    assert (recall["why"]["reason"], recall["why"]["evidence"]) == ("claim.takedown", music[-1]["evidence"])
    [copy] = found["copies"]
    assert (copy["asset_id"], copy["shares"], copy["releases"]) == ("again", "ISRC", ["music@1"])
    assert copy["last"]["music"] == {"verdict": "permit", "reason": "terms.permit"}
    page = world.ok("trace", "song-0").out
    for text in ("claim.takedown", "music@1", "0001.json", "again", "ISRC", music[0]["evidence"]):
        assert text in page, text


def test_a_copy_that_was_recalled_says_what_it_is_a_copy_of(world: Desk) -> None:
    """The re-upload of what was taken down."""
    taken_down(world)
    [recall] = life(world, "again")["recalls"]
    assert recall["why"]["same_as"] == "same ISRC as song-0"


@pytest.mark.parametrize("subject", [f"isrc:{ISRC}", "isrc:uss1z9900001"])
def test_an_isrc_in_any_spelling_finds_every_upload(world: Desk, subject: str) -> None:
    """Hyphens and case do not count."""
    told = world.ok("trace", subject, "--json").json
    assert (told["subject"], [one["asset_id"] for one in told["assets"]]) == ("isrc:USS1Z9900001", ["again", "song-0"])


def test_a_content_hash_finds_its_upload(world: Desk) -> None:
    """In either case of letters."""
    assert [one["asset_id"] for one in world.ok("trace", f"sha256:{HASH}", "--json").json["assets"]] == ["song-0"]


def test_an_update_and_a_removal_are_part_of_the_life(world: Desk) -> None:
    """Every event in order; the table's row goes."""
    world.now = LATER
    removed = event("content.removed", world.now, asset_id="other", account_id="b")
    world.ok("content", "append", "-", stdin=lines(published("other", account="b", title="New"), removed))
    world.ok("gate", "--drain")
    found = life(world, "other")
    assert [one["type"] for one in found["events"]] == ["content.published", "content.published", "content.removed"]
    assert found["tables"]["music"] is None
    assert found["decisions"][-1]["reason"] == "claim.deletion"


def test_a_rightsholder_hears_where_everything_is_and_what_can_be_done(world: Desk) -> None:
    """By dataset and reason, by release with its models; of a permit how to say no, of a no what would change it."""
    told = world.ok("trace", "--party", "Label", "--json").json
    assert [one["asset_id"] for one in told["recordings"]] == ["song-0", "song-1", "song-2"]
    music = {one["reason"]: one for one in told["answers"] if one["dataset"] == "music"}
    assert {reason: one["recordings"] for reason, one in music.items()} == {
        "terms.permit": 2,
        "reservation.no_ai_tag": 1,
    }
    assert "rights.consent.withdrawn" in music["terms.permit"]["can_do"][0]
    assert "party:Label" in music["terms.permit"]["can_do"][0]
    assert "tag" in music["reservation.no_ai_tag"]["can_do"][0]
    [inside] = told["releases"]
    assert (inside["recordings"], inside["recalled"], inside["models"], inside["latest"]) == (2, 0, ["tagger"], True)
    taken_down(world)
    [inside] = world.ok("trace", "--account", "a", "--json").json["releases"]
    assert (inside["recordings"], inside["recalled"]) == (2, 1)
    assert "0001.json" in {
        release["recalled"]
        for one in world.ok("trace", "--account", "a", "--json").json["recordings"]
        for release in one["releases"].values()
    }
    assert "what can be done" in world.ok("trace", "--party", "Nina").out


def test_what_is_advised_works(world: Desk) -> None:
    """Who does what the page says is out of the dataset: an agreement is ended, a consent taken back."""
    agreement = {"agreement_id": "g", "party_id": "Label", "scope": {"all": True}, "permits": ["training.analytical"]}
    say(world, "rights.agreement.signed", **agreement, prohibits=[], valid_from="2025-06-01T00:00:00Z")
    world.ok("sweep")

    def first() -> str:
        told = world.ok("trace", "--party", "Label", "--json").json["answers"]
        return str(next(a for a in told if a["dataset"] == "music" and a["verdict"] == "permit")["can_do"][0])

    assert "rights.agreement.terminated" in first()
    say(world, "rights.agreement.terminated", agreement_id="g", effective_from="2025-06-02T00:00:00Z")
    world.now = LATER
    world.ok("sweep")
    assert "rights.consent.withdrawn" in first()
    who = "party:Label"
    say(world, "rights.consent.withdrawn", speaker=who, subject=who, purposes=["training.analytical"])
    world.ok("sweep")
    left = {
        a["verdict"] for a in world.ok("trace", "--party", "Label", "--json").json["answers"] if a["dataset"] == "music"
    }
    assert left == {"deny"}

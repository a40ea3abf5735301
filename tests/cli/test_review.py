"""What a reviewer is told of a candidate, on real workspaces."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Desk, event, lines, published
from tests.support.candidates import Candidate

LATER = "2025-06-21T12:00:00Z"


@pytest.fixture
def world(desk: Desk) -> Desk:
    """Six recordings for ``music``: four permitted, one tagged, one whose statement nobody can read."""
    desk.dataset("music", "training.analytical", approval="required")
    desk.ok("apply")
    found = [{"vocabulary": "c2pa", "statement": "?"}]
    tracks = [
        *(published(f"song-{n}", account=f"a{n}", title=f"Song {n}", artists=[f"Artist {n}"]) for n in range(4)),
        published("tagged", account="ilse", title="Tagged", tags=["no ai"]),
        published("unread", account="ada", title="Unread", reservations=found),
    ]
    desk.ok("content", "append", "-", stdin=lines(*tracks))
    desk.ok("gate", "--drain")
    return desk


def facts(desk: Desk, build: str) -> dict[str, Any]:
    found: dict[str, Any] = desk.ok("review", build, "--json").json["facts"]
    return found


def withdraw(desk: Desk, account: str) -> None:
    speech = {"speaker": f"account:{account}", "subject": f"account:{account}", "purposes": ["training"]}
    desk.ok("rights", "append", "-", stdin=lines(event("rights.consent.withdrawn", desk.now, **speech)))


def test_what_was_refused_is_told_by_reason_layer_and_holder(world: Desk) -> None:
    """Of all that came in, not only of what the dataset holds; with examples that have names."""
    Candidate(world.root, "music", "1", world.now).check()
    told = facts(world, "music@1")
    standing = told["standing"]
    assert standing["assets"] == 6
    assert standing["verdicts"] == {"permit": 4, "deny": 1, "hold": 1}
    assert {(g["verdict"], g["reason"], g["layer"], g["holder"], g["assets"]) for g in standing["refused"]} == {
        ("deny", "reservation.no_ai_tag", "wishes", "account:ilse", 1),
        ("hold", "evidence.unreadable", "claim or wishes", "account:ada", 1),
    }
    assert standing["by_layer"] == {"claim or wishes": 1, "wishes": 1}
    assert standing["by_holder"] == {"account:ada": 1, "account:ilse": 1}
    assert [group["examples"] for group in standing["held"]] == [["unread"]]
    assert told["names"]["tagged"]["title"] == "Tagged"
    assert told["difference"] is None
    assert told["quality"]["passed"] is True


def test_a_check_or_an_answer_to_another_manifest_is_none(world: Desk) -> None:
    """A page that showed them would have somebody approve what was never checked."""
    made = Candidate(world.root, "music", "1", world.now).check(digest="sha256:" + "0" * 64)
    (made.folder / "approval.json").write_text('{"manifest": "sha256:0", "approved": true}')
    told = facts(world, "music@1")
    assert told["quality"] is None
    assert told["approval"] is None


def test_a_candidate_is_held_against_the_last_release(world: Desk) -> None:
    """Which rows come and go, and why; the latest release itself has nothing to be compared with."""
    Candidate(world.root, "music", "1", world.now).check()
    world.ok("approve", "music@1", "--by", "mia", "--because", "fine")
    world.ok("publish", "music@1")
    published_now = facts(world, "music@1")
    assert published_now["published"]["approval"]["by"] == "mia"
    assert published_now["last"] is None
    world.now = LATER
    withdraw(world, "a0")
    world.ok("content", "append", "-", stdin=lines(published("new", account="a9", time=LATER)))
    world.ok("gate", "--drain")
    Candidate(world.root, "music", "2", world.now)
    told = facts(world, "music@2")
    assert told["last"] == {"name": "music@1", "rows": 4}
    groups = {(g["way"], g["reason"], g["holder"], g["rows"]) for g in told["difference"]["groups"]}
    assert groups == {("out", "consent.withdrawn", "account:a0", 1), ("in", "terms.permit", "account:a9", 1)}
    assert told["difference"]["kept"] == 3


def test_what_the_build_left_out_and_what_has_moved_since_is_told(world: Desk) -> None:
    """Forged rows first; the rights log's end beside the position the build stands on."""
    withdraw(world, "a1")
    Candidate(world.root, "music", "1", world.now).check()
    refused = world.root / "builds" / "music" / "1" / "refused.jsonl"
    line = '{"asset_id":"planted","reason":"not_in_catalog","holder":null,"forged":true}\n'
    refused.write_text(refused.read_text() + line)
    withdraw(world, "a2")
    told = facts(world, "music@1")
    assert told["left_out"][0] == {
        "reason": "not_in_catalog",
        "holder": "nobody in particular",
        "forged": True,
        "assets": 1,
        "examples": ["planted"],
    }
    assert {"reason": "consent.withdrawn", "holder": "account:a1", "forged": False, "assets": 1,
            "examples": ["song-1"]} in told["left_out"]  # fmt: skip
    assert told["rights_end"] == told["basis"]["rights_position"] + 1


def test_before_anything_is_on_record_there_is_still_a_page(world: Desk) -> None:
    """A dataset without decisions or releases: what the candidate says of itself."""
    Candidate(world.root, "music", "1", world.now)
    told = world.ok("review", "music@1", "--json").json
    assert told["facts"]["quality"] is None
    assert "Not checked" in told["markdown"]

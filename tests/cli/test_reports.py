"""``explain``, ``holds``, ``status`` and ``dead-letters`` on a workspace whose log has been drained by the gate."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.cli.conftest import Desk, event, lines, published, tree

PURPOSE = "training.generative"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Three assets, one withdrawn, one held, two records that are no events; drained. Tests only look at it."""
    desk = Desk(tmp_path_factory.mktemp("world") / "workspace")
    assert desk.run("init", desk.root, workspace=False).code == 0
    desk.dataset("generative", PURPOSE)
    desk.ok("apply")
    desk.ok(
        "rights",
        "append",
        "-",
        stdin=lines(
            event("rights.consent.withdrawn", speaker="account:nina", subject="asset:song", purposes=["training"]),
            event("rights.consent.granted", speaker="account:nina", subject="asset:yes", purposes=[PURPOSE]),
        ),
    )
    desk.ok("content", "append", "-", stdin=lines(published("song", title="Song"), published("tune"), published("yes")))
    with (desk.root / "log" / "content.jsonl").open("a") as log:
        log.write('{"a": NaN}\n{\n')
    desk.ok("gate", "--drain")
    return desk


def _explain(desk: Desk, *args: object) -> dict[str, Any]:
    found: dict[str, Any] = desk.ok("explain", *args, "--json").json
    return found


# --- explain


def test_an_asset_nobody_knows_is_bad_input(world: Desk) -> None:
    """It says where assets come from."""
    answer = world.run("explain", "--dataset", "generative", "nobody")
    assert answer.code == 2
    assert "gate --drain" in answer.err


def test_a_dataset_nobody_declared_lists_the_known(world: Desk) -> None:
    """As for decide."""
    answer = world.run("explain", "--dataset", "nobody", "song")
    assert (answer.code, "generative" in answer.err) == (2, True)


@pytest.mark.parametrize("text", ["rights:1", "rights:1@2", "@1#0123456789ab", "rights:1@-2#0123456789ab", ""])
def test_what_is_no_evidence_is_refused(world: Desk, text: str) -> None:
    """Evidence is copied from a decision, whole; a fragment finds nothing."""
    answer = world.run("explain", "--dataset", "generative", "song", "--evidence", text or " ")
    assert answer.code == 2
    assert "no evidence" in answer.err


def test_evidence_of_another_asset_is_not_found(world: Desk) -> None:
    """A decision is found only under its own asset and dataset."""
    evidence = _explain(world, "--dataset", "generative", "yes")["evidence"]
    answer = world.run("explain", "--dataset", "generative", "tune", "--evidence", evidence)
    assert (answer.code, "no decision on 'tune'" in answer.err) == (2, True)


def test_evidence_says_itself_when(world: Desk) -> None:
    """--evidence with --at is wrong use."""
    asked = ("--evidence", "x@1#0123456789ab", "--at", "2025-01-01T00:00:00Z")
    assert world.run("explain", "--dataset", "generative", "song", *asked).code == 2


def test_an_explanation_says_what_decided_and_why_the_rest_did_not(world: Desk) -> None:
    """The withdrawal decided; the terms lie below it; what would change it names the speaker."""
    found = _explain(world, "--dataset", "generative", "song")
    assert (found["verdict"], found["reason"], found["holder"]) == ("deny", "consent.withdrawn", "account:nina")
    considered = found["interests"][0]["considered"]
    decided = [s for s in considered if s["decided"]]
    assert [s["statement"] for s in decided] == [found["evidence"].split("@")[0]]
    assert found["sources"][decided[0]["statement"]]["type"] == "rights.consent.withdrawn"
    assert "terms.unclear" in [s["reason"] for s in considered]
    assert any("account:nina" in sentence for sentence in found["what_would_change_it"])
    assert not found["recorded_differs"]
    assert found["recorded"]["evidence"] == found["evidence"]


def test_an_explanation_says_when_the_record_is_older_than_the_answer(world: Desk) -> None:
    """What is decided now at another position may differ from the last decision on record; it is said so."""
    found = _explain(world, "--dataset", "generative", "yes", "--rights-at", 7)
    assert (found["verdict"], found["recorded_differs"]) == ("hold", True)
    assert found["recorded"]["verdict"] == "permit"


def test_a_recorded_decision_is_decided_again_as_it_was(world: Desk) -> None:
    """By its evidence: the same answer from the kept policy, the position, the events and the instant of then."""
    recorded = _explain(world, "--dataset", "generative", "yes")["recorded"]
    found = _explain(world, "--dataset", "generative", "yes", "--evidence", recorded["evidence"])
    assert not found["recorded_differs"]
    assert [found[name] for name in ("verdict", "reason", "holder", "evidence")] == [
        recorded[name] for name in ("verdict", "reason", "holder", "evidence")
    ]


def test_a_recorded_decision_survives_a_later_policy(world: Desk) -> None:
    """When policy.yaml has changed since, the evidence is resolved with the policy that was kept."""
    path = world.root / "policy" / "policy.yaml"
    text = path.read_text()
    evidence = _explain(world, "--dataset", "generative", "yes")["evidence"]
    try:
        path.write_text(text.replace("dispute: [training, external]", "dispute: [training]"))
        assert _explain(world, "--dataset", "generative", "yes")["evidence"] != evidence
        assert _explain(world, "--dataset", "generative", "yes", "--evidence", evidence)["evidence"] == evidence
    finally:
        path.write_text(text)


def test_an_event_of_a_file_is_explained_without_the_catalogue(world: Desk) -> None:
    """--event: what would be decided if this were the asset's latest event."""
    found = _explain(world, "--dataset", "generative", "new", "--event", world.write("e.jsonl", published("new")))
    assert (found["reason"], found["recorded"]) == ("terms.unclear", None)


def test_people_see_the_answer_first_and_every_verdict_without_colour(world: Desk) -> None:
    """The page begins with sign, word and asset."""
    page = world.ok("explain", "--dataset", "generative", "song").lines
    assert page[0].startswith("x deny  song (Song)")
    assert any(line.lstrip().startswith(">") for line in page)


# --- holds


def test_held_assets_are_grouped_with_who_could_resolve_them(world: Desk) -> None:
    """One asset is held: why, for whom, and whose turn it is."""
    found = world.ok("holds", "--json").json
    group = found["groups"][0]
    assert (found["held"], group["reason"], group["holder"]) == (1, "terms.unclear", "account:nina")
    assert (group["datasets"], group["examples"]) == (["generative"], ["tune"])
    assert "holder" in group["who"]
    assert "tune" in world.ok("holds").out


def test_before_the_gate_ran_nothing_is_held(desk: Desk) -> None:
    """No decision, no hold, no error."""
    assert desk.ok("holds", "--json").json == {"held": 0, "groups": []}


# --- status


def test_status_counts_what_the_gate_did(world: Desk) -> None:
    """Positions, verdicts of each dataset, dead letters by reason."""
    found = world.ok("status", "--json").json
    assert [found["lag"], found["rights_end"], found["rights_kept"]] == [0, 9, 9]
    counts = {d["name"]: d["verdicts"] for d in found["datasets"]}
    assert counts["generative"] == {"deny": 1, "hold": 1, "permit": 1}
    assert found["dead_letters"] == {"not_finite": 1, "bad_json": 1}
    assert {d["name"]: d["rows"] for d in found["datasets"]}["generative"] == 1
    assert found["content"][0]["end"] == found["content"][0]["next"] == 5


def test_status_before_anything_happened(bare: Desk) -> None:
    """An empty workspace has a status: nothing applied, nothing decided."""
    found = bare.ok("status", "--json").json
    assert (found["policy_applied"], found["datasets"], found["lag"]) == ("new", [], 0)
    assert "NOT APPLIED" in bare.ok("status").out


def test_status_shouts_what_nobody_can_read(desk: Desk) -> None:
    """An unanswered record stands first, with its bytes and the command that answers it."""
    with (desk.root / "log" / "rights.jsonl").open("a") as log:
        log.write("not json at all\n")
    page = desk.ok("status").lines
    assert "UNREADABLE rights event 6" in page[0]
    assert "no release may be published" in page[0]
    assert any("not json at all" in line for line in page[:4])
    assert any("gatekeeper rights resolve 6" in line for line in page[:5])
    assert desk.ok("status", "--json").json["unanswered"][0]["position"] == 6


def test_status_tells_files_that_differ_from_the_log(desk: Desk) -> None:
    """Changed, new and missing declarations are each named."""
    desk.dataset("fresh", "service")
    desk.dataset("recommendation", "service")
    (desk.root / "datasets" / "voice-replication.yaml").unlink()
    found = {d["name"]: d["applied"] for d in desk.ok("status", "--json").json["datasets"]}
    assert found == {
        "analytical-training": "yes",
        "fresh": "new",
        "recommendation": "changed",
        "voice-replication": "file gone",
    }


# --- dead letters


def test_dead_letters_keep_their_bytes(world: Desk) -> None:
    """Each with its place, its reason, what to mend, and exactly the bytes that came."""
    found = world.ok("dead-letters", "list", "--json").json
    assert found["total"] == 2
    first = found["dead_letters"][0]
    assert (first["partition"], first["offset"], first["reason"]) == (0, 3, "not_finite")
    assert base64.b64decode(first["value_base64"]) == b'{"a": NaN}'
    assert first["detail"]


def test_dead_letters_by_reason_and_number(world: Desk) -> None:
    """--reason selects, --limit bounds, the total tells how many there are."""
    found = world.ok("dead-letters", "list", "--json", "--reason", "bad_json").json
    assert [letter["offset"] for letter in found["dead_letters"]] == [4]
    assert world.ok("dead-letters", "list", "--json", "--limit", 1).json["total"] == 2
    assert world.ok("dead-letters", "list", "--json", "--reason", "oversize").json["total"] == 0


def test_replay_needs_to_be_told_which(world: Desk) -> None:
    """Nothing is replayed by accident."""
    assert world.run("dead-letters", "replay").code == 2
    assert world.run("dead-letters", "replay", world.write("which.txt", "five\n")).code == 2


def test_what_still_fails_is_reported_and_not_appended(world: Desk) -> None:
    """The answer is no (exit 1), each letter with its reason; the log stays as it was."""
    before = tree(world.root / "log")["content.jsonl"]
    answer = world.run("dead-letters", "replay", "--all", "--json")
    assert answer.code == 1
    assert [(f["at"], f["reason"]) for f in answer.json["failing"]] == [("0:3", "not_finite"), ("0:4", "bad_json")]
    assert tree(world.root / "log")["content.jsonl"] == before


def _with_oversize(desk: Desk) -> str:
    """A record that was too large when it came, and a smaller asset; drained. The record's line."""
    large = published("large", title="x" * 500)
    desk.write("gatekeeper.yaml", "limits:\n  event_bytes_max: 400\n")
    with (desk.root / "log" / "content.jsonl").open("a") as log:
        log.write(f"{large}\n{published('small')}\n")
    desk.ok("gate", "--drain")
    assert desk.ok("dead-letters", "list", "--json").json["total"] == 1
    desk.write("gatekeeper.yaml", "")
    return large


def test_what_passes_by_now_is_appended_as_it_was(desk: Desk) -> None:
    """The limit was raised: the very bytes come again at the log's end, and the gate decides them."""
    large = _with_oversize(desk)
    found = desk.ok("dead-letters", "replay", "--reason", "oversize", "--json").json
    assert found == {"appended": ["0:0"], "superseded": [], "failing": []}
    assert (desk.root / "log" / "content.jsonl").read_text().splitlines()[-1] == large
    desk.ok("gate", "--drain")
    assert _explain(desk, "--dataset", "recommendation", "large")["event"]["offset"] == 2
    assert desk.ok("dead-letters", "list", "--json").json["total"] == 1


def test_a_second_replay_appends_nothing(desk: Desk) -> None:
    """Its asset has a later event by now: in the catalogue, or still waiting on the log."""
    _with_oversize(desk)
    desk.ok("dead-letters", "replay", "--all")
    waiting = desk.ok("dead-letters", "replay", "--all", "--json").json
    desk.ok("gate", "--drain")
    decided = desk.ok("dead-letters", "replay", "--all", "--json").json
    assert waiting == decided == {"appended": [], "superseded": [{"at": "0:0", "by": "0:2"}], "failing": []}


def test_an_old_event_does_not_bring_back_what_a_newer_one_took_away(desk: Desk) -> None:
    """The asset was updated with a no-AI tag since: replaying the old event would lose the tag."""
    _with_oversize(desk)
    desk.ok("content", "append", "-", stdin=lines(published("large", tags=["no-ai"])))
    found = desk.ok("dead-letters", "replay", "--all", "--json").json
    assert (found["appended"], len(found["superseded"])) == ([], 1)


def test_letters_are_named_by_a_file(desk: Desk) -> None:
    """The output of ``list --json``, or places line by line."""
    _with_oversize(desk)
    assert desk.ok("dead-letters", "replay", desk.write("p.txt", "0:77\n"), "--json").json["appended"] == []
    listed = desk.ok("dead-letters", "list", "--json").out
    assert desk.ok("dead-letters", "replay", desk.write("l.json", listed), "--json").json["appended"] == ["0:0"]
    assert json.loads(listed)["total"] == 1

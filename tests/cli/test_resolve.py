"""``gatekeeper rights resolve``: answering what nobody could read."""

from __future__ import annotations

import json

from tests.cli.conftest import Desk, event, lines, published


def _unreadable(desk: Desk, line: str) -> int:
    """Put a line on the rights log behind the commands' back; its position."""
    path = desk.root / "log" / "rights.jsonl"
    position = len(path.read_text().splitlines())
    path.write_text(path.read_text() + line + "\n")
    return position


def _decide(desk: Desk, text: str) -> dict[str, object]:
    answer: dict[str, object] = desk.ok("decide", "--dataset", "recommendation", "-", stdin=text).json
    return answer


def test_a_position_that_is_readable_cannot_be_resolved(desk: Desk) -> None:
    """Only what nobody could read is answered; the command lists what waits."""
    position = _unreadable(desk, "{")
    answer = desk.run("rights", "resolve", 0, "--because", "I like it")
    assert answer.code == 2
    assert f"unanswered: {position}" in answer.err


def test_a_position_beyond_the_end_cannot_be_resolved(desk: Desk) -> None:
    """Nothing is answered in advance."""
    assert desk.run("rights", "resolve", 99, "--because", "in case").code == 2


def test_an_answer_needs_a_reason(desk: Desk) -> None:
    """Blank words are no reason."""
    position = _unreadable(desk, "{")
    assert desk.run("rights", "resolve", position).code == 2
    assert desk.run("rights", "resolve", position, "--because", "  ").code == 2
    assert (desk.root / "log" / "rights.jsonl").read_text().count("\n") == position + 1


def test_answered_is_answered(desk: Desk) -> None:
    """The second answer is refused."""
    position = _unreadable(desk, "{")
    desk.ok("rights", "resolve", position, "--because", "a test message")
    answer = desk.run("rights", "resolve", position, "--because", "again")
    assert (answer.code, "answered already" in answer.err) == (2, True)


def test_an_unreadable_event_holds_its_subject_until_it_is_answered(desk: Desk) -> None:
    """The asset is held, an operator answers, the asset is decided by what else is known."""
    line = event("rights.consent.withdrawn", speaker="account:nina", subject="asset:song", purposes=["unheard.of"])
    position = _unreadable(desk, line)
    held = _decide(desk, lines(published()))
    assert (held["verdict"], held["reason"]) == ("hold", "evidence.unreadable")
    assert str(held["evidence"]).startswith(f"rights:{position}@")
    desk.ok("rights", "resolve", position, "--because", "the producer takes it back", "--json")
    told = json.loads((desk.root / "log" / "rights.jsonl").read_text().splitlines()[-1])
    assert told["data"] == {"position": position, "because": "the producer takes it back"}
    assert _decide(desk, lines(published()))["reason"] == "terms.permit"

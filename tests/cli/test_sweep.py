"""``gatekeeper sweep`` at a terminal, and what ``status`` says of it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Desk, event, lines, published

WITHDRAWN = event("rights.consent.withdrawn", speaker="account:nina", subject="account:nina", purposes=["service"])


@pytest.fixture
def drained(desk: Desk) -> Desk:
    """Two assets, decided; then one account withdraws."""
    desk.ok("content", "append", "-", stdin=lines(published("song"), published("other", "tom")))
    desk.ok("gate", "--drain")
    return desk


def test_files_that_are_not_applied_are_bad_input(drained: Desk) -> None:
    """Exit code 2, with the command that mends it; nothing is decided."""
    drained.dataset("extra", "service")
    answer = drained.run("sweep")
    assert (answer.code, "gatekeeper apply" in answer.err) == (2, True)


def test_a_rights_log_that_lost_events_is_unavailable(drained: Desk) -> None:
    """Exit code 3."""
    log = drained.root / "log" / "rights.jsonl"
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])
    assert drained.run("sweep").code == 3


def test_it_says_what_it_did(drained: Desk) -> None:
    """From where to where, how many were looked at, what was decided anew, and the rows that moved."""
    drained.ok("sweep")
    end = len(drained.log("rights"))
    drained.ok("rights", "append", "-", stdin=lines(WITHDRAWN))
    found = drained.ok("sweep", "--json").json
    assert (found["from"], found["to"], found["looked_at"], found["everything"]) == (end, end + 1, 1, None)
    assert found["decided"]["recommendation"] == {"deny": {"consent.withdrawn": 1}}
    assert found["rows"]["recommendation"] == {"entered": 0, "left": 1}
    assert (found["retired"], found["commits"]) == ([], 1)
    assert found["instant"] > drained.now, "the gate's clock is the system's: no sweep is dated before its decisions"


def test_people_read_a_table(drained: Desk) -> None:
    """And one line where nothing changed."""
    drained.ok("rights", "append", "-", stdin=lines(WITHDRAWN))
    answer = drained.ok("sweep")
    assert "consent.withdrawn" in answer.out
    assert "rows left" in answer.out
    assert "No decision changed." in drained.ok("sweep").out


def test_everything_can_be_asked_for(drained: Desk) -> None:
    """And changes nothing where nothing is touched."""
    drained.ok("sweep")
    found = drained.ok("sweep", "--full", "--json").json
    assert (found["everything"], found["looked_at"], found["commits"]) == ("it was asked for", 2, 0)


def test_an_empty_workspace_is_swept_too(desk: Desk) -> None:
    """Nothing to decide; the position is recorded."""
    found = desk.ok("sweep", "--json").json
    assert (found["looked_at"], desk.ok("status", "--json").json["swept"]) == (0, found["to"])


def test_status_says_when_rights_are_ahead(drained: Desk) -> None:
    """Not where every decision has heard of every rights event; with the command to run, until it has run."""
    assert drained.ok("status", "--json").json["unswept"] == 0
    assert "since the last sweep" not in drained.ok("status").out
    drained.ok("rights", "append", "-", stdin=lines(WITHDRAWN))
    assert "1 rights event since the last sweep: run gatekeeper sweep" in drained.ok("status").out
    drained.ok("sweep")
    assert drained.ok("status", "--json").json["unswept"] == 0

"""Rights events in the gate: what was said before content is heard, what nobody can read holds or is shouted about."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.cli.conftest import event, published
from tests.support.gate_runs import Runs, granted, once_at, withdrawn

UNREADABLE = "rights.unreadable.answered"


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "ws")


def answer(position: int) -> str:
    return event(UNREADABLE, position=position, because="looked into it")


def test_a_withdrawal_before_content_is_never_overlooked(runs: Runs) -> None:
    """While one gate runs: an answer appended before an event is in every decision on that event."""
    needed: dict[int, int] = {}
    with runs.running() as gate:
        for number in range(13):
            position = runs.rights((withdrawn, granted)[number % 2](id_=f"change-{number}"))
            offset = runs.content(published("song", title=str(number)))
            needed[offset] = position + 1
            if number % 3 == 0:  # else a batch holds several
                gate.until(lambda n=offset: any(r["offset"] == n for r in runs.decisions()), f"{offset} is decided")
        gate.until(lambda: len(runs.decisions()) == 26, "everything is decided")
    assert all(row["rights_position"] >= needed[row["offset"]] for row in runs.decisions())
    assert runs.decisions()[-1]["verdict"] == "deny"


def test_a_withdrawal_that_comes_while_a_batch_is_being_decided(runs: Runs) -> None:
    """After the catalogue was written the batch keeps its verdict; the next event of the account is denied."""
    runs.content(published("first"))
    runs.drain(once_at("catalog.committed", lambda: runs.rights(withdrawn())))
    runs.content(published("second"))
    runs.drain()
    assert runs.last() == {"first": ("permit", "terms.permit"), "second": ("deny", "consent.withdrawn")}


def test_an_unreadable_record_holds_its_subject(runs: Runs, caplog: pytest.LogCaptureFixture) -> None:
    """It may be a revocation: the subject is held for every purpose, and the log says what to do."""
    unknown = event("rights.consent.withdrawn", speaker="account:nina", subject="asset:song", purposes=["unheard.of"])
    position = runs.rights(unknown)
    runs.content(published("song"), published("other"))
    with caplog.at_level(logging.ERROR):
        runs.drain()
    for dataset in runs.datasets:
        assert runs.last(dataset) == {"song": ("hold", "evidence.unreadable"), "other": ("permit", "terms.permit")}
    assert "asset:song is held" in caplog.text
    assert f"gatekeeper rights resolve {position} --because" in caplog.text


def test_an_unreadable_record_without_a_subject_stops_no_content(runs: Runs, caplog: pytest.LogCaptureFixture) -> None:
    """Admission can be undone: the gate goes on, and shouts that nobody knows whom it is about."""
    runs.rights("{ no JSON", b"\xff\xfe", "[]")
    runs.content(published("song"))
    with caplog.at_level(logging.ERROR):
        runs.drain()
    assert runs.last() == {"song": ("permit", "terms.permit")}
    assert caplog.text.count("nobody knows whom it is about") == 3
    assert [row["readable"] for row in runs.table("rights") if row["problem"]] == [False] * 3


def test_an_answer_releases_later_events(runs: Runs) -> None:
    """From the answer on the subject is judged by what else is known, also by a gate that starts afterwards."""
    position = runs.rights(event("rights.claim.opened", claim_id="c", kind="unheard-of", subject="asset:song"))
    runs.content(published("song"))
    runs.drain()
    assert runs.last() == {"song": ("hold", "evidence.unreadable")}
    runs.rights(answer(position))
    for title in ("again", "and again"):
        runs.content(published("song", title=title))
        runs.drain()
    verdicts = [row["verdict"] for row in runs.decisions("radio")]
    assert verdicts == ["hold", "permit", "permit"]


def test_what_was_answered_is_shouted_no_more(runs: Runs, caplog: pytest.LogCaptureFixture) -> None:
    """A gate that starts after the answer names only what still waits for one."""
    answered, waiting = runs.rights("{ no JSON", "[]"), runs.rights("{ no JSON either")
    runs.rights(answer(answered))
    with caplog.at_level(logging.ERROR):
        runs.drain()
    assert f"rights event {answered} " not in caplog.text
    assert f"gatekeeper rights resolve {waiting} --because" in caplog.text


def test_a_redelivered_rights_event_counts_once(runs: Runs) -> None:
    """The same source and id again, in the same run or the next, does not withdraw what was granted since."""
    runs.rights(withdrawn(id_="w"), granted(id_="g"), withdrawn(id_="w"))
    runs.content(published("one"))
    runs.drain()
    runs.rights(withdrawn(id_="w"))
    runs.content(published("two"))
    runs.drain()
    assert {asset: verdict for asset, (verdict, _) in runs.last().items()} == {"one": "permit", "two": "permit"}
    runs.rights(withdrawn(id_="another"))
    runs.content(published("three"))
    runs.drain()
    assert runs.last()["three"] == ("deny", "consent.withdrawn")


def test_a_time_too_far_ahead_stays_unreadable(runs: Runs) -> None:
    """More than five minutes ahead when it was first read: unreadable, also for who reads it a day later."""
    runs.rights(withdrawn("nina", time="2025-06-20T12:05:00.000001Z"), withdrawn("tom", time="2025-06-20T12:05:00Z"))
    runs.content(published("hers"), published("his", "tom"))
    runs.drain()
    assert runs.last() == {"hers": ("hold", "evidence.unreadable"), "his": ("deny", "consent.withdrawn")}
    runs.now = "2025-06-21T12:00:00Z"
    runs.content(published("hers", title="again"), published("his", "tom", title="again"))
    runs.drain()
    assert runs.last() == {"hers": ("hold", "evidence.unreadable"), "his": ("deny", "consent.withdrawn")}


def test_a_time_that_had_come_when_it_was_first_read_stays_readable(runs: Runs) -> None:
    """What counts is the first reading as the lake keeps it, though the clock of the next gate stands earlier."""
    runs.now = "2025-06-20T13:00:00Z"
    runs.rights(withdrawn(time="2025-06-20T12:59:00Z"))
    runs.drain()
    runs.now = "2025-06-20T12:00:00Z"
    runs.content(published("song"))
    runs.drain()
    assert runs.last() == {"song": ("deny", "consent.withdrawn")}

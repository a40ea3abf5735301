"""``gate --drain`` on files: it ends where the log ended, whatever comes meanwhile and whatever the records are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Desk, event, published
from tests.support.gate_runs import Runs

ENDLESS = 40


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "ws")


def test_a_second_gate_is_refused_and_told_who_works_there(runs: Runs) -> None:
    """Exit 3 with the process that holds the workspace; the first goes on, and afterwards the next may start."""
    runs.content(published("song"))
    with runs.running() as first:
        answer = Desk(runs.root).run("gate", "--drain", "--json")
        first.until(lambda: len(runs.decisions()) == 2, "the first gate decides")
    assert answer.code == 3
    assert f"process {os.getpid()}" in answer.json["error"]
    assert Desk(runs.root).run("gate", "--drain").code == 0
    assert len(runs.decisions()) == 2


def test_a_steady_stream_does_not_keep_a_drain_from_ending(runs: Runs) -> None:
    """The end is where the log ended at the start: an event appended with every commit defers it only so long."""
    sent = 0

    def one_more(step: str) -> None:
        nonlocal sent
        if step == "decisions.committed":
            sent += 1
            assert sent < ENDLESS, "the drain follows the stream"
            runs.content(published(f"later-{sent}"))

    runs.content(*(published(f"asset-{n}") for n in range(5)))
    runs.drain(one_more)
    assert sent >= 1
    assert {f"asset-{n}" for n in range(5)} <= set(runs.rows())
    runs.drain()
    assert len(runs.decisions()) == 2 * (5 + sent)


def test_an_empty_log(runs: Runs) -> None:
    """A drain of nothing ends, twice, and leaves tables that can be read."""
    runs.drain()
    runs.drain()
    assert (runs.decisions(), runs.table("catalog"), runs.rows()) == ([], [], {})


def test_nothing_but_dead_letters(runs: Runs) -> None:
    """Every line becomes one dead letter with its bytes and a reason; nothing is decided; a second drain adds none."""
    no_type = event("content.unheard-of", asset_id="song", account_id="nina")
    lines = [b"", b"{", b"[]", b'"\xff\xfe"', b"\x80\x81", b'{"a": "\\ud800"}', no_type.encode()]
    runs.content(*lines)
    runs.drain()
    runs.drain()
    letters = sorted(runs.table("dead_letters"), key=lambda row: row["offset"])
    assert [row["value"] for row in letters] == lines
    assert all(row["reason"] and row["recorded_at"] for row in letters)
    assert (runs.decisions(), runs.table("catalog")) == ([], [])


def test_bytes_that_are_not_utf_8_stop_nothing(runs: Runs) -> None:
    """They are a dead letter of their own; the events around them are decided."""
    spoiled = published("spoiled", title="here").encode().replace(b"here", b"\xc3\x28")
    runs.content(published("before"), spoiled, published("after"))
    runs.drain()
    assert set(runs.last()) == {"before", "after"}
    assert [(row["offset"], row["value"]) for row in runs.table("dead_letters")] == [(1, spoiled)]


def test_a_line_without_its_newline_is_not_read(runs: Runs) -> None:
    """A torn tail is no record yet, though it is a whole event; with its newline it is one, decided once."""
    runs.content(published("whole"))
    with runs.log("content").open("ab") as log:
        log.write(published("torn").encode())
    runs.drain()
    assert set(runs.last()) == {"whole"}
    assert runs.table("dead_letters") == []
    with runs.log("content").open("ab") as log:
        log.write(b"\n")
    runs.drain()
    assert [row["asset_id"] for row in runs.decisions("radio")] == ["whole", "torn"]


def test_a_torn_rights_event_is_not_applied(runs: Runs) -> None:
    """Nobody acknowledged it: it counts from its newline on."""
    takedown = event("rights.claim.opened", claim_id="c", kind="takedown", subject="asset:song")
    with runs.log("rights").open("ab") as log:
        log.write(takedown.encode())
    runs.content(published("song"))
    runs.drain()
    with runs.log("rights").open("ab") as log:
        log.write(b"\n")
    runs.content(published("song", title="again"))
    runs.drain()
    assert [row["verdict"] for row in runs.decisions("radio")] == ["permit", "deny"]


def test_what_a_gate_leaves_undone_the_next_one_does(runs: Runs) -> None:
    """It died between any two commits of a batch: the batch is finished, once."""
    steps = [
        f"{table}.{step}" for table in ("dead_letters", "catalog", "decisions") for step in ("commit", "committed")
    ]
    for number, step in enumerate(steps):
        runs.content(published(f"asset-{number}"), f"bad {number}")
        runs.dies(step)
    runs.drain()
    assert len(runs.decisions()) == 2 * len(steps)
    assert len(runs.table("dead_letters")) == len(runs.table("catalog")) == len(steps)
    assert set(runs.rows()) == {f"asset-{n}" for n in range(len(steps))}

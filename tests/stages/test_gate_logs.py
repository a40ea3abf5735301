"""The logs a lake was made from: another one, or one that lost records, stops the gate (design §5)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gatekeeper.errors import UnsafeLog
from tests.cli.conftest import Desk, event, published
from tests.support.gate_runs import TERMS, Runs, withdrawn

LOGS = ("content", "rights")
FIRST_LINE = {"content": published("another"), "rights": withdrawn("somebody")}


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """Two events decided, on a rights log whose last event is a withdrawal."""
    runs = Runs(tmp_path / "ws")
    runs.rights(withdrawn("tom"))
    runs.content(published("one"), published("two", "tom"))
    runs.drain()
    return runs


def lines(runs: Runs, log: str) -> list[bytes]:
    return runs.log(log).read_bytes().splitlines(keepends=True)


def refused(runs: Runs) -> None:
    before = runs.decisions()
    with pytest.raises(UnsafeLog):
        runs.drain()
    assert runs.decisions() == before


@pytest.mark.parametrize("log", LOGS)
def test_another_file_in_the_logs_place(runs: Runs, log: str) -> None:
    """Its first line is another one: exit 3 and what to do."""
    runs.log(log).write_bytes(FIRST_LINE[log].encode() + b"\n" + b"".join(lines(runs, log)))
    answer = Desk(runs.root).run("gate", "--drain", "--json")
    assert (answer.code, bool(answer.json["what_to_do"])) == (3, True)
    refused(runs)


@pytest.mark.parametrize("log", LOGS)
def test_another_log_with_an_id_of_its_own(runs: Runs, log: str, tmp_path: Path) -> None:
    """The log of another workspace, moved here with its id: the lake remembers which one it was made from."""
    other = Runs(tmp_path / "other")
    other.content(published("one"), published("two"), published("three"))
    other.drain()
    for suffix in ("", ".id"):
        shutil.copyfile(f"{other.log(log)}{suffix}", f"{runs.log(log)}{suffix}")
    refused(runs)


@pytest.mark.parametrize("log", LOGS)
def test_a_log_whose_id_was_lost(runs: Runs, log: str) -> None:
    """A new id is another log's: offsets of the lake may mean other records."""
    Path(f"{runs.log(log)}.id").unlink()
    refused(runs)


def test_a_content_log_that_shrank_between_two_gates(runs: Runs) -> None:
    """What was decided is no longer there: what is appended next would take its offsets."""
    runs.log("content").write_bytes(lines(runs, "content")[0])
    refused(runs)


def test_a_rights_log_that_shrank_between_two_gates(runs: Runs) -> None:
    """A withdrawal that was applied is gone from the log: nothing is decided on the older state (P2)."""
    runs.log("rights").write_bytes(b"".join(lines(runs, "rights")[:-1]))
    runs.content(published("two", "tom", title="again"))
    refused(runs)


@pytest.mark.parametrize("log", LOGS)
def test_a_log_that_shrinks_under_a_running_gate(runs: Runs, log: str) -> None:
    """The gate stops with ``UnsafeLog`` and commits nothing after it."""
    with runs.running() as gate:
        runs.content(published("three"))
        gate.until(lambda: len(runs.decisions()) == 6, "the third event is decided")
        kept = lines(runs, log)[:-1]
        with runs.log(log).open("r+b") as file:
            file.truncate(sum(map(len, kept)))
        if log == "rights":
            runs.content(published("four"))
        error = gate.ended()
    assert isinstance(error, UnsafeLog)
    assert len(runs.decisions()) == 6


@pytest.mark.parametrize("log", LOGS)
def test_a_log_that_is_replaced_under_a_running_gate(runs: Runs, log: str) -> None:
    """A file with the same lines and more is still another file."""
    with runs.running() as gate:
        runs.content(published("three"))
        gate.until(lambda: len(runs.decisions()) == 6, "the third event is decided")
        beside = runs.root / "beside"
        beside.write_bytes(runs.log(log).read_bytes())
        beside.replace(runs.log(log))
        if log == "rights":
            runs.content(published("four"))
        error = gate.ended()
    assert isinstance(error, UnsafeLog)


def test_the_same_logs_go_on(runs: Runs) -> None:
    """Appended lines are no change of identity."""
    runs.rights(TERMS, event("rights.consent.granted", speaker="party:p", subject="party:p", purposes=["training"]))
    runs.content(published("three"))
    runs.drain()
    assert set(runs.last()) == {"one", "two", "three"}

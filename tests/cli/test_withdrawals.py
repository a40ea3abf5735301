"""Clocks of withdrawals, from the log to the holders of copies, on real workspaces."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Desk, event, lines, published
from tests.support.candidates import Candidate

DAY = "2035-06-{:02d}T{:02d}:00:00Z"
"""After whatever a gate decided, whose clock is the machine's."""


@pytest.fixture
def world(desk: Desk) -> Desk:
    """A release of two assets that somebody trains with, looked at and swept; then one is withdrawn."""
    desk.dataset("music", "training.analytical")
    desk.ok("apply")
    desk.ok("content", "append", "-", stdin=lines(published("song"), published("other", account="b")))
    desk.ok("gate", "--drain")
    desk.now = DAY.format(1, 0)
    Candidate(desk.root, "music", "1", desk.now).check()
    desk.ok("publish", "music@1")
    desk.ok("use", "declare", "--release", "music@1", "--model", "m", "--by", "team")
    desk.ok("sweep")
    desk.ok("recall")
    return desk


def withdraw(desk: Desk) -> int:
    who = "account:nina"
    said = event("rights.consent.withdrawn", desk.now, speaker=who, subject=who, purposes=["training"])
    desk.ok("rights", "append", "-", stdin=lines(said))
    return len(desk.log("rights")) - 1


def clock(desk: Desk, position: int) -> dict[str, Any]:
    told = desk.run("withdrawals", "--json").json
    [found] = [one for one in told["clocks"] if one["position"] == position]
    return dict(found)


def test_a_withdrawal_that_nobody_works_on_is_at_risk_and_then_overdue(world: Desk) -> None:
    """Status warns at half of the deadline and shouts after it; ``withdrawals`` then ends with 1, not before."""
    position = withdraw(world)
    assert clock(world, position)["state"] == "open"
    assert world.ok("status", "--json").json["withdrawals"]["open"] == 1
    world.now = DAY.format(1, 13)
    assert clock(world, position)["state"] == "at_risk"
    assert "AT RISK" in world.ok("status").out
    assert world.ok("withdrawals", "--json").json["at_risk"] == 1
    world.now = DAY.format(2, 1)
    assert "OVERDUE: 1 withdrawal(s)" in world.ok("status").out
    answer = world.run("withdrawals", "--json")
    assert (answer.code, answer.json["overdue"]) == (1, 1)
    assert "gatekeeper sweep" in world.run("withdrawals").out


def test_each_step_stops_its_part_of_the_clock(world: Desk) -> None:
    """The sweep, then a recall over every release; one over a single release, or a dry one, has not looked at all."""
    position = withdraw(world)
    world.now = DAY.format(1, 2)
    world.ok("sweep")
    found = clock(world, position)
    assert (found["tables"], found["releases"], found["state"]) == (DAY.format(1, 2), None, "open")
    world.now = DAY.format(1, 3)
    world.ok("recall", "--dry-run"), world.ok("recall", "music@1")
    assert clock(world, position)["releases"] is None
    world.ok("recall")
    found = clock(world, position)
    assert (found["releases"], found["state"], found["recalls"]) == (DAY.format(1, 3), "done", ["music@1"])
    assert found["holders"] == {"team": False}
    world.ok("recall", "acknowledge", "music@1", "--holder", "team")
    assert clock(world, position)["holders"] == {"team": True}
    assert "1 of 1 heard" in world.ok("withdrawals").out
    assert world.ok("status", "--json").json["withdrawals"]["open"] == 0


def test_a_dataset_may_ask_for_less_time(world: Desk) -> None:
    """The shortest deadline counts; the workspace's own is for those that ask for none."""
    assert world.ok("withdrawals", "--json").json["deadline_h"] == 24
    world.dataset("music", "training.analytical", withdrawal_deadline_h=2)
    world.ok("apply")
    withdraw(world)
    world.now = DAY.format(1, 2)
    assert world.run("withdrawals").code == 1
    world.write("gatekeeper.yaml", "limits: {withdrawal_deadline_h: 1}")
    assert world.run("withdrawals", "--json").json["deadline_h"] == 2


def test_nothing_waits_in_a_new_workspace(desk: Desk) -> None:
    """No withdrawal, no clock."""
    assert world_is_quiet(desk)


def world_is_quiet(desk: Desk) -> bool:
    told = desk.ok("withdrawals", "--json").json
    return told["clocks"] == [] and told["open"] == 0 and "No withdrawal" in desk.ok("withdrawals").out

"""Waiting for a system that is away: asked again for so long and no longer, by a clock of the test's own."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import pytest

from gatekeeper.errors import Unavailable, UnsafeLog
from gatekeeper.stages.gate.patience import FIRST_PAUSE_S, PAUSE_MAX_S, Patience
from gatekeeper.stages.gate.queues import Stopping, Switch


@dataclass
class Away:
    """A system that answers after so many questions, and a clock that moves by what is slept."""

    errors: int
    asked: int = 0
    now_s: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    def ask(self) -> str:
        self.asked += 1
        if self.asked <= self.errors:
            raise Unavailable(f"away for the {self.asked}. time")
        return "here"

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.pauses.append(seconds)

    def patience(self, wait_s: float, switch: Switch | None = None) -> Patience:
        return Patience(wait_s, switch or Switch(), lambda: self.now_s, self.sleep)


def test_patience_ends() -> None:
    """The last error is raised, after no more than the time there is; a system that comes back resets it."""
    away = Away(10**6)
    with pytest.raises(Unavailable, match="away"):
        away.patience(30).of(away.ask)
    assert 30 - PAUSE_MAX_S < sum(away.pauses) <= 30


def test_no_patience_asks_once() -> None:
    """Where nothing may be waited for, the first error is final."""
    away = Away(1)
    with pytest.raises(Unavailable):
        away.patience(FIRST_PAUSE_S / 2).of(away.ask)
    assert (away.asked, away.pauses) == (1, [])


def test_what_waiting_does_not_mend_is_raised_at_once() -> None:
    """A log that broke its promises stays broken."""

    def ask() -> None:
        raise UnsafeLog("gone")

    away = Away(0)
    with pytest.raises(UnsafeLog):
        away.patience(30).of(ask)
    assert away.pauses == []


def test_a_worker_that_stops_does_not_wait() -> None:
    """Once the switch is off, the next pause is not begun."""
    away, switch = Away(10**6), Switch()
    switch.turn_off()
    with pytest.raises(Stopping):
        away.patience(30, switch).of(away.ask)
    assert away.pauses == []


def test_a_system_that_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    """Its answer is given, every wait was said, and pauses double up to a bound."""
    away = Away(7)
    with caplog.at_level(logging.WARNING):
        assert away.patience(60).of(away.ask) == "here"
    assert away.pauses == [min(FIRST_PAUSE_S * 2**n, PAUSE_MAX_S) for n in range(7)]
    assert len(caplog.records) == 7


def test_each_question_has_its_own_patience() -> None:
    """Two short absences do not add up to a long one."""
    patience = (away := Away(3)).patience(2)
    assert patience.of(away.ask) == "here"
    away.asked = 0
    assert patience.of(away.ask) == "here"

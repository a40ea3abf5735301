"""The trigger that wakes the sweep's DAG, on real logs in files and on a real broker."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path

import pytest
from airflow.triggers.base import BaseEventTrigger

from gatekeeper.airflow.rights_moved import RightsMovedTrigger
from tests.cli.conftest import Desk, event, published

SILENCE_S = 0.5
PAST, FAR = "2025-06-01T00:00:00Z", "2999-01-01T00:00:00Z"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Decided and swept."""
    made = Desk(tmp_path / "w")
    assert made.run("init", made.root, workspace=False).code == 0
    made.ok("content", "append", "-", stdin=published("song") + "\n")
    made.ok("gate", "--drain")
    made.ok("sweep")
    return made


async def _events(trigger: RightsMovedTrigger, count: int) -> list[str]:
    told: list[str] = []
    async for given in trigger.run():
        told.append(given.payload["due"])
        if len(told) == count:
            break
    return told


def silent(desk: Desk) -> bool:
    try:
        asyncio.run(asyncio.wait_for(_events(RightsMovedTrigger(str(desk.root), poll_s=0.05), 1), SILENCE_S))
    except TimeoutError:
        return True
    return False


def says(desk: Desk, **dates: str) -> None:
    who = {"speaker": "account:nina", "subject": "account:nina", "purposes": ["service"]}
    desk.ok("rights", "append", "-", stdin=event("rights.consent.withdrawn", PAST, uuid.uuid4().hex, **who, **dates))


def test_it_says_nothing_while_rights_stand_still(desk: Desk) -> None:
    """Nor for a statement that is to end in a thousand years."""
    assert silent(desk)
    says(desk, valid_until=FAR)
    desk.ok("sweep")
    assert silent(desk)


def test_a_rights_event_wakes_the_sweep_once(desk: Desk) -> None:
    """And again after a while, where no sweep came."""
    says(desk)
    end = len(desk.log("rights"))
    hasty = RightsMovedTrigger(str(desk.root), poll_s=0.05, again_s=0.1)
    assert asyncio.run(_events(hasty, 2)) == [f"rights end at {end}"] * 2
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(_events(RightsMovedTrigger(str(desk.root), poll_s=0.05), 2), SILENCE_S))
    desk.ok("sweep")
    assert silent(desk)


def test_a_log_that_cannot_be_read_is_not_the_end(desk: Desk) -> None:
    """The trigger goes on asking; nothing is woken by a guess."""
    desk.write("gatekeeper.yaml", "log: kafka\nkafka: {bootstrap_servers: 127.0.0.1:9, options: {}}\n")
    assert RightsMovedTrigger(str(desk.root))._due() is None


def test_a_trigger_that_was_written_down_is_the_same() -> None:
    """Airflow keeps it in its database between processes, as JSON."""
    trigger: BaseEventTrigger = RightsMovedTrigger("/srv/rights", 5.0, 2.0)
    path, given = trigger.serialize()
    assert path == "gatekeeper.airflow.rights_moved.RightsMovedTrigger"
    assert RightsMovedTrigger(**json.loads(json.dumps(given))).serialize() == trigger.serialize()

"""P2 on a real broker: no content appended after an acknowledged withdrawal is ever permitted under it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.conftest import rounds
from tests.support.gate_process import Gate, wait_until
from tests.support.gate_world import World
from tests.support.kafka_world import KafkaWorld
from tests.support.lake_log import exists, versions
from tests.support.race import Outcome, Race, outcome

pytestmark = [pytest.mark.crash, pytest.mark.kafka]


@pytest.fixture
def race(kafka_world: KafkaWorld) -> Iterator[Race]:
    kafka_world.configure(batch_rows_max=50_000)
    running = Race(kafka_world, random.Random(kafka_world.seed))
    yield running
    running.close()


def decisions(world: World) -> Path:
    return world.root / "lake" / "decisions"


def running(world: KafkaWorld, **how: Any) -> Gate:
    """A gate that has begun to decide."""
    world.send(content=20, rights=2)
    gate = world.gate(**how)
    wait_until(lambda: exists(decisions(world)) and len(list(versions(decisions(world)))) > 1, "the gate decides")
    return gate


def permitted(world: KafkaWorld) -> set[str]:
    """Assets with a permit."""
    rows = (row for version in versions(decisions(world)) for row in version.rows)
    return {row["asset_id"] for row in rows if row["verdict"] == "permit"}


def settled(world: KafkaWorld, race: Race, gate: Gate) -> Outcome:
    """All is decided; what was decided about the race."""
    assert gate.alive, gate.words
    gate.kill()
    world.drain()
    return outcome(decisions(world), race.tries)


def test_withdrawals_and_content_at_one_millisecond(
    kafka_world: KafkaWorld, race: Race, capsys: pytest.CaptureFixture[str]
) -> None:
    """Plain withdrawals, then withdrawals beside an open transaction that is committed, then one that is aborted."""
    gate = running(kafka_world)
    tries = rounds(150, 3000)
    ahead = race.publish_ahead(20)
    wait_until(lambda: permitted(kafka_world).issuperset(ahead), "what came long before its withdrawal is permitted")
    race.run(tries)
    plain = len(race.tries)
    for abort in (False, True):
        for _ in range(tries // 75):
            with race.open_transaction(abort=abort):
                race.run(25)
            race.run(10)
    result = settled(kafka_world, race, gate)
    with capsys.disabled():
        print(f"\nrace: {plain} tries, {outcome(decisions(kafka_world), race.tries[:plain]).told()}")
        print(f"beside an open transaction: {outcome(decisions(kafka_world), race.tries[plain:]).told()}")
    assert result.stale == []
    assert result.permits > 0, "an account that may be permitted never was: this was no race"
    assert result.denials > len(race.tries) // 3
    assert kafka_world.violations() == []


def test_an_open_transaction_longer_than_patience_stops_the_gate(kafka_world: KafkaWorld, race: Race) -> None:
    """What an open transaction hides may be anything: withdrawals behind it wait, and no permit overtakes them."""
    kafka_world.configure(patience_s=2)
    gate = running(kafka_world)
    race.run(20)
    with race.open_transaction(abort=False):
        race.run(50)
        assert gate.wait() == 3, gate.words
    kafka_world.drain()
    result = outcome(decisions(kafka_world), race.tries)
    assert result.stale == []
    assert kafka_world.violations() == []

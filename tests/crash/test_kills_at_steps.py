"""A gate killed at every numbered step of every table: before a data file, between it and the log entry, after that."""

from __future__ import annotations

import random
import time
import uuid

import pytest

from tests.crash.conftest import ALL_STEPS, STEPS, TABLES, rounds
from tests.support.gate_world import FileWorld, World
from tests.support.kafka_world import KafkaWorld

pytestmark = pytest.mark.crash


def kill_at(world: World, step: str, on_call: int = 1) -> None:
    """Events, and a gate of its own group that dies at the step while it works on them.

    A later call than the first may never come: a batch is as large as what has arrived.
    """
    world.send(content=50 * on_call, rights=3)
    gate = world.gate(drain=True, stop_at=step, on_call=on_call, group=uuid.uuid4().hex)
    gate.wait()
    assert gate.killed or on_call > 1, f"the gate never came to call {on_call} of {step}:\n{gate.words}"


@pytest.mark.kafka
@pytest.mark.parametrize("turn", range(rounds(1, 5)))
def test_a_gate_killed_at_any_step_loses_nothing_and_doubles_nothing(kafka_world: KafkaWorld, turn: int) -> None:
    """P3 on a broker: each gate takes over from one that was killed, and is killed at another step itself."""
    for step in random.Random(kafka_world.seed).sample(ALL_STEPS, len(ALL_STEPS)):
        kill_at(kafka_world, step, 1 + turn % 3 if step.startswith(("dead_letters", "catalog", "decisions")) else 1)
    kafka_world.drain()
    assert kafka_world.violations() == []


@pytest.mark.parametrize("table", TABLES)
def test_the_same_in_an_embedded_workspace(file_world: FileWorld, table: str) -> None:
    """P3 on files: the lock of a killed gate is free, and the next one goes on where the tables stand."""
    for step in STEPS * rounds(1, 2):
        kill_at(file_world, f"{table}.{step}")
    file_world.drain()
    assert file_world.violations() == []


def test_an_embedded_gate_killed_at_random_moments(file_world: FileWorld) -> None:
    """P3 from a gate's first moment to its last, when it has drained and keeps its rights state for the next start."""
    rng = random.Random(file_world.seed)
    killed = 0
    for _ in range(rounds(6, 40)):
        file_world.send(content=50, rights=3)
        gate = file_world.gate(drain=True)
        time.sleep(rng.uniform(0.0, 0.8))  # the random moment
        gate.kill()
        killed += gate.killed
    file_world.drain()
    assert file_world.violations() == []
    assert killed > 0, "every gate was quicker than its end"

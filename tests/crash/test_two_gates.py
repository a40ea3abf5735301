"""Two gates in one consumer group: killed at random moments, asleep while their partitions go on, dealt out anew."""

from __future__ import annotations

import random
import signal
import time

import pytest

from tests.crash.conftest import ALL_STEPS, rounds
from tests.support.gate_process import Gate, wait_until
from tests.support.kafka_world import KafkaWorld
from tests.support.lake_log import versions

pytestmark = [pytest.mark.crash, pytest.mark.kafka]


def decided(world: KafkaWorld) -> int:
    """How many decisions are committed."""
    table = world.root / "lake" / "decisions"
    return sum(len(version.rows) for version in versions(table)) if table.exists() else 0


def finish(world: KafkaWorld, *gates: Gate) -> None:
    """Nobody works any more; a fresh gate drains; the oracle looks."""
    for gate in gates:
        gate.kill()
    world.drain()
    assert world.violations() == []


def test_gates_killed_at_random_moments(kafka_world: KafkaWorld) -> None:
    """P3 while events keep coming: whichever of two gates dies whenever, the other and the next take over.

    Their clocks are not the same, and still no partition's decisions go back in time.
    """
    rng = random.Random(kafka_world.seed)
    gates = [kafka_world.gate(clock_ahead_s=30), kafka_world.gate()]
    with kafka_world.feeding(content=10, rights=1):
        for _ in range(rounds(5, 75)):
            time.sleep(rng.uniform(0.3, 2.2))  # the random moment
            victim = rng.randrange(2)
            assert gates[victim].alive, gates[victim].words
            gates[victim].kill()
            gates[victim] = kafka_world.gate(clock_ahead_s=rng.uniform(-30, 30))
    finish(kafka_world, *gates)


ASLEEP = ("decisions.commit", "catalog.committed", *sorted(set(ALL_STEPS) - {"decisions.commit", "catalog.committed"}))


@pytest.mark.parametrize("step", ASLEEP[: rounds(2, len(ASLEEP))])
def test_a_gate_that_slept_while_its_successor_committed(kafka_world: KafkaWorld, step: str) -> None:
    """Stopped after it compared and before it commits, expelled, overtaken, awake again: what it holds is void."""
    kafka_world.send(content=100, rights=3)
    sleeper = kafka_world.gate(stop_at=step, with_signal=signal.SIGSTOP)
    wait_until(lambda: sleeper.stopped, "the gate stops")
    successor = kafka_world.gate(drain=True)
    assert successor.wait() == 0, successor.words
    before = decided(kafka_world)
    sleeper.signal(signal.SIGCONT)
    kafka_world.send(content=100, rights=3)
    wait_until(lambda: decided(kafka_world) > before, "the gate that slept decides again")
    assert sleeper.alive, sleeper.words
    finish(kafka_world, sleeper)


def test_partitions_dealt_out_anew_every_two_seconds(kafka_world: KafkaWorld) -> None:
    """A colleague that comes and goes takes partitions away in the middle of batches, and gives them back."""
    steady = kafka_world.gate()
    with kafka_world.feeding(content=10, rights=1):
        for _ in range(rounds(2, 15)):
            colleague = kafka_world.gate()
            time.sleep(2)  # the rebalance interval, not a wait for something
            assert colleague.alive, colleague.words
            colleague.signal(signal.SIGTERM)
            assert colleague.wait() == 0, colleague.words
    assert steady.alive, steady.words
    finish(kafka_world, steady)


@pytest.mark.parametrize("step", ["catalog.committed", "dead_letters.committed"])
def test_what_a_dead_gate_left_half_done_is_finished_by_its_heir(kafka_world: KafkaWorld, step: str) -> None:
    """A crash after step 2 (or 1), then another assignment: the heir decides from the catalogue what decisions lack."""
    for _ in range(rounds(1, 10)):
        kafka_world.send(content=100, rights=3)
        victim = kafka_world.gate(stop_at=step)
        victim.wait()
        assert victim.killed, victim.words
        heir = kafka_world.gate(drain=True)
        assert heir.wait() == 0, heir.words
    assert kafka_world.violations() == []


def test_two_folds_at_once_one_of_them_killed(kafka_world: KafkaWorld) -> None:
    """Every gate folds every dataset: a version is folded once, whoever is first, whoever dies on the way."""
    table = "datasets/recommendation"
    for step in ("commit", "write", "committed")[: rounds(1, 3)] * rounds(1, 5):
        kafka_world.send(content=150, rights=3)
        first = kafka_world.gate(drain=True, stop_at=f"{table}.{step}")
        second = kafka_world.gate(drain=True)
        first.wait()
        assert second.wait() == 0, second.words
    finish(kafka_world)

"""What happens to the logs under a gate: a broker dies and comes back, an upstream transaction is aborted."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaProducer

from tests.crash.conftest import rounds
from tests.support.broker import Broker
from tests.support.gate_process import wait_until
from tests.support.gate_world import World
from tests.support.kafka_world import KafkaWorld
from tests.support.lake_log import versions

pytestmark = [pytest.mark.crash, pytest.mark.kafka]


@pytest.fixture
def fragile_world(tmp_path: Path, seed: int, opened: list[World], own_broker: Broker) -> KafkaWorld:
    world = KafkaWorld(tmp_path, seed, own_broker.servers)
    opened.append(world)
    return world


def version_of(world: KafkaWorld, table: str) -> int:
    return len(list(versions(world.root / "lake" / table))) - 1


@contextmanager
def transaction(world: KafkaWorld, *, abort: bool) -> Iterator[KafkaProducer]:
    """A transactional producer of content."""
    producer = KafkaProducer(bootstrap_servers=world.servers, transactional_id=uuid.uuid4().hex)
    producer.init_transactions()
    producer.begin_transaction()
    yield producer
    if abort:
        producer.abort_transaction()
    else:
        producer.commit_transaction()
    producer.close(timeout=5)


def send_in_transaction(world: KafkaWorld, count: int, *, abort: bool) -> None:
    """Good events, which are committed or aborted together."""
    with transaction(world, abort=abort) as producer:
        for sent in world.feed.content(count):
            if not sent.bad:
                producer.send(world.content_topic, key=sent.key, value=sent.value).get(30)


def test_a_broker_killed_and_restarted_under_a_working_gate(fragile_world: KafkaWorld, own_broker: Broker) -> None:
    """The gate waits, goes on where its tables stand, and reads nothing twice."""
    world = fragile_world
    gate = world.gate()
    for _ in range(rounds(1, 5)):
        with world.feeding(content=10, rights=1):
            before = version_of(world, "decisions") if (world.root / "lake" / "decisions").exists() else 0
            wait_until(lambda: version_of(world, "decisions") > before + 2, "the gate decides")  # noqa: B023
            own_broker.kill()
            own_broker.start()
            after = version_of(world, "decisions")
            wait_until(lambda: version_of(world, "decisions") > after + 2, "the gate decides again")  # noqa: B023
    assert gate.alive, gate.words
    gate.kill()
    world.drain()
    assert world.violations() == []


def test_a_gate_without_a_broker_stops_and_says_so(kafka_world: KafkaWorld) -> None:
    """Exit 3 and the address it tried; whoever starts it again, with the broker back, loses nothing."""
    kafka_world.send(content=60, rights=3)
    nobody, file = "127.0.0.1:1", kafka_world.root / "gatekeeper.yaml"
    file.write_text(file.read_text().replace(kafka_world.servers, nobody))
    gate = kafka_world.gate()
    assert gate.wait() == 3, gate.words
    assert nobody in gate.words
    kafka_world.configure()
    kafka_world.drain()
    assert kafka_world.violations() == []


def test_aborted_and_committed_upstream_transactions(kafka_world: KafkaWorld) -> None:
    """Nothing of an aborted transaction is decided, all of a committed one is; the gaps they leave lose nothing."""
    world = kafka_world
    for _ in range(rounds(1, 10)):
        world.send(content=40, rights=2)
        send_in_transaction(world, 30, abort=True)
        send_in_transaction(world, 30, abort=False)
        victim = world.gate(drain=True, stop_at="catalog.committed", group=uuid.uuid4().hex)
        victim.wait()
        assert victim.killed, victim.words
        send_in_transaction(world, 30, abort=True)  # the log ends in a gap
    world.drain()
    assert world.violations() == []


def test_two_gates_drain_a_log_that_ends_in_a_gap(kafka_world: KafkaWorld) -> None:
    """Control records at the end of every partition are nobody's to decide, and nobody waits for them."""
    kafka_world.send(content=80, rights=2)
    send_in_transaction(kafka_world, 40, abort=True)
    gates = [kafka_world.gate(drain=True), kafka_world.gate(drain=True)]
    assert [gate.wait(40) for gate in gates] == [0, 0], [gate.words for gate in gates]
    assert kafka_world.violations() == []

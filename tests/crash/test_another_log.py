"""A content topic that is not the one the lake was made from stops every gate: its offsets mean other records."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from kafka import KafkaAdminClient

from gatekeeper.core.topics import TopicSpec
from tests.support.gate_process import wait_until
from tests.support.kafka_world import KafkaWorld
from tests.support.lake_log import versions

pytestmark = [pytest.mark.crash, pytest.mark.kafka]

UNAVAILABLE = 3


def made_anew(world: KafkaWorld) -> None:
    """Deleted and created under the same name, with more records than before."""
    client = KafkaAdminClient(bootstrap_servers=world.servers)
    partitions = len(client.describe_topics([world.content_topic])[0]["partitions"])
    client.delete_topics([world.content_topic])
    spec = TopicSpec(world.content_topic, "", "tests", None, partitions, 1, {}, {}, {})
    wait_until(
        lambda: client.describe_topics([world.content_topic])[0]["error_code"] and world.admin.create(spec),
        "the topic is gone and made anew",
    )
    client.close()
    world.producer.close()
    world.producer = world.new_producer()
    world.send(content=200)


def with_more_partitions(world: KafkaWorld) -> None:
    client = KafkaAdminClient(bootstrap_servers=world.servers)
    client.create_partitions({world.content_topic: 5})
    client.close()


CHANGES: list[Callable[[KafkaWorld], None]] = [made_anew, with_more_partitions]


def decided(world: KafkaWorld) -> list[int]:
    return [len(version.rows) for version in versions(world.root / "lake" / "decisions")]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_running_gate_stops(kafka_world: KafkaWorld, change: Callable[[KafkaWorld], None]) -> None:
    """Exit 3 before anything of the other log is decided."""
    kafka_world.send(content=60, rights=2)
    gate = kafka_world.gate()
    kafka_world.drain()
    before = decided(kafka_world)
    change(kafka_world)
    kafka_world.send(content=20)
    assert gate.wait(40) == UNAVAILABLE, gate.words
    assert decided(kafka_world) == before


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_gate_that_starts_afterwards_refuses(kafka_world: KafkaWorld, change: Callable[[KafkaWorld], None]) -> None:
    """`gatekeeper gate` exits 3 and says what to do: the pin is in the lake, not in a process."""
    kafka_world.send(content=60, rights=2)
    kafka_world.drain()
    before = decided(kafka_world)
    change(kafka_world)
    said = gatekeeper("gate", "--drain", "--json", "--workspace", str(kafka_world.root))
    assert said["exit_code"] == UNAVAILABLE
    assert said["what_to_do"]
    assert decided(kafka_world) == before


def gatekeeper(*arguments: str) -> dict[str, Any]:
    """The real command."""
    command = [sys.executable, "-c", "from gatekeeper.cli import main; main()", *arguments]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    answer: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    assert ran.returncode == answer["exit_code"]
    return answer

"""The trigger that wakes the gate's DAG, on a real broker."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path

import pytest
from airflow.triggers.base import BaseEventTrigger

from gatekeeper.airflow.kafka_lag import KafkaLagTrigger
from gatekeeper.core.topics import TopicSpec
from gatekeeper.edges.kafka_admin import TopicAdmin
from gatekeeper.edges.kafka_settings import KafkaSettings
from tests.cli.conftest import Desk, published
from tests.support.broker import Broker

FOREVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
SILENCE_S = 0.5


@pytest.fixture
def desk(broker: Broker, tmp_path: Path) -> Desk:
    """A workspace on two new topics."""
    name = uuid.uuid4().hex[:8]
    admin = TopicAdmin(KafkaSettings((broker.servers,)), "tests")
    admin.create(TopicSpec(f"content-{name}", "", "tests", None, 2, 1, {}, {}, {}))
    admin.create(TopicSpec(f"rights-{name}", "", "tests", None, 1, 1, {}, FOREVER, {}))
    admin.close()
    made = Desk(tmp_path / "w")
    assert made.run("init", made.root, "--bare", workspace=False).code == 0
    kafka = {"bootstrap_servers": broker.servers, "content_topic": f"content-{name}", "rights_topic": f"rights-{name}"}
    made.write("gatekeeper.yaml", json.dumps({"log": "kafka", "kafka": {**kafka, "development": True}}))
    made.dataset("search", "service.search")
    made.ok("apply")
    return made


async def _events(trigger: KafkaLagTrigger, count: int) -> list[int]:
    """The lag it tells, so many times."""
    told: list[int] = []
    async for event in trigger.run():
        told.append(event.payload["lag"])
        if len(told) == count:
            break
    return told


def test_it_says_nothing_while_nothing_waits(desk: Desk) -> None:
    """An empty topic wakes nobody."""
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(_events(KafkaLagTrigger(str(desk.root), poll_s=0.05), 1), SILENCE_S))


def test_events_that_wait_wake_the_gate_and_taken_ones_do_not(desk: Desk) -> None:
    """It counts what the tables lack, not what a consumer group says."""
    desk.ok("content", "append", "-", stdin="\n".join(published(f"song-{n}") for n in range(3)) + "\n")
    assert asyncio.run(_events(KafkaLagTrigger(str(desk.root), poll_s=0.05), 1)) == [3]
    desk.ok("gate", "--drain")
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(_events(KafkaLagTrigger(str(desk.root), poll_s=0.05), 1), SILENCE_S))


def test_a_broker_that_is_away_is_not_the_end(tmp_path: Path) -> None:
    """The trigger goes on asking; nothing is woken by a guess."""
    made = Desk(tmp_path / "w")
    assert made.run("init", made.root, workspace=False).code == 0
    made.write("gatekeeper.yaml", "log: kafka\nkafka: {bootstrap_servers: 127.0.0.1:9, options: {}}\n")
    assert KafkaLagTrigger(str(made.root))._lag() == 0


def test_a_trigger_that_was_written_down_is_the_same() -> None:
    """Airflow keeps it in its database between processes."""
    trigger: BaseEventTrigger = KafkaLagTrigger("/srv/rights", 5, 2.0)
    path, given = trigger.serialize()
    assert path == "gatekeeper.airflow.kafka_lag.KafkaLagTrigger"
    assert KafkaLagTrigger(**given).serialize() == trigger.serialize()

"""Topics on the real broker, one of its own per test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaProducer

from gatekeeper.core.topics import TopicSpec
from gatekeeper.edges.kafka_admin import TopicAdmin
from gatekeeper.edges.kafka_settings import KafkaSettings
from tests.support.broker import Broker

_numbers = itertools.count()

RIGHTS_CONFIGS = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}


def spec(topic: str, partitions: int = 1, configs: dict[str, str] | None = None) -> TopicSpec:
    return TopicSpec(topic, "", "tests", None, partitions, 1, {}, configs or {}, {})


@pytest.fixture
def settings(broker: Broker) -> KafkaSettings:
    """A group of its own and short waits, so that a refusal does not take a minute."""
    return KafkaSettings(
        (broker.servers,),
        group_id=f"group-{next(_numbers)}",
        session_timeout_s=6.0,
        heartbeat_s=0.3,
        request_timeout_s=5.0,
        stable_wait_s=0.5,
    )


@pytest.fixture(scope="session")
def topic_admin(broker: Broker) -> Iterator[TopicAdmin]:
    admin = TopicAdmin(KafkaSettings((broker.servers,)), "tests")
    yield admin
    admin.close()


@pytest.fixture
def new_topic(topic_admin: TopicAdmin) -> Callable[..., str]:
    """Creates a topic under a new name and returns the name."""

    def create(partitions: int = 1, configs: dict[str, str] | None = None) -> str:
        topic = f"topic-{next(_numbers)}"
        assert topic_admin.create(spec(topic, partitions, configs))
        return topic

    return create


def recreate(admin: TopicAdmin, wanted: TopicSpec) -> None:
    """Delete the topic and make it anew under its name; returns when the new one has leaders."""
    client = admin._admin
    client.delete_topics([wanted.topic])
    for _ in range(200):
        if client.describe_topics([wanted.topic])[0]["error_code"] != 0 and admin.create(wanted):
            return
    raise AssertionError(f"{wanted.topic} was not deleted")


@pytest.fixture
def transactions(broker: Broker) -> Iterator[Callable[[], KafkaProducer]]:
    """Transactional producers; what is left open is aborted at the end."""
    opened: list[KafkaProducer] = []

    def begin() -> KafkaProducer:
        name = f"txn-{next(_numbers)}"
        producer = KafkaProducer(bootstrap_servers=broker.servers, transactional_id=name, transaction_timeout_ms=60000)
        producer.init_transactions()
        opened.append(producer)
        return producer

    yield begin
    for producer in opened:
        producer.close(timeout=5)

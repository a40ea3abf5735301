"""A world on two topics of its own, on a real broker."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from gatekeeper.core.topics import TopicSpec
from gatekeeper.edges.kafka_admin import TopicAdmin
from gatekeeper.edges.kafka_settings import KafkaSettings
from tests.support.feed import Sent
from tests.support.gate_world import World
from tests.support.raw_logs import Record, kafka_records
from tests.support.truth import Place

RIGHTS_CONFIGS = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
}


class KafkaWorld(World):
    """Two topics of its own on a broker."""

    def __init__(self, folder: Path, seed: int, servers: str, partitions: int = 3) -> None:
        name = uuid.uuid4().hex[:8]
        self.servers, self.partitions = servers, partitions
        self.content_topic, self.rights_topic = f"content-{name}", f"rights-{name}"
        self.admin = TopicAdmin(KafkaSettings((servers,)), "tests")
        self.admin.create(TopicSpec(self.content_topic, "", "tests", None, partitions, 1, {}, {}, {}))
        self.admin.create(TopicSpec(self.rights_topic, "", "tests", None, 1, 1, {}, RIGHTS_CONFIGS, {}))
        self.producer = self.new_producer()
        topics = {"content_topic": self.content_topic, "rights_topic": self.rights_topic}
        kafka = {"bootstrap_servers": servers, "group": f"gates-{name}", "development": True, **topics}
        super().__init__(folder, seed, {"log": "kafka", "kafka": kafka})

    def new_producer(self) -> KafkaProducer:
        return KafkaProducer(bootstrap_servers=self.servers, acks="all", linger_ms=1)

    def send_content(self, records: Sequence[Sent]) -> list[tuple[Sent, Place]]:
        sent = [(record, self._send(record)) for record in records]
        return [(record, (at.partition, at.offset)) for record, future in sent for at in [future.get(30)]]

    def _send(self, record: Sent) -> Any:
        partition = self.feed.rng.randrange(self.partitions) if record.strays else None
        return self.producer.send(self.content_topic, key=record.key, value=record.value, partition=partition)

    def send_rights(self, values: Sequence[bytes]) -> list[int]:
        sent = [self.producer.send(self.rights_topic, value=value) for value in values]
        return [future.get(30).offset for future in sent]

    def content_log(self) -> list[Record]:
        return kafka_records(self.servers, self.content_topic)

    def rights_log(self) -> list[Record]:
        return kafka_records(self.servers, self.rights_topic)

    def close(self) -> None:
        super().close()
        self.producer.close(timeout=5)
        self.admin.close()

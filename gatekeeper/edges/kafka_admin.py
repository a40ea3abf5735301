"""Asking brokers about topics, and creating them. On a connection of its own: never behind a fetch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from kafka import IsolationLevel, OffsetSpec, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import RetriableError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from gatekeeper.core.topics import Difference, TopicFound, TopicSpec, differences
from gatekeeper.edges.kafka_errors import kafka_calls
from gatekeeper.edges.kafka_settings import KafkaSettings, open_admin
from gatekeeper.errors import UnsafeLog
from gatekeeper.ports import TopicIdentity

_RETRY_S = 0.05


class TopicAdmin:
    """Facts about topics as the brokers tell them now. Raises Unavailable; only the cluster's id is remembered."""

    def __init__(self, settings: KafkaSettings, role: str) -> None:
        self._admin = open_admin(settings, role)
        self._patience_s = settings.request_timeout_s
        self.servers = ",".join(settings.bootstrap_servers)
        described = self._ask("describe the cluster", self._admin.describe_cluster)
        self._cluster_id = str(described["cluster_id"])

    def _ask(self, doing: str, call: Callable[[], Any]) -> Any:
        """The admin client fails at once while it reconnects, where consumer and producer wait; so we wait for it."""
        deadline_s = time.monotonic() + self._patience_s
        with kafka_calls(doing):
            while True:
                try:
                    return call()
                except UnknownTopicOrPartitionError:
                    raise
                except RetriableError:
                    if time.monotonic() >= deadline_s:
                        raise
                    time.sleep(_RETRY_S)

    def identity(self, topic: str) -> TopicIdentity:
        """One round trip (about 2 ms)."""
        found = self._describe(topic)
        return TopicIdentity(self._cluster_id, topic, str(found["topic_id"]), len(found["partitions"]))

    def begin_offsets(self, topic: str) -> dict[int, int]:
        return self._offsets(topic, OffsetSpec.EARLIEST, IsolationLevel.READ_UNCOMMITTED)

    def end_offsets(self, topic: str) -> dict[int, int]:
        """Last stable offsets: what a read-committed reader can reach now."""
        return self._offsets(topic, OffsetSpec.LATEST, IsolationLevel.READ_COMMITTED)

    def _offsets(self, topic: str, spec: OffsetSpec, isolation: IsolationLevel) -> dict[int, int]:
        partitions = range(self.identity(topic).partitions)
        wanted = {TopicPartition(topic, p): spec for p in partitions}
        ask = partial(self._admin.list_partition_offsets, wanted, isolation)
        found = self._ask(f"read the offsets of {topic}", ask)
        return {tp.partition: int(at.offset) for tp, at in sorted(found.items())}

    def describe(self, topic: str) -> TopicFound:
        """Partitions, replication, the effective configuration and the start of a topic that exists."""
        found = self._describe(topic)
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        ask = partial(self._admin.describe_configs, [resource], config_filter="all")
        described = self._ask(f"describe topic {topic}", ask)["topic"][topic]
        replicas = min((len(p["replica_nodes"]) for p in found["partitions"]), default=0)
        configs = {name: entry["value"] for name, entry in described.items()}
        return TopicFound(len(found["partitions"]), replicas, configs, self.begin_offsets(topic))

    def _describe(self, topic: str) -> dict[str, Any]:
        def ask() -> dict[str, Any]:
            [found] = self._admin.describe_topics([topic])
            if found["error_code"]:
                raise for_code(found["error_code"])(topic)
            return dict(found)

        return dict(self._ask(f"describe topic {topic}", ask))

    def create(self, spec: TopicSpec) -> bool:
        """Create one topic as declared and wait until it has leaders. False when it is already there."""
        wanted = {
            "num_partitions": spec.partitions,
            "replication_factor": spec.replication_factor,
            "configs": dict(spec.configs),
        }
        with kafka_calls(f"create topic {spec.topic}"):
            try:
                self._admin.create_topics({spec.topic: wanted}, wait_for_metadata=True)
            except TopicAlreadyExistsError:
                return False
        return True

    def close(self) -> None:
        with kafka_calls("close"):
            self._admin.close()


@dataclass(frozen=True, slots=True)
class Ensured:
    """What ``ensure_topics`` did and found for one topic."""

    topic: str
    created: bool
    differences: tuple[Difference, ...]


def ensure_topics(admin: TopicAdmin, specs: Iterable[TopicSpec]) -> list[Ensured]:
    """Create the topics that are missing; of the others only say what differs. Safe to run again, alters nothing."""
    result = []
    for spec in specs:
        created = admin.create(spec)
        found = differences(spec, admin.describe(spec.topic), admin.servers)
        result.append(Ensured(spec.topic, created, tuple(found)))
    return result


class PinnedTopic:
    """A topic as it was when this was made. ``confirm`` raises UnsafeLog once it is another one under the same name.

    Records fetched before a successful ``confirm`` came from the pinned topic: a topic id never comes back.
    """

    def __init__(self, admin: TopicAdmin, topic: str) -> None:
        self._admin = admin
        self.pinned = admin.identity(topic)

    def confirm(self) -> TopicIdentity:
        now = self._admin.identity(self.pinned.topic)
        if now != self.pinned:
            raise UnsafeLog(
                f"topic {now.topic} is not the one it was: {self.pinned}, now {now}",
                "positions in the tables say nothing of the new topic: start a new lake, or restore the old topic",
            )
        return now

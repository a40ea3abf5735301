"""Which partitions a content reader holds, as the group deals them out (design §5).

Rules of this file. The client calls its listener on its IO thread, where heartbeats run too, while ``poll`` waits: so
nothing slow happens there. A new partition is held still until the polling thread has asked for its position; a lost
one is reported at once, before the group goes on. The group's committed offsets are never read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition

from gatekeeper.edges.kafka_errors import kafka_calls
from gatekeeper.errors import Bug
from gatekeeper.ports import OnAssigned, OnRevoked


class Assignment(ConsumerRebalanceListener):
    """``active``: partitions with a position from the tables; ``paused``: those of them the caller paused.

    ``forget(partitions)`` is called for partitions that are no longer ours, before the caller is told.
    """

    def __init__(self, consumer: KafkaConsumer, topic: str, forget: Callable[[frozenset[int]], None]) -> None:
        self._consumer, self._topic, self._forget = consumer, topic, forget
        self.active: set[int] = set()
        self.paused: set[int] = set()
        self._waiting: set[int] = set()  # assigned, position not yet asked for
        self._on_assigned: OnAssigned | None = None
        self._on_revoked: OnRevoked | None = None
        self._callback_error: BaseException | None = None

    def tp(self, partition: int) -> TopicPartition:
        return TopicPartition(self._topic, partition)

    def subscribe(self, on_assigned: OnAssigned, on_revoked: OnRevoked) -> None:
        self._on_assigned, self._on_revoked = on_assigned, on_revoked
        with kafka_calls(f"subscribe to {self._topic}"):
            self._consumer.subscribe([self._topic], listener=self)
            # Waits for the topic's metadata: the client forgets to ask for it where another request is under way
            # (kafka-python 3.0.12, ``ClusterMetadata.set_topics``), and a group leader without it deals out nothing.
            self._consumer.partitions_for_topic(self._topic)

    def assign(self, positions: Mapping[int, int]) -> None:
        with kafka_calls(f"assign partitions of {self._topic}"):
            self._consumer.assign([self.tp(p) for p in positions])
        self.active, self.paused = set(), set()
        self._start(positions)

    def start_waiting(self) -> None:
        """On the polling thread: ask for the positions of new partitions and let them go. Raises what the caller's
        callbacks raised; the partitions then wait for the next call.
        """
        if self._callback_error is not None:
            error, self._callback_error = self._callback_error, None
            raise error
        if not self._waiting or self._on_assigned is None:
            return
        partitions = frozenset(self._waiting)
        positions = self._on_assigned(partitions)
        if set(positions) != partitions:
            raise Bug(f"positions for partitions {sorted(positions)}, assigned were {sorted(partitions)}")
        self._waiting -= partitions
        self._start(positions)

    def _start(self, positions: Mapping[int, int]) -> None:
        for partition, position in positions.items():
            with kafka_calls(f"seek {self._topic} {partition} to {position}"):
                self._consumer.seek(self.tp(partition), int(position))
                self._consumer.resume(self.tp(partition))
            self.active.add(partition)

    def seek(self, positions: Mapping[int, int]) -> None:
        for partition in self.active.intersection(positions):
            with kafka_calls(f"seek {self._topic} {partition} to {positions[partition]}"):
                self._consumer.seek(self.tp(partition), int(positions[partition]))

    def pause(self, partitions: Iterable[int]) -> None:
        for partition in self.active.intersection(partitions):
            self.paused.add(partition)
            with kafka_calls("pause"):
                self._consumer.pause(self.tp(partition))

    def resume(self, partitions: Iterable[int]) -> None:
        for partition in self.active.intersection(partitions):
            self.paused.discard(partition)
            with kafka_calls("resume"):
                self._consumer.resume(self.tp(partition))

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        for tp in assigned:
            # A placeholder: without a position the client would go and fetch the group's committed offsets.
            self._consumer.seek(tp, 0)
            self._consumer.pause(tp)
            self._waiting.add(tp.partition)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        partitions = frozenset(tp.partition for tp in revoked)
        known = partitions & self.active
        for held in (self._waiting, self.active, self.paused):
            held.difference_update(partitions)
        self._forget(partitions)
        if known and self._on_revoked is not None:
            try:
                self._on_revoked(frozenset(known))
            except Exception as error:  # noqa: BLE001 (start_waiting raises it: the client would bury it)
                self._callback_error = error

"""The content log on Kafka: read committed, positions from the tables, no jump ever (design §5).

Rules of this file. One thread owns the reader. A block leaves ``poll`` only after the topic's id was confirmed *after*
its fetch; an error in between keeps it for the next ``poll``. What is asked of the brokers beside the fetch has a
connection of its own, so that it never queues behind one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping

from kafka import OffsetAndMetadata

from gatekeeper.edges.kafka_admin import PinnedTopic, TopicAdmin
from gatekeeper.edges.kafka_assignment import Assignment
from gatekeeper.edges.kafka_batches import read_columns
from gatekeeper.edges.kafka_blocks import content_blocks
from gatekeeper.edges.kafka_errors import kafka_calls
from gatekeeper.edges.kafka_settings import KafkaSettings, open_consumer
from gatekeeper.edges.kafka_stall import StallWatch
from gatekeeper.ports import ContentBlock, OnAssigned, OnRevoked, TopicIdentity

log = logging.getLogger(__name__)

_STEP_S = 0.2
"""The longest single wait inside poll: a new assignment is acted upon this soon."""
_BATCHES_FIRST = 64
_BATCHES_MAX = 10**6


class KafkaContentReader:
    """``ContentReader`` over one topic; ``clock`` gives monotonic seconds. Opening it connects (Unavailable)."""

    def __init__(
        self, settings: KafkaSettings, topic: str = "content", *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings, self._topic, self._clock = settings, topic, clock
        self._admin = TopicAdmin(settings, f"{topic}-admin")
        self._pin = PinnedTopic(self._admin, topic)
        self._consumer = open_consumer(settings, topic, "read_committed", group=True)
        read_columns(self._consumer)
        self._held = Assignment(self._consumer, topic, self._forget)
        self._unconfirmed: list[ContentBlock] = []
        self._stall = StallWatch(settings.stall_s)
        self._polled_s = self._watched_s = 0.0
        self._batches_max = _BATCHES_FIRST  # of the next poll

    def identity(self) -> TopicIdentity:
        return self._pin.confirm()

    def subscribe(self, on_assigned: OnAssigned, on_revoked: OnRevoked) -> None:
        self._held.subscribe(on_assigned, on_revoked)

    def assign(self, positions: Mapping[int, int]) -> None:
        self._unconfirmed = []
        self._held.assign(positions)

    def seek(self, positions: Mapping[int, int]) -> None:
        self._forget(frozenset(positions))
        self._held.seek(positions)

    def poll(self, timeout_s: float) -> list[ContentBlock]:
        deadline_s = self._clock() + timeout_s
        self._held.start_waiting()
        while not self._unconfirmed:
            left_s = max(0.0, deadline_s - self._clock())
            self._unconfirmed = self._poll_once(min(left_s, _STEP_S))
            self._watch()
            self._held.start_waiting()
            if left_s == 0.0:
                break
        if self._unconfirmed:
            self._pin.confirm()
        blocks, self._unconfirmed = self._unconfirmed, []
        return blocks

    def _poll_once(self, wait_s: float) -> list[ContentBlock]:
        started_s = self._clock()
        with kafka_calls(f"poll {self._topic}"):
            polled = self._consumer.poll(timeout_ms=round(wait_s * 1000), max_records=self._batches_max)
        blocks = content_blocks(polled, self._settings.block_bytes_max)
        if blocks:
            batch_bytes = sum(block.bytes_total for block in blocks) / sum(map(len, polled.values()))
            follow = int(self._settings.poll_bytes_max / max(batch_bytes, 1))
            self._batches_max = max(1, min(_BATCHES_MAX, follow))
        self._polled_s += self._clock() - started_s
        return blocks

    def _watch(self) -> None:
        """Every now and then: does a position stand still while records wait? Also when others move."""
        if self._polled_s - self._watched_s < self._settings.stall_s / 4:
            return
        self._watched_s = self._polled_s
        # A client that cannot reach its brokers polls empty for ever; asking for the ends tells that apart, too.
        ends = self._admin.end_offsets(self._topic)
        fetched = self._held.active - self._held.paused
        positions = {p: self.position(p) or 0 for p in fetched}
        self._stall.observe(self._polled_s, {p: (at, ends.get(p, 0)) for p, at in positions.items()})

    def pause(self, partitions: Iterable[int]) -> None:
        """Partitions that were revoked meanwhile are passed over. A newly assigned partition is not paused."""
        self._held.pause(partitions)

    def resume(self, partitions: Iterable[int]) -> None:
        self._held.resume(partitions)

    def begin_offsets(self) -> dict[int, int]:
        return self._admin.begin_offsets(self._topic)

    def end_offsets(self) -> dict[int, int]:
        return self._admin.end_offsets(self._topic)

    def position(self, partition: int) -> int | None:
        if partition not in self._held.active:
            return None
        for block in self._unconfirmed:
            if block.partition == partition:
                return int(block.offsets[0])
        with kafka_calls(f"tell the position of {self._topic} {partition}"):
            return int(self._consumer.position(self._held.tp(partition)))

    def commit_for_monitors(self, positions: Mapping[int, int]) -> None:
        mine = {p: at for p, at in positions.items() if p in self._held.active}
        try:
            if mine:
                self._consumer.commit_async({self._held.tp(p): OffsetAndMetadata(at, "", -1) for p, at in mine.items()})
        except Exception as error:  # noqa: BLE001 (nothing rests on it)
            log.debug("group offsets were not committed: %s", error)

    def close(self) -> None:
        with kafka_calls(f"close {self._topic}"):
            self._consumer.close(autocommit=False, timeout_ms=5000)
        self._admin.close()

    def _forget(self, partitions: frozenset[int]) -> None:
        self._unconfirmed = [block for block in self._unconfirmed if block.partition not in partitions]

"""The rights log on Kafka, for the freshness barrier (design §5).

Rules of this file. The end is the high watermark: an open transaction hides acknowledged records from read-committed
ends, and a withdrawal among them must not be overlooked. Records are read committed; when the last stable offset stays
below the end for ``stable_wait_s`` nothing is returned, so nothing is decided. The end has a connection of its own, so
that it never queues behind a fetch. An end that falls is a lost record.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from kafka import KafkaConsumer, TopicPartition

from gatekeeper.core.topics import rights_log_faults
from gatekeeper.edges.kafka_admin import PinnedTopic, TopicAdmin
from gatekeeper.edges.kafka_batches import RecordColumns, read_columns
from gatekeeper.edges.kafka_blocks import columns
from gatekeeper.edges.kafka_errors import kafka_calls
from gatekeeper.edges.kafka_settings import KafkaSettings, open_consumer
from gatekeeper.errors import BadInput, Unavailable, UnsafeLog
from gatekeeper.ports import RightsRecord, TopicIdentity

_STEP_S = 0.1
_FETCH_WAIT_S = 0.05
"""A fetch that waits longer at the broker delays the next read by as much when it was sent too early."""


class KafkaRightsReader:
    """``RightsReader`` over a topic of one partition; ``clock`` gives monotonic seconds."""

    def __init__(
        self, settings: KafkaSettings, topic: str = "rights", *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings, self._topic, self._clock = settings, topic, clock
        self._tp = TopicPartition(topic, 0)
        self._admin = TopicAdmin(settings, f"{topic}-admin")
        self._pin = PinnedTopic(self._admin, topic)
        self._ends = open_consumer(settings, f"{topic}-end", "read_uncommitted")
        self._consumer = open_consumer(settings, topic, "read_committed", fetch_wait_s=_FETCH_WAIT_S)
        read_columns(self._consumer)
        with kafka_calls(f"assign {topic}"):
            self._consumer.assign([self._tp])
        self._highest_end = 0
        self._next: int | None = None  # the position after the last record returned
        self._ahead: deque[RightsRecord] = deque()  # fetched, not below the `to` of the last read

    def identity(self) -> TopicIdentity:
        return self._pin.confirm()

    def check(self, development: bool) -> None:
        found = self._admin.describe(self._topic)
        faults = rights_log_faults(self._topic, found, self._admin.servers, development)
        if faults:
            raise UnsafeLog(
                f"decisions cannot rest on topic {self._topic}: "
                + "; ".join(f"{f.what} is {f.found}, must be {f.declared}" for f in faults),
                "; ".join(f.mend for f in faults),
            )

    def end(self) -> int:
        end = self._end_of(self._ends)
        if end < self._highest_end:
            raise UnsafeLog(
                f"topic {self._topic} ended at {self._highest_end} and now ends at {end}: rights events were lost",
                "find out what the brokers lost before anything is decided again",
            )
        self._highest_end = end
        return end

    def stable_end(self) -> int:
        return self._end_of(self._consumer)

    def _end_of(self, consumer: KafkaConsumer) -> int:
        with kafka_calls(f"read the end of {self._topic}"):
            ends = consumer.end_offsets([self._tp], timeout_ms=round(self._settings.request_timeout_s * 1000))
            return int(ends[self._tp])

    def read(self, from_position: int, to_position: int) -> list[RightsRecord]:
        if not 0 <= from_position <= to_position:
            raise BadInput(f"rights positions {from_position} to {to_position}", "from 0, in order")
        self._highest_end = max(self._highest_end, from_position)  # what the caller has applied
        if self._next != from_position:
            self._ahead.clear()
            with kafka_calls(f"seek {self._topic} to {from_position}"):
                self._consumer.seek(self._tp, from_position)
        self._next = None  # until this read is complete, so that a read after an error starts over
        records = self._fetch(to_position)
        self._pin.confirm()
        self._next = to_position
        return records

    def _fetch(self, to_position: int) -> list[RightsRecord]:
        records: list[RightsRecord] = []
        moved_s, before = self._clock(), -1
        while True:
            while self._ahead and self._ahead[0].position < to_position:
                records.append(self._ahead.popleft())
            with kafka_calls(f"tell the position of {self._topic}"):
                position = int(self._consumer.position(self._tp))
            if self._ahead or position >= to_position:
                return records
            now_s = self._clock()
            if position != before:
                moved_s, before = now_s, position
            elif now_s - moved_s > self._settings.stable_wait_s:
                raise self._hidden(position, to_position)
            with kafka_calls(f"read {self._topic}"):
                polled = self._consumer.poll(timeout_ms=round(_STEP_S * 1000), max_records=1000)
            for batch in columns(polled.get(self._tp, ())):
                self._ahead.extend(_records(batch))

    def _hidden(self, position: int, to_position: int) -> Unavailable:
        return Unavailable(
            f"topic {self._topic}: records from {position} on, below its end {to_position}, could not be read for "
            f"{self._settings.stable_wait_s:g} s; the last stable offset is {self.stable_end()}",
            "an open transaction on the topic hides them: find it with kafka-transactions.sh find-hanging, abort it",
        )

    def close(self) -> None:
        for client in (self._ends, self._consumer):
            with kafka_calls(f"close {self._topic}"):
                client.close(autocommit=False, timeout_ms=5000)
        self._admin.close()


def _records(batch: RecordColumns) -> list[RightsRecord]:
    arrived_us = None if batch.append_time_ms is None else batch.append_time_ms * 1000
    return [RightsRecord(offset, value, arrived_us) for offset, value in zip(batch.offsets, batch.values, strict=True)]

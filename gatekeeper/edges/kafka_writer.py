"""Appending events to a topic: every in-sync replica acknowledges, a retry of the client duplicates nothing."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from gatekeeper.edges.kafka_errors import kafka_calls
from gatekeeper.edges.kafka_settings import KafkaSettings, open_producer
from gatekeeper.errors import BadInput
from gatekeeper.ports import Appended

_UNACKNOWLEDGED_MAX = 10_000
"""Events sent before their acknowledgements are awaited."""


class KafkaLogWriter:
    """``LogWriter`` over one topic. A key's partition is Kafka's default (murmur2), as for every other producer."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        self._settings, self._topic = settings, topic
        self._producer = open_producer(settings, f"{topic}-writer")

    def append(self, events: Iterable[tuple[bytes | None, bytes]]) -> list[Appended]:
        places: dict[int, Appended] = {}
        waiting = iter(events)
        while some := list(islice(waiting, _UNACKNOWLEDGED_MAX)):
            self._send(some, places)
        return [places[partition] for partition in sorted(places)]

    def _send(self, events: list[tuple[bytes | None, bytes]], places: dict[int, Appended]) -> None:
        for key, value in events:
            if len(value) + len(key or b"") > self._settings.event_bytes_max:
                raise BadInput(
                    f"an event of {len(value)} bytes; {self._topic} takes {self._settings.event_bytes_max}",
                    "send a smaller event",
                )
        with kafka_calls(f"append to {self._topic}"):
            sent: list[Any] = [self._producer.send(self._topic, key=key, value=value) for key, value in events]
            self._producer.flush(timeout=self._settings.append_timeout_s)
            for future in sent:
                at = future.get(timeout=self._settings.append_timeout_s)
                so_far = places.get(at.partition, Appended(at.partition, at.offset, at.offset, 0))
                places[at.partition] = Appended(
                    at.partition, min(so_far.first, at.offset), max(so_far.last, at.offset), so_far.events + 1
                )

    def close(self) -> None:
        with kafka_calls(f"close the writer of {self._topic}"):
            self._producer.close(timeout=self._settings.append_timeout_s)

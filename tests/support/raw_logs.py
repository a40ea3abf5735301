"""The logs as any reader sees them, and an own simple reading of what a valid content event is.

Rules of this file: nothing of ``gatekeeper`` is imported; Kafka is read by kafka-python's plain consumer, read
committed; a file line by line. The judgement is the short form of design §3: enough for what the tests produce.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition

EVENT_BYTES_MAX = 1_048_576
TYPES = ("content.published", "content.updated", "content.removed")


class Record(NamedTuple):
    """One record of a log. ``key`` and ``arrived_us`` (the broker's append time) are None where the log has none."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    arrived_us: int | None = None


def kafka_records(servers: str, topic: str) -> list[Record]:
    """Every committed record of a topic, by partition and offset."""
    consumer = KafkaConsumer(
        bootstrap_servers=servers, isolation_level="read_committed", auto_offset_reset="earliest", group_id=None
    )
    try:
        partitions = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic))]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        records: list[Record] = []
        while any(consumer.position(tp) < ends[tp] for tp in partitions):
            for polled in consumer.poll(timeout_ms=100).values():
                records += [_record(raw) for raw in polled]
        return sorted(records, key=lambda r: (r.partition, r.offset))
    finally:
        consumer.close()


def _record(raw: Any) -> Record:
    arrived_us = raw.timestamp * 1000 if raw.timestamp_type == 1 else None
    return Record(raw.partition, raw.offset, raw.key, raw.value, arrived_us)


def file_records(path: Path) -> list[Record]:
    """Every whole line of a file."""
    lines = path.read_bytes().split(b"\n")[:-1]
    return [Record(0, number, None, line) for number, line in enumerate(lines)]


def is_valid(record: Record, *, keyed: bool) -> bool:
    """Whether the record is a content event (design §3)."""
    document = document_of(record.value)
    if not isinstance(document, dict) or document.get("type") not in TYPES or document.get("specversion") != "1.0":
        return False
    data = document.get("data")
    if not isinstance(data, dict) or not all(_is_id(data.get(name)) for name in ("asset_id", "account_id")):
        return False
    if not all(isinstance(document.get(name), str) and document[name] for name in ("id", "source")):
        return False
    return _is_instant(document.get("time")) and (not keyed or record.key == data["asset_id"].encode())


def document_of(value: bytes | None) -> Any:
    """The JSON value, None where there is none that two readers would read the same way."""
    if value is None or len(value) > EVENT_BYTES_MAX:
        return None
    try:
        return json.loads(value.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    except ValueError:
        return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _is_id(text: object) -> bool:
    return isinstance(text, str) and 0 < len(text.encode()) <= 512 and all(" " <= letter != "\x7f" for letter in text)


def _is_instant(text: object) -> bool:
    try:
        return isinstance(text, str) and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False

"""Which file a JSONL log is: an id beside it, bound to its first line.

The id file ``<log>.id`` is made at first use. It holds the digest of the log's first line once there is one, so that
another file put in the log's place is noticed even by a process that starts after the exchange.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path

from gatekeeper.edges.jsonl_lines import LineFile
from gatekeeper.edges.jsonl_writer import locked
from gatekeeper.errors import UnsafeLog
from gatekeeper.ports import TopicIdentity

CLUSTER_ID = "jsonl"
"""Stands where Kafka's cluster id stands: files have none."""


def new_topic_id() -> str:
    return str(uuid.uuid4())


def identity_of(lines: LineFile, topic: str, new_id: Callable[[], str] = new_topic_id) -> TopicIdentity:
    """Raises UnsafeLog when the log is not the one its id was given to."""
    path = lines.path.with_name(lines.path.name + ".id")
    first = lines.first_line()
    digest = None if first is None else hashlib.sha256(first).hexdigest()
    known = _read(path)
    if known is None or (known["first_line_sha256"] is None and digest is not None):
        with locked(lines.path):  # two processes may be first at once
            known = _read(path) or {"topic_id": new_id(), "first_line_sha256": None}
            if known["first_line_sha256"] is None:
                known["first_line_sha256"] = digest
                _replace(path, known)
    if known["first_line_sha256"] != digest:
        raise UnsafeLog(
            f"{lines.path} is not the log that {path.name} was made for: its first line is another one",
            "restore the log as it was, or start a new workspace",
        )
    return TopicIdentity(CLUSTER_ID, topic, str(known["topic_id"]), 1)


def _read(path: Path) -> dict[str, str | None] | None:
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    try:
        known = json.loads(text)
        return {"topic_id": known["topic_id"], "first_line_sha256": known["first_line_sha256"]}
    except (ValueError, KeyError, TypeError) as error:
        raise UnsafeLog(f"{path} cannot be read: {error!r}", "restore it: tables name the log by its id") from error


def _replace(path: Path, known: dict[str, str | None]) -> None:
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w") as file:
        json.dump(known, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)

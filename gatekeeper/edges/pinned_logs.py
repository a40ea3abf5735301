"""Which logs a lake was made from, written at first use (design §5): offsets of another log mean other records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from gatekeeper.core.layout import PinnedLog, build_in_lake
from gatekeeper.core.policy import canonical_json
from gatekeeper.edges.delta_errors import mapped
from gatekeeper.edges.delta_store import store
from gatekeeper.errors import UnsafeLog
from gatekeeper.ports import TopicIdentity


def pin(root: str | Path, log: str, identity: TopicIdentity, storage_options: Mapping[str, str] | None = None) -> None:
    """Remember the identity of ``content`` or ``rights`` at first use; afterwards raises ``UnsafeLog`` for another
    one.
    """
    files, name = store(str(root), storage_options), build_in_lake(PinnedLog(log))
    with mapped(f"reading which {log} log the lake was made from"):
        known = files.read(name)
        if known is None:
            files.write_whole(name, canonical_json(asdict(identity)))
            known = files.read(name)
    pinned = json.loads(known or b"{}")
    if pinned != asdict(identity):
        changed = ", ".join(
            f"{k} was {pinned.get(k)!r}, is {v!r}" for k, v in asdict(identity).items() if pinned.get(k) != v
        )
        raise UnsafeLog(
            f"this is not the {log} log that the lake was made from: {changed}",
            "point gatekeeper.yaml at the log it was, or start a new lake; a topic made anew or with more partitions "
            "gives old offsets a new meaning",
        )

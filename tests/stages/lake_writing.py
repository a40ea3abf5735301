"""Rows put into real tables of a lake, without a gate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from gatekeeper.core.commits import Committed
from gatekeeper.core.layout import DECISIONS
from gatekeeper.core.tables import DECISIONS_SCHEMA
from gatekeeper.edges.delta import Lake

DECISION: Mapping[str, Any] = {
    "event_id": "e",
    "topic": "content",
    "partition": 0,
    "offset": 0,
    "asset_id": "a",
    "dataset": "d",
    "verdict": "hold",
    "reason": "terms.unclear",
    "holder": "account:n",
    "evidence": "rights:0@1#0123456789ab",
    "rights_position": 1,
    "policy": "sha256:0",
    "decided_at": 0,
    "driver": "gate",
}


def decide(root: Path, *rows: Mapping[str, Any]) -> None:
    """One commit of decisions; each row says what differs from ``DECISION``."""
    table = Lake(root).open(DECISIONS)
    made = pa.Table.from_pylist([{**DECISION, **row} for row in rows], schema=DECISIONS_SCHEMA)
    assert isinstance(table.append(made, {}, {}), Committed)

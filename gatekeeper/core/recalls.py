"""Recalls beside a release: assets that must no longer be used (design §6): ``recalls/<name>.json``.

``{"asset_ids": [text, …], "reason": text, "rights_position": N}``, other keys allowed. A recall that cannot be read
recalls the whole release: what it says may be a no.
"""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Recall:
    """``asset_ids`` is None where nobody can say which: then no row may be used."""

    name: str
    asset_ids: frozenset[str] | None
    reason: str


def read_recall(name: str, data: bytes) -> Recall:
    """Never raises."""
    try:
        document = json.loads(data)
        asset_ids, reason = document["asset_ids"], document.get("reason", "no reason is given")
    except (ValueError, TypeError, KeyError) as problem:
        return Recall(name, None, f"the recall cannot be read: {problem}")
    if not isinstance(asset_ids, list) or not all(isinstance(one, str) for one in asset_ids):
        return Recall(name, None, "the recall cannot be read: asset_ids is no list of texts")
    return Recall(name, frozenset(asset_ids), str(reason))

"""The terms a new workspace starts with, as events of the rights log (``gatekeeper init``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gatekeeper.core.policy import canonical_json
from gatekeeper.core.times import format_instant

SOURCE = "gatekeeper/init"


def terms_events(terms: Iterable[Mapping[str, Any]], now_us: int) -> list[bytes]:
    """``data`` of each version of the terms → its ``rights.terms.published``, published now, effective when it says."""
    return [canonical_json(_event(data, now_us)) for data in terms]


def _event(data: Mapping[str, Any], now_us: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"rights.terms.published/{data.get('terms_id')}",
        "source": SOURCE,
        "type": "rights.terms.published",
        "time": format_instant(now_us),
        "data": data,
    }

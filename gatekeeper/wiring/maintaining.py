"""``maintain`` with the real lake."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gatekeeper.core.layout import TABLES, Table
from gatekeeper.stages.maintain import Maintained
from gatekeeper.stages.maintain import maintain as keep
from gatekeeper.wiring.workspace import OpenWorkspace


def maintain(opened: OpenWorkspace, grace_hours: int, done: Callable[[str], None]) -> Maintained:
    """Tables that nobody has made yet are passed over."""
    lake = opened.lake()
    there = {name: partial(lake.open, name) for name in TABLES if lake.exists(Table(name))}
    return keep(there, lake.datasets(), lake.dataset, grace_hours, done)

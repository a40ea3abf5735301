"""``withdrawals`` with the workspace's logs, tables and releases; ``status`` asks it, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gatekeeper.core.clocks import Standing
from gatekeeper.core.layout import DECISIONS, SWEEP_APP, DatasetTable
from gatekeeper.core.times import parse_instant
from gatekeeper.stages.gate.barrier import Rules
from gatekeeper.stages.latest import latest_of
from gatekeeper.stages.recall.feed import looked
from gatekeeper.stages.recall.replacing import wants_replacement
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.release_reading import every_manifest
from gatekeeper.stages.trace.membership import Published, published
from gatekeeper.stages.withdrawals import Withdrawals, noes, passed
from gatekeeper.stages.withdrawals import withdrawals as clocks_of
from gatekeeper.wiring.releasing import store_of
from gatekeeper.wiring.workspace import OpenWorkspace, RightsSoFar

DEADLINE_KEY = "withdrawal_deadline_h"


def withdrawals(opened: OpenWorkspace, last: int = 0) -> Withdrawals:
    """Every no that is not everywhere yet, and the ``last`` of those that are."""
    rules = opened.rules()
    return withdrawals_of(opened, rules, opened.rights(rules.policy), last)


def withdrawals_of(opened: OpenWorkspace, rules: Rules, rights: RightsSoFar, last: int = 0) -> Withdrawals:
    """The same, where the rights log has been read."""
    store = store_of(opened)
    releases = published(store, every_manifest(store))
    seen = looked(store)
    decisions = opened.table(DECISIONS)
    swept = -1 if decisions is None else decisions.txn(SWEEP_APP)
    since = max(0, min(swept, seen.rights_position) if releases else swept)
    if last:
        told = [event.position for event in noes(rights.events) if event.position < since]
        since = min(told[-last:], default=since)
    commits, complete = ([], True) if decisions is None else passed(decisions, since)
    standing = Standing(
        passed=commits,
        complete=complete,
        folded=_folded(opened, rights),
        looked=seen.rights_position if releases else None,
        looked_us=parse_instant(seen.instant) if seen.instant else None,
        now_us=opened.clock_us(),
        deadline_h=deadline_h(opened, rules),
    )
    asked = [event for event in rights.events if event.position >= since]
    arrived = opened.arrivals([record for record in rights.records if record.position >= since])
    found = clocks_of(asked, arrived, standing, store, releases, last)
    return replace(found, recalled_latest=tuple(_recalled_latest(store, rules, releases)))


def _recalled_latest(store: ReleaseStore, rules: Rules, releases: Sequence[Published]) -> Iterator[str]:
    recalled = {one.manifest.name for one in releases if one.recalls}
    for declaration in rules.declarations:
        latest = latest_of(store, declaration.name) if wants_replacement(declaration.document) else None
        if latest is not None and latest.name in recalled:
            yield latest.name


def deadline_h(opened: OpenWorkspace, rules: Rules) -> int:
    """The shortest that a declared dataset asks for; else the workspace's limit."""
    told = (declaration.document.get(DEADLINE_KEY) for declaration in rules.declarations)
    asked = (int(hours) for hours in told if hours is not None)
    return min(asked, default=opened.workspace.limits.withdrawal_deadline_h)


def _folded(opened: OpenWorkspace, rights: RightsSoFar) -> Mapping[str, int]:
    """Declared datasets that have a table → the version of ``decisions`` it has followed."""
    lake = opened.lake()
    there = [name for name in sorted(rights.register.datasets) if lake.exists(DatasetTable(name))]
    return {name: lake.dataset(name).folded for name in there}

"""Commands that report what logs and lake hold: ``status``, ``holds``."""

from __future__ import annotations

from contextlib import closing

from gatekeeper.core.layout import (
    DEAD_LETTERS,
    DECISIONS,
    RIGHTS,
    RIGHTS_APP,
    SWEEP_APP,
    SWEEP_NEXT_APP,
    ContentApp,
    DatasetTable,
    build_app_id,
)
from gatekeeper.core.times import format_instant
from gatekeeper.ports import ContentReader
from gatekeeper.stages import status as reporting
from gatekeeper.stages.holds import Held, held
from gatekeeper.stages.reading import ReadableTable
from gatekeeper.wiring.workspace import OpenWorkspace


def status(opened: OpenWorkspace) -> reporting.Status:
    """Where everything stands."""
    from gatekeeper.wiring.withdrawing import withdrawals_of

    rules = opened.rules()
    rights = opened.rights(rules.policy)
    kept, decisions = opened.table(RIGHTS), opened.table(DECISIONS)
    swept = -1 if decisions is None else decisions.txn(SWEEP_APP)
    with closing(opened.content_reader()) as content:
        partitions = _partitions(content, decisions)
    return reporting.Status(
        rights_end=rights.position,
        rights_kept=0 if kept is None else kept.txn(RIGHTS_APP) + 1,
        swept=swept,
        unswept=reporting.unswept(rights.position, swept, decisions),
        policy_applied=reporting.policy_applied(rules, rights.register),
        content=partitions,
        datasets=reporting.datasets(rules, rights.register, decisions, lambda name: _fold(opened, name, decisions)),
        dead_letters=reporting.dead_letter_counts(opened.table(DEAD_LETTERS)),
        withdrawals=withdrawals_of(opened, rules, rights),
        unanswered=reporting.unanswered(rights.register, {r.position: r.value for r in rights.records}),
    )


def content_lag(opened: OpenWorkspace) -> int:
    """Content events on the log that ``decisions`` does not hold yet."""
    with closing(opened.content_reader()) as content:
        return sum(partition.lag for partition in _partitions(content, opened.table(DECISIONS)))


def sweep_due(opened: OpenWorkspace) -> str | None:
    """Why a sweep is due: how far the rights log reaches, or the instant that has passed. None: rights stand still."""
    decisions, log = opened.table(DECISIONS), opened.rights_look()
    with closing(log):
        end = log.end()
    if decisions is None:
        return None
    next_us = decisions.txn(SWEEP_NEXT_APP)
    if end > decisions.txn(SWEEP_APP):
        return f"rights end at {end}"
    return f"it is past {format_instant(next_us)}" if 0 <= next_us <= opened.clock_us() else None


def _partitions(content: ContentReader, decisions: ReadableTable | None) -> tuple[reporting.Partition, ...]:
    identity = content.identity()

    def decided(partition: int) -> int:
        app_id = build_app_id(ContentApp(identity.cluster_id, identity.topic_id, partition))
        return -1 if decisions is None else decisions.txn(app_id)

    return reporting.partitions(content.begin_offsets(), content.end_offsets(), decided)


def _fold(opened: OpenWorkspace, name: str, decisions: ReadableTable | None) -> reporting.Fold | None:
    """None where nobody has made the dataset's table yet."""
    if decisions is None or not opened.lake().exists(DatasetTable(name)):
        return None
    table = opened.lake().dataset(name)
    return reporting.Fold(sum(table.file_rows().values()), decisions.version - table.folded)


def holds(opened: OpenWorkspace) -> list[Held]:
    """What is held now, of the datasets the log declares."""
    decisions = opened.table(DECISIONS)
    if decisions is None:
        return []
    return held(decisions, opened.rights(opened.policy()).register.datasets)

"""The three commits of a batch, in order (design §5).

1. ``dead_letters``  what cannot be used, with its bytes
2. ``catalog``       what is valid: the payload
3. ``decisions``     what was decided about it

Before each commit every slice is compared with the very handle that commits: the table's version for its partition must
equal the slice's base. A slice that fails is dropped alone and its partition read again. After a refusal or an unknown
outcome the table is loaded again, and the slice is ours only if the commit at its version carries our batch id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.commits import CommitMetadata, Committed, Outcome, SliceClaim, Unknown
from gatekeeper.core.layout import STRAYS_APP
from gatekeeper.core.tables import INSTANT
from gatekeeper.errors import Unavailable, UnsafeLog
from gatekeeper.stages.gate.ahead import Ahead
from gatekeeper.stages.gate.ownership import Ownership
from gatekeeper.stages.gate.values import STREAM_COLUMNS, Batch, Moment, Slice, Step

OUTCOMES_MAX = 200
"""So often is a commit tried again that another worker's overtook or whose outcome nobody could tell; then an
operator is needed."""


class TableHandle(Protocol):
    """One loaded version of an append-only table. A commit becomes the version after the one loaded, or nothing."""

    @property
    def version(self) -> int: ...
    def txn(self, app_id: str) -> int: ...
    def refresh(self) -> None: ...
    def write(self, rows: pa.Table) -> Sequence[Any]: ...
    def commit(self, files: Sequence[Any], txns: Mapping[str, int], metadata: Mapping[str, str]) -> Outcome: ...
    def find(self, batch_id: str, after: int) -> int | None: ...


class Committer:
    """Belongs to the committing thread, but for ``begin``."""

    def __init__(
        self,
        tables: Mapping[Step, TableHandle],
        ownership: Ownership,
        app_id: Callable[[int], str],
        sweep_app_id: str,
        worker_id: str,
        decide_again: Callable[[Batch], Batch],
    ) -> None:
        self._tables = tables
        self._ownership = ownership
        self._app_id = app_id
        self._sweep_app_id = sweep_app_id
        self._worker_id = worker_id
        self._decide_again = decide_again
        self._latest: Moment | None = None
        self._ahead = Ahead(tables, _rows)

    def begin(self, step: Step, batch: Batch) -> None:
        """Write the step's file ahead of its turn. For the deciding thread; every batch begun is committed later."""
        self._ahead.begin(step, batch)

    def close(self) -> None:
        """Wait for the files that are being written."""
        self._ahead.close()

    def commit(self, batch: Batch) -> tuple[Batch, int | None]:
        """Commit what is still ours. Returns the batch as committed and the version of ``decisions`` (None: nothing
        was).
        """
        try:
            return self._commit_steps(batch)
        finally:
            self._ahead.forget(batch.id)

    def _commit_steps(self, batch: Batch) -> tuple[Batch, int | None]:
        version: int | None = None
        for step in Step:
            if not batch.slices:
                return batch, None
            batch, version = self._commit_step(step, batch)
        if version is not None:
            self._latest = batch.moment
        return _rows_of_slices(batch), version

    def _commit_step(self, step: Step, batch: Batch) -> tuple[Batch, int | None]:
        """One numbered commit. Returns the batch with the slices that are still ours, and the version it became."""
        table = self._tables[step]
        table.refresh()
        batch = self._only_ours(step, batch)
        files = self._ahead.files(step, batch)
        for _ in range(OUTCOMES_MAX):
            with self._ownership.committing:
                ours = self._only_ours(step, batch)
                if ours is not batch:
                    batch, files = ours, table.write(_rows(step, ours))
                fresh = [s for s in batch.slices if s.steps_done < step]
                if not fresh and not files:
                    return batch, None
                since = table.version
                outcome = table.commit(files, self._txns(step, batch, fresh), self._metadata(batch))
            if isinstance(outcome, Committed):
                return batch, outcome.version
            table.refresh()
            if isinstance(outcome, Unknown) and (version := table.find(batch.id, since)) is not None:
                return batch, version
        raise Unavailable(
            f"{OUTCOMES_MAX} commits to {step.name.lower()} in a row failed or had no known outcome",
            "look after the lake's storage, then start the worker again: nothing is lost and nothing is written twice",
        )

    def _only_ours(self, step: Step, batch: Batch) -> Batch:
        """Compare with the handle that commits: what does not follow is dropped, and its partition read again."""
        table = self._tables[step]
        current = [s for s in batch.slices if self._ownership.is_current(s.partition, s.epoch)]
        ours = [s for s in current if s.follows(step, table.txn(self._app_id(s.partition)))]
        self._ownership.lose(s for s in current if s not in ours)
        if len(ours) < len(batch.slices):
            batch = batch.of(ours)
        while step is Step.DECISIONS and batch.slices and self._is_outdated(batch):
            batch = self._decide_again(batch)
            self._require_caught_up(batch.moment)
        return batch

    def _is_outdated(self, batch: Batch) -> bool:
        """Whether a sweep or a batch before this one was decided on newer rights (or later), or a stray came since:
        then it is decided again, so that along the versions of ``decisions`` none is older than what went before it.
        """
        assert batch.moment is not None
        catalog, swept = self._tables[Step.CATALOG], self._tables[Step.DECISIONS].txn(self._sweep_app_id)
        catalog.refresh()
        return (
            batch.moment.position < swept
            or self._is_overtaken(batch.moment)
            or catalog.txn(STRAYS_APP) != batch.strays_seen
        )

    def _is_overtaken(self, moment: Moment) -> bool:
        """A batch that was decided again at its commit is newer than those that were waiting behind it."""
        latest = self._latest
        return latest is not None and (moment.position < latest.position or moment.instant_us < latest.instant_us)

    def _require_caught_up(self, moment: Moment | None) -> None:
        """A batch decided again is at the log's end: a sweep that went further has seen what the log lost."""
        swept = self._tables[Step.DECISIONS].txn(self._sweep_app_id)
        if moment is not None and moment.position < swept:
            raise UnsafeLog(
                f"a sweep has decided on rights at {swept}, and the rights log ends at {moment.position}",
                "restore the rights log as it was before anything is decided again",
            )

    def _txns(self, step: Step, batch: Batch, slices: Iterable[Slice]) -> dict[str, int]:
        txns = {self._app_id(s.partition): s.last for s in slices}
        if step is Step.CATALOG and batch.new_strays:
            txns[STRAYS_APP] = self._tables[step].txn(STRAYS_APP) + 1
        return txns

    def _metadata(self, batch: Batch) -> dict[str, str]:
        assert batch.moment is not None
        moment, policy = batch.moment, batch.policy
        claims = (
            SliceClaim(s.partition, s.base, s.last, moment.position, policy, moment.instant_us) for s in batch.slices
        )
        return CommitMetadata(batch.id, self._worker_id, tuple(claims)).to_custom()


def _rows_of_slices(batch: Batch) -> Batch:
    """The batch without the rows of slices that were dropped."""
    assert batch.decisions is not None
    partitions = [s.partition for s in batch.slices]
    valid, dead, decisions = (of_partitions(t, partitions) for t in (batch.valid, batch.dead, batch.decisions))
    return replace(batch, valid=valid, dead=dead, decisions=decisions)


def _rows(step: Step, batch: Batch) -> pa.Table:
    """The step's rows of the batch's slices, without what a step done before already holds."""
    if step is Step.DEAD_LETTERS:
        dead = of_partitions(batch.dead, [s.partition for s in batch.slices])
        assert batch.moment is not None
        return dead.append_column("recorded_at", pa.repeat(pa.scalar(batch.moment.instant_us, INSTANT), dead.num_rows))
    fresh = [s.partition for s in batch.slices if s.steps_done < step]
    if step is Step.CATALOG:
        return of_partitions(batch.valid, fresh).drop_columns(list(STREAM_COLUMNS))
    assert batch.decisions is not None
    return of_partitions(batch.decisions, fresh)


def of_partitions(rows: pa.Table, partitions: list[int]) -> pa.Table:
    """The rows of these partitions."""
    values = rows["partition"].to_numpy()
    mine = np.isin(values, np.array(partitions, dtype=np.int32))
    return rows if mine.all() else rows.filter(pc.cast(pa.array(mine), pa.bool_()))

"""How a sweep's decisions come to stand beside a running gate (design §5, "Sweep").

1. ``look``    load ``decisions``, see what others added since
2. ``write``   the data file of what is waiting, without the assets that others decided meanwhile
3. ``commit``  on exactly the version looked at, or not at all; the last commit of a sweep carries its position
               (``sweep``), its instant, and restates the content partitions where they stand

What others decided on older rights, or earlier, than the sweep's moment is decided again before the last commit. So
no asset's last decision is older than a sweep that has ended, and a sweep that is killed before its last commit has
swept nothing: what it appended is found to be equal by the next one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.commits import CommitMetadata, Committed, SliceClaim, Unknown
from gatekeeper.core.layout import SWEEP_APP, SWEEP_NEXT_APP, SWEEPING_APP, SWEPT_AT_APP
from gatekeeper.core.tables import DECISIONS_SCHEMA
from gatekeeper.core.times import ALWAYS_US
from gatekeeper.errors import Unavailable
from gatekeeper.stages.gate.committing import OUTCOMES_MAX
from gatekeeper.stages.gate.values import Moment
from gatekeeper.stages.sweep.comparing import BEFORE, NO_ROWS
from gatekeeper.stages.sweep.ports import DecisionsTable

SWEEP_KEY = "gatekeeper.sweep"
"""Custom metadata of a sweep's commits: JSON of what it went from and to, and whether it ends there."""
COMMIT_ROWS_MAX = 200_000
"""Decisions held in memory until they are committed; a fold reads one version at a time."""


class Overtaken(Exception):
    """Another sweep has ended meanwhile: this one begins again from there."""


@dataclass(frozen=True)
class Basis:
    """What a sweep starts from and decides on. ``since_us`` and ``swept`` are -1 before the first sweep; ``next_us`` is
    when a statement next begins or ends by time alone, ``ALWAYS_US`` where none does.
    """

    swept: int
    since_us: int
    moment: Moment
    policy: str
    next_us: int = ALWAYS_US


@dataclass
class Tally:
    """What was committed: decisions by (dataset, verdict, reason), and rows that enter and leave by dataset."""

    decided: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    entered: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    commits: int = 0

    def count(self, rows: pa.Table) -> None:
        columns = (rows[name].to_pylist() for name in ("dataset", "verdict", "reason", BEFORE))
        for dataset, verdict, reason, before in zip(*columns, strict=True):
            self.decided[dataset, verdict, reason] += 1
            self.entered[dataset] += verdict == "permit" and before != "permit"
            self.left[dataset] += verdict != "permit" and before == "permit"
        self.commits += 1


@dataclass
class Appender:
    """``apps``: content partition → application id. ``decide_again``: assets → their decision rows that differ now, on
    rights that are as new as anybody's; it may not refresh ``decisions``.
    """

    decisions: DecisionsTable
    apps: Mapping[int, str]
    basis: Basis
    worker_id: str
    new_id: Callable[[], str]
    decide_again: Callable[[pa.Array], pa.Table]
    tally: Tally
    _looked: int = field(init=False)
    _waiting: list[pa.Table] = field(default_factory=list)
    _others: set[str] = field(default_factory=set)
    _again: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._looked = self.decisions.version

    def add(self, rows: pa.Table) -> None:
        """Decision rows with ``BEFORE``; committed when there are enough. Raises ``Overtaken``, ``Unavailable``."""
        rows = _without(rows, self._others)
        if rows.num_rows:
            self._waiting.append(rows)
        if sum(part.num_rows for part in self._waiting) >= COMMIT_ROWS_MAX:
            self._commit(last=False)

    def finish(self) -> None:
        """The last commit; none where nothing is waiting and the rights are where they were swept."""
        self._commit(last=True)

    def _commit(self, *, last: bool) -> None:
        batch_id, rows, files = self.new_id(), None, None
        for _ in range(OUTCOMES_MAX):
            changed = self._look()
            if last and self._again:
                self._decide_again()
                changed = True
            if rows is None or files is None or changed:
                rows = self._rows()
                if not rows.num_rows and not (last and self._moved):
                    return
                files = self.decisions.write(rows.select(DECISIONS_SCHEMA.names))
            txns = self._txns() if last else self._under_way()
            outcome = self.decisions.commit(files, txns, self._metadata(batch_id, last))
            version = outcome.version if isinstance(outcome, Committed) else None
            self.decisions.refresh()
            if isinstance(outcome, Unknown):
                version = self.decisions.find(batch_id, self._looked)
            if version is not None:
                self._looked, self._waiting = version, []
                self.tally.count(rows)
                return
        raise Unavailable(
            f"{OUTCOMES_MAX} commits of a sweep in a row were refused or had no known outcome",
            "look after the lake's storage, then sweep again: nothing is lost and nothing is written twice",
        )

    @property
    def _moved(self) -> bool:
        """Whether there is something to record besides decisions: rights came, or an instant the last sweep named has
        passed.
        """
        basis, named_us = self.basis, self.decisions.txn(SWEEP_NEXT_APP)
        passed = basis.moment.instant_us >= named_us and basis.next_us != named_us
        return basis.moment.position > basis.swept or basis.since_us < 0 or passed

    def _look(self) -> bool:
        """Load what others committed since; whether something waiting was overtaken by it."""
        self.decisions.refresh()
        at = (self.decisions.txn(SWEEP_APP), self.decisions.txn(SWEPT_AT_APP))
        if at != (self.basis.swept, self.basis.since_us):
            raise Overtaken
        if self.decisions.version == self._looked:
            return False
        columns = ("asset_id", "rights_position", "decided_at")
        rows = self.decisions.read_since(self._looked, self.decisions.version, columns)
        self._looked = self.decisions.version
        assets = set(rows["asset_id"].to_pylist())
        moment = self.basis.moment
        older = pc.or_(
            pc.less(rows["rights_position"], moment.position),
            pc.less(rows["decided_at"].cast(pa.int64()), moment.instant_us),
        )
        self._again.update(rows["asset_id"].filter(older).to_pylist())
        self._others |= assets
        waiting = [_without(part, assets) for part in self._waiting]
        changed = any(kept is not part for kept, part in zip(waiting, self._waiting, strict=True))
        self._waiting = waiting
        return changed

    def _decide_again(self) -> None:
        assets, self._again = pa.array(sorted(self._again), pa.string()), set()
        self._waiting.append(self.decide_again(assets))

    def _rows(self) -> pa.Table:
        return pa.concat_tables([NO_ROWS, *self._waiting])

    def _stands(self) -> dict[int, int]:
        """Content partition → last offset decided, in the version looked at."""
        found = {partition: self.decisions.txn(app) for partition, app in self.apps.items()}
        return {partition: last for partition, last in found.items() if last >= 0}

    def _under_way(self) -> dict[str, int]:
        """Whoever sweeps after one that was killed decides on no earlier instant, or the rows could not tell whose
        decision is the last.
        """
        return {SWEEPING_APP: max(self.decisions.txn(SWEEPING_APP), self.basis.moment.instant_us)}

    def _txns(self) -> dict[str, int]:
        restated = {self.apps[partition]: last for partition, last in self._stands().items()}
        moment = self.basis.moment
        swept = {SWEEP_APP: moment.position, SWEPT_AT_APP: moment.instant_us, SWEEP_NEXT_APP: self.basis.next_us}
        return {**restated, **swept}

    def _metadata(self, batch_id: str, last: bool) -> dict[str, str]:
        basis, moment = self.basis, self.basis.moment
        claims = tuple(
            SliceClaim(partition, at, at, moment.position, basis.policy, moment.instant_us)
            for partition, at in self._stands().items()
        )
        said = {"from": basis.swept, "to": moment.position, "instant_us": moment.instant_us, "last": last}
        claimed = CommitMetadata(batch_id, self.worker_id, claims if last else ())
        return {**claimed.to_custom(), SWEEP_KEY: json.dumps(said, separators=(",", ":"))}


def _without(rows: pa.Table, assets: set[str]) -> pa.Table:
    """The rows of other assets; the very table where none is among them."""
    if not assets or not rows.num_rows:
        return rows
    known = pc.is_in(rows["asset_id"], value_set=pa.array(sorted(assets), pa.string()))
    return rows.filter(pc.invert(known)) if pc.any(known).as_py() else rows

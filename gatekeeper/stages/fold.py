"""Fold: a dataset table follows the versions of ``decisions``; its rows are the assets whose last decision is permit.

One step is one commit, its parts numbered in ``Folder._fold`` (design §5, "Fold"). The table's ``txn`` named
``decisions`` says which version it is the fold of. Any number of folders may work on one table: a commit stands only on
the very version it was computed from.

How rows are replaced, and what was measured for it (60 k content rows, two cores):

* Files are replaced whole, by ``remove`` and ``add`` actions in one commit, and only those that hold a replaced asset.
  An index in memory says which those may be, so that a step that replaces nothing reads nothing.
* No hash buckets: 16 of them double the cost of an append (58 → 123 ms; 64: 211 ms), make 16 files of each commit, and
  scatter over all of them what arrived together, so that withdrawing one label's catalogue rewrites the whole table.
* Rewriting is amortised: decisions wait (``core.fold.due``) until rewriting is cheap for their number, or they are old.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from gatekeeper.core.commits import WORKER_KEY
from gatekeeper.core.fold import Batch, FoldLimits, Handed, Waiting, batch_of, due, net
from gatekeeper.errors import Unavailable
from gatekeeper.stages.fold_ports import DatasetTable, FileHashes
from gatekeeper.stages.fold_reading import ReadBack
from gatekeeper.stages.fold_table import Hits, IndexedTable

ATTEMPTS_MAX = 50
"""So many commits in a row without progress mean that the store refuses us, not that somebody else was quicker."""


@dataclass(frozen=True)
class Folded:
    """One committed step: the table is now the fold through version ``through`` of ``decisions``."""

    through: int
    rows_entered: int
    rows_rewritten: int
    seconds: float


@dataclass(frozen=True)
class _Pending:
    batch: Batch
    since_us: int
    hits: Hits


@dataclass
class Folder:
    """Folds decisions into one dataset table. Not for two threads at once; the handles it is given are its own.

    ``step`` is cheap, for every batch of the gate; ``catch_up`` folds all there is; ``empty`` is for a retired dataset.
    All raise ``Unavailable`` when the lake cannot be reached; what was pending then is kept, or read back.
    """

    table: DatasetTable
    read_back: ReadBack
    limits: FoldLimits
    now_us: Callable[[], int]
    worker_id: str = ""
    kept: FileHashes | None = None
    _indexed: IndexedTable = field(init=False)
    _pending: list[_Pending] = field(default_factory=list)
    _loaded: bool = False
    _last_step_s: float = 0.0
    _resting_until_us: int = 0
    _look_at_us: int = 0

    def __post_init__(self) -> None:
        limits = self.limits
        self._indexed = IndexedTable(self.table, limits.file_rows_max, limits.small_files_max, self.kept)

    @property
    def folded(self) -> int:
        """The version of ``decisions`` the table is the fold of, as last seen."""
        return self._indexed.folded

    @property
    def lag_s(self) -> float:
        """Age of the oldest pending decision; 0 when there is none."""
        return (self.now_us() - self._pending[0].since_us) / 1e6 if self._pending else 0.0

    def step(self, handed: Handed | None = None) -> Folded | None:
        """Take the version a worker has just committed, if any; fold if it is time. Versions between are read back."""
        if not self._loaded:
            self._load()
        if handed is None:
            self._look_around()
        elif handed.version > self._end:
            self._extend(handed.version - 1)
            self._take(batch_of(handed))
        waiting = self._waiting()
        if self.now_us() < self._resting_until_us and waiting.bytes <= self.limits.pending_bytes_max:
            return None
        return self._fold() if due(waiting, self.limits) else None

    def catch_up(self) -> int:
        """Fold through the newest version of ``decisions`` at this moment, and return it."""
        self._load()
        newest = self.read_back.newest()
        attempts = 0
        while self.folded < newest:
            before = self.folded
            self._extend(newest)
            self._fold()
            attempts = self._attempt(attempts, progress=self.folded > before)
        return newest

    def empty(self, through: int) -> None:
        """Remove every row: the dataset was retired when ``decisions`` stood at ``through``. None of them counts."""
        self._load()
        attempts = 0
        while self._indexed.rows or self.folded < through:
            self._indexed.remove_all(max(through, self.folded), self._metadata)
            self._load()
            attempts = self._attempt(attempts, progress=False)

    @property
    def _end(self) -> int:
        return self._pending[-1].batch.through if self._pending else self.folded

    @property
    def _metadata(self) -> Mapping[str, str]:
        return {WORKER_KEY: self.worker_id}

    def _look_around(self) -> None:
        """When nothing is pending, look now and then for versions nobody handed over: their worker may have died."""
        now_us = self.now_us()
        if not self._pending and now_us >= self._look_at_us:
            self._look_at_us = now_us + int(self.limits.lag_max_s * 1e6)
            self._load()
            self._extend(self.read_back.newest())

    def _extend(self, through: int) -> None:
        """Read back what is missing up to ``through``, folding whenever that becomes too much to hold."""
        if self._end >= through:
            return
        newest = min(through, self.read_back.newest())
        while self._end < newest:
            self._take(self.read_back.batch(self._end, newest))
            if self._waiting().bytes > self.limits.pending_bytes_max:
                self._fold()

    def _take(self, batch: Batch) -> None:
        self._pending.append(_Pending(batch, self.now_us(), self._hits(batch)))

    def _waiting(self) -> Waiting:
        return Waiting(
            decisions=sum(len(pending.batch.row) for pending in self._pending),
            versions=len(self._pending),
            bytes=sum(pending.batch.bytes for pending in self._pending),
            rewritten_rows=self._indexed.rows_in({path for pending in self._pending for path in pending.hits}),
            age_s=self.lag_s,
            last_step_s=self._last_step_s,
        )

    def _fold(self) -> Folded | None:
        """One step; None when nothing is pending any more, or when somebody else's commit came first."""
        begun_us = self.now_us()
        # 1 load the newest version of the table; drop what it has folded already
        self._load()
        if not self._pending:
            return None
        # 2 the net effect of what is pending
        entering, through = net([pending.batch for pending in self._pending]), self._end
        # 3 the data files that nobody sees yet, 4 the log entry, on exactly the version loaded in 1
        rewritten = self._indexed.replace((p.hits for p in self._pending), entering, through, self._metadata)
        if rewritten is None:
            self._rest()
            return None
        # 5 load what was committed; nothing is pending now
        self._load(resting=False)
        self._last_step_s = (self.now_us() - begun_us) / 1e6
        return Folded(through, entering.num_rows, rewritten, self._last_step_s)

    def _load(self, resting: bool = True) -> None:
        """Bring the index and what is pending in line with the newest version of the table."""
        before, changed = self.folded, self._indexed.load()
        self._loaded = True
        if self.folded > before and self._pending and resting:
            self._rest()
        # A batch that somebody folded in part is folded again: the last decisions in it are still the last ones.
        kept = [pending for pending in self._pending if pending.batch.through > self.folded]
        self._pending = [replace(p, hits=self._hits(p.batch)) for p in kept] if changed else kept

    def _hits(self, batch: Batch) -> Hits:
        return self._indexed.hits(batch.asset_id, batch.hashes)

    def _rest(self) -> None:
        """Somebody else folds this table: let them, and look again when they may have stopped."""
        self._resting_until_us = self.now_us() + int(self.limits.lag_max_s * 1e6)

    def _attempt(self, attempts: int, *, progress: bool) -> int:
        if attempts >= ATTEMPTS_MAX:
            raise Unavailable(
                f"{self.read_back.dataset}: {ATTEMPTS_MAX} commits in a row did not stand",
                "look after the lake's storage, then fold again: nothing is lost",
            )
        return 0 if progress else attempts + 1

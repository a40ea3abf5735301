"""Which partitions are ours, what comes next on each, and which slices may still be committed (design §5,
"Assignment").

A partition we own has an epoch. It ends when the partition is revoked, or when one of its slices could not be committed
because somebody else moved the table; every slice of an ended epoch is void, and nothing of it is committed afterwards.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from gatekeeper.core.removals import Removals
from gatekeeper.stages.gate.values import Slice


@dataclass
class Chain:
    """The next slice of a partition starts after ``last``; fetched through ``fetched``, decisions committed through
    ``committed``. Offsets up to ``recorded_through`` are already in
    ``dead_letters`` where they are invalid (``recorded_dead``): a crash fell between the first and the second commit.
    """

    epoch: int
    last: int
    removals: Removals
    recorded_through: int = -1
    recorded_dead: frozenset[int] = field(default_factory=frozenset)
    fetched: int = -1
    committed: int = -1


class Ownership:
    """Shared by the worker's threads; every method is atomic.

    ``committing`` is held while a log entry is written: a revocation waits for it, and none is written after it.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.committing = threading.RLock()
        self._chains: dict[int, Chain] = {}
        self._lost: set[int] = set()
        self._epoch = 0

    def next_epoch(self) -> int:
        with self._lock:
            self._epoch += 1
            return self._epoch

    def open(self, partition: int, chain: Chain) -> None:
        with self._lock:
            self._chains[partition] = chain
            self._lost.discard(partition)

    def extend(self, partition: int, epoch: int, last: int) -> Slice | None:
        """The next slice of the partition, ending at ``last``; None where the epoch is over."""
        with self._lock:
            chain = self._chains.get(partition)
            if chain is None or chain.epoch != epoch:
                return None
            recorded = last <= chain.recorded_through
            taken = Slice(partition, chain.last, last, epoch, steps_done=1 if recorded else 0)
            chain.last = last
            return taken

    def revoke(self, partitions: Iterable[int]) -> None:
        """Void every slice of these partitions, whether queued, decided or half committed; waits for a commit under
        way.
        """
        with self.committing, self._lock:
            for partition in partitions:
                self._chains.pop(partition, None)
                self._lost.discard(partition)

    def lose(self, slices: Iterable[Slice]) -> None:
        """Somebody else moved these partitions' tables: void their slices; they must be opened and read again."""
        with self._lock:
            for lost in slices:
                if self.is_current(lost.partition, lost.epoch):
                    del self._chains[lost.partition]
                    self._lost.add(lost.partition)

    def take_lost(self) -> frozenset[int]:
        with self._lock:
            lost, self._lost = frozenset(self._lost), set()
            return lost

    def is_current(self, partition: int, epoch: int) -> bool:
        with self._lock:
            chain = self._chains.get(partition)
            return chain is not None and chain.epoch == epoch

    def chain(self, partition: int) -> Chain | None:
        with self._lock:
            return self._chains.get(partition)

    def fetched(self, partition: int, last: int) -> int | None:
        """Note that the partition was fetched through this offset; returns the epoch, None where it is not ours."""
        with self._lock:
            chain = self._chains.get(partition)
            if chain is None:
                return None
            chain.fetched = last
            return chain.epoch

    def committed(self, slices: Iterable[Slice]) -> None:
        """Note that the decisions of these slices are committed."""
        with self._lock:
            for done in slices:
                if self.is_current(done.partition, done.epoch):
                    self._chains[done.partition].committed = done.last

    def committed_through(self) -> dict[int, int]:
        """Partition → the last offset whose decisions are committed."""
        with self._lock:
            return {partition: chain.committed for partition, chain in self._chains.items()}

    def is_settled(self, partition: int, through: int) -> bool:
        """Everything fetched of the partition up to ``through`` is decided and committed, whatever comes after it."""
        with self._lock:
            chain = self._chains.get(partition)
            return chain is not None and chain.committed >= min(chain.fetched, through)

    def owned(self) -> dict[int, int]:
        """Partition → the last offset assembled."""
        with self._lock:
            return {partition: chain.last for partition, chain in self._chains.items()}

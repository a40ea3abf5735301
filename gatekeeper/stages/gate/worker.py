"""The worker: its threads, one after the other's output, stopped together by the first error (design §5)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from gatekeeper.errors import Unavailable
from gatekeeper.ports import ContentReader
from gatekeeper.stages.gate.assembling import Assembler
from gatekeeper.stages.gate.committing import Committer
from gatekeeper.stages.gate.deciding import Decider
from gatekeeper.stages.gate.draining import Drained
from gatekeeper.stages.gate.fetching import Fetcher
from gatekeeper.stages.gate.ownership import Ownership
from gatekeeper.stages.gate.parsing import Parsing
from gatekeeper.stages.gate.queues import WAIT_S, ByteQueue, Stopping, Switch
from gatekeeper.stages.gate.values import Batch, Moment, Raw, Recovery, Step, is_ready

IDLE_S = 0.05
LAG_EVERY_S = 2.0


class Watches(Protocol):
    """Metrics and progress: told what happened, decides nothing."""

    def batch_decided(self, batch: Batch, seconds: float) -> None: ...
    def batch_committed(self, batch: Batch, seconds: float, slices_dropped: int) -> None: ...
    def folded(self, dataset: str, version: int) -> None: ...
    def moment(self, moment: Moment) -> None: ...
    def lag(self, events: Mapping[int, int]) -> None: ...


class Folds(Protocol):
    """The fold beside the worker: takes what was just committed, keeps the dataset tables following."""

    def hand(self, batch: Batch, version: int) -> None: ...
    def run_once(self) -> bool: ...
    def finish(self) -> None: ...


@dataclass(frozen=True)
class Parts:
    """What wiring puts together for one worker."""

    reader: ContentReader
    fetcher: Fetcher
    parsing: Parsing
    assembler: Assembler
    decider: Decider
    committer: Committer
    folds: Folds
    watch: Watches
    ownership: Ownership
    raws: ByteQueue[Raw | Recovery]
    decided: ByteQueue[Batch]
    switch: Switch


class Worker:
    """Runs until stopped, or, with ``drained``, until everything below the log's end at the start is decided and
    folded.
    """

    def __init__(self, parts: Parts, drained: Drained | None = None) -> None:
        self._p = parts
        self._drained = drained
        self._lag_told_s = -LAG_EVERY_S
        self._deciding = threading.Event()
        self._committed = threading.Event()
        self._committed.set()

    def run(self, partitions: frozenset[int] | None) -> None:
        """Blocks. Raises the first error of any thread, after the others have stopped."""
        threads = [
            threading.Thread(target=self._guard, args=(body,), name=name, daemon=True)
            for name, body in (
                ("fetching", lambda: self._fetch(partitions)),
                ("deciding", self._decide),
                ("committing", self._commit),
                ("folding", self._fold),
            )
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._p.parsing.close()
        self._p.committer.close()
        if self._p.switch.error is not None:
            raise self._p.switch.error
        self._p.decider.keep()
        if self._drained is not None:
            self._p.folds.finish()

    def stop(self) -> None:
        """Graceful: what is in a commit finishes, the rest is dropped and read again by the next owner."""
        self._p.switch.turn_off()

    def _guard(self, body: Callable[[], None]) -> None:
        try:
            body()
        except Stopping:
            pass
        except BaseException as error:  # noqa: BLE001 - whatever ends one thread ends the worker, which raises it
            self._p.switch.turn_off(error)

    def _fetch(self, partitions: frozenset[int] | None) -> None:
        try:
            self._p.fetcher.start(partitions)
            while not self._p.switch.is_off:
                self._p.fetcher.run_once()
                self._tell_lag()
                # never before the first barrier: what it finds wrong would come too late to be heard
                if self._drained is not None and self._deciding.is_set() and self._drained.check():
                    self._p.switch.turn_off()
        finally:
            with suppress(Exception):
                self._p.reader.close()

    def _tell_lag(self) -> None:
        """Every now and then: that the log is still the one it was, also where nothing comes from it any more (raises
        ``UnsafeLog``); and the lag, for people and monitors: nothing rests on these numbers.
        """
        if time.monotonic() - self._lag_told_s < LAG_EVERY_S:
            return
        self._lag_told_s = time.monotonic()
        done = self._p.ownership.committed_through()
        try:
            self._p.reader.identity()
            ends = self._p.reader.end_offsets()
        except Unavailable:
            return
        self._p.watch.lag({p: max(0, ends.get(p, 0) - 1 - last) for p, last in done.items()})
        self._p.reader.commit_for_monitors({p: last + 1 for p, last in done.items()})

    def _decide(self) -> None:
        self._p.decider.start()
        self._deciding.set()
        while True:
            self._decide_next()

    def _decide_next(self) -> None:
        assembler = self._p.assembler
        item = None if assembler.has_pending else self._p.raws.get()
        while isinstance(item, Raw):
            assembler.add(item)
            item = self._p.raws.get_nowait(is_ready) if assembler.wants_more else None
        if assembler.has_pending and (batch := assembler.batch()) is not None:
            self._pass_on(batch)
        if isinstance(item, Recovery):
            self._pass_on(assembler.recovered(item))

    def _pass_on(self, batch: Batch) -> None:
        self._p.committer.begin(Step.CATALOG, batch)
        self._wait_for_the_committer()
        started = time.monotonic()
        batch = self._p.decider.decided(batch)
        self._p.watch.batch_decided(batch, time.monotonic() - started)
        self._p.committer.begin(Step.DECISIONS, batch)
        self._p.decided.put(batch, batch.nbytes)

    def _wait_for_the_committer(self) -> None:
        """A batch decided early only waits, and grows old: a no that comes meanwhile would wait behind it. Deciding and
        committing together are half of what the other threads do meanwhile, so that nothing is lost by it.
        """
        while not self._committed.wait(WAIT_S):
            self._p.switch.check()
        self._committed.clear()

    def _commit(self) -> None:
        while True:
            batch = self._p.decided.get()
            if batch is not None:
                self._commit_one(batch)
                self._committed.set()

    def _commit_one(self, batch: Batch) -> None:
        started = time.monotonic()
        committed, version = self._p.committer.commit(batch)
        if version is not None:
            dropped = len(batch.slices) - len(committed.slices)
            self._p.watch.batch_committed(committed, time.monotonic() - started, dropped)
            self._p.folds.hand(committed, version)
        if committed.slices:
            self._p.ownership.committed(committed.slices)

    def _fold(self) -> None:
        while not self._p.switch.is_off:
            if not self._p.folds.run_once():
                time.sleep(IDLE_S)

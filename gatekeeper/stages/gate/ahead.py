"""Data files written before their turn, while the batch is decided or an earlier step is committed.

Nobody sees a file until a log entry names it, so only the entries need the order of the steps. A file begun for a batch
that has changed since (a slice dropped, decided again) is left behind, as after a crash, and the rows are written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from gatekeeper.stages.gate.values import Batch, Step

THREADS = 2
"""The catalogue's file of a batch and the decisions' of the one before it."""


class Writes(Protocol):
    """Step 1 of 2 of a commit; touches nothing of a loaded version, so any thread may do it."""

    def write(self, rows: pa.Table) -> Sequence[Any]: ...


@dataclass(frozen=True)
class _Begun:
    batch: Batch
    files: Future[Sequence[Any]]


class Ahead:
    """``rows`` says what a step writes of a batch. ``begin`` is for one thread and the rest for another."""

    def __init__(self, tables: Mapping[Step, Writes], rows: Callable[[Step, Batch], pa.Table]) -> None:
        self._tables = tables
        self._rows = rows
        self._begun: dict[tuple[Step, str], _Begun] = {}
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="writing")

    def begin(self, step: Step, batch: Batch) -> None:
        """Start to write what the step will commit of the batch as it is now."""
        self._begun[step, batch.id] = _Begun(batch, self._pool.submit(self._write, step, batch))

    def files(self, step: Step, batch: Batch) -> Sequence[Any]:
        """The step's files of the batch as it is now: those begun, else written here. Raises ``Unavailable``."""
        begun = self._begun.pop((step, batch.id), None)
        if begun is None:
            return self._write(step, batch)
        files = begun.files.result()
        return files if _writes_the_same(step, begun.batch, batch) else self._write(step, batch)

    def forget(self, batch_id: str) -> None:
        """Let go of what was begun for the batch and never asked for."""
        for step in Step:
            self._begun.pop((step, batch_id), None)

    def close(self) -> None:
        """What has not begun never does; what is under way is waited for."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _write(self, step: Step, batch: Batch) -> Sequence[Any]:
        return self._tables[step].write(self._rows(step, batch))


def _writes_the_same(step: Step, one: Batch, other: Batch) -> bool:
    return one.slices == other.slices and (step is not Step.DECISIONS or one.decisions is other.decisions)

"""Which file of a dataset table may hold an asset: sorted hashes in memory, twelve bytes for each row of the table.

Rules of this file: it answers "may", never "does": a hit is confirmed by comparing ids in the file itself, a miss is
certain. Files are only added whole and dropped whole, as a Delta log adds and removes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gatekeeper.core.asset_hash import Hashes

FileNumbers = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Run:
    hashes: Hashes
    files: FileNumbers


@dataclass(slots=True)
class AssetIndex:
    """Runs of (hash, file), each sorted by hash and at least twice as long as the next, so that there are few."""

    _runs: list[_Run] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _rows: dict[str, int] = field(default_factory=dict)
    _next: int = 0
    _dead_rows: int = 0

    @property
    def paths(self) -> frozenset[str]:
        """The files the index knows."""
        return frozenset(self._numbers)

    def add(self, files: Mapping[str, Hashes]) -> None:
        """Files and the hashes of their asset ids, in any order. Raises ``ValueError`` for a file it already has."""
        if known := self._numbers.keys() & files.keys():
            raise ValueError(f"{min(known)} is in the index already")
        numbers = np.arange(self._next, self._next + len(files), dtype=np.int32)
        self._next += len(files)
        self._numbers.update(zip(files, numbers.tolist(), strict=True))
        self._rows.update((path, len(hashes)) for path, hashes in files.items())
        if files:
            joined = np.concatenate(list(files.values()))
            order = np.argsort(joined, kind="stable")  # quick where each file's are sorted already
            of = np.repeat(numbers, [len(hashes) for hashes in files.values()])
            self._runs.append(_Run(joined[order], of[order]))
            self._keep_runs_few()

    def drop(self, path: str) -> None:
        """A file that the table no longer has."""
        del self._numbers[path]
        self._dead_rows += self._rows.pop(path)
        if self._dead_rows > sum(self._rows.values()):
            self._runs = [live for run in self._runs if len((live := self._live(run)).hashes)]
            self._dead_rows = 0

    def find(self, hashes: Hashes) -> dict[str, Rows]:
        """For each file that may hold one of the n assets: which of them, as positions in ``hashes``."""
        order = np.argsort(hashes)
        wanted = hashes[order]
        asked: list[Rows] = []
        found: list[FileNumbers] = []
        for run in self._runs:
            first, end = np.searchsorted(run.hashes, wanted, "left"), np.searchsorted(run.hashes, wanted, "right")
            hit = np.flatnonzero(end > first)
            for place in range(int((end - first)[hit].max(initial=0))):
                here = hit[first[hit] + place < end[hit]]
                asked.append(order[here])
                found.append(run.files[first[here] + place])
        if not asked:
            return {}
        rows, numbers = np.concatenate(asked), np.concatenate(found)
        paths = {number: path for path, number in self._numbers.items()}
        return {paths[n]: np.sort(rows[numbers == n]) for n in np.unique(numbers).tolist() if n in paths}

    def _keep_runs_few(self) -> None:
        while len(self._runs) > 1 and len(self._runs[-2].hashes) < 2 * len(self._runs[-1].hashes):
            later, earlier = self._runs.pop(), self._runs.pop()
            merged = self._live(
                _Run(np.concatenate([earlier.hashes, later.hashes]), np.concatenate([earlier.files, later.files]))
            )
            order = np.argsort(merged.hashes, kind="stable")
            self._runs.append(_Run(merged.hashes[order], merged.files[order]))

    def _live(self, run: _Run) -> _Run:
        alive = np.zeros(self._next, np.bool_)
        alive[list(self._numbers.values())] = True
        keep = alive[run.files]
        return run if keep.all() else _Run(run.hashes[keep], run.files[keep])

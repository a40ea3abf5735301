"""Which file of a dataset table may hold an asset: sorted hashes in memory, twelve bytes for each row of the table.

Rules of this file: it answers "may", never "does": a hit is confirmed by comparing ids in the file itself, a miss is
certain. Files are only added whole and dropped whole, as a Delta log adds and removes them.
"""

from __future__ import annotations

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

    def add(self, path: str, hashes: Hashes) -> None:
        """A file and the hashes of its asset ids, in any order. Raises ``ValueError`` for a file it already has."""
        if path in self._numbers:
            raise ValueError(f"{path} is in the index already")
        number, self._next = self._next, self._next + 1
        self._numbers[path], self._rows[path] = number, len(hashes)
        self._runs.append(_Run(np.sort(hashes), np.full(len(hashes), number, np.int32)))
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

"""The fold beside the worker: dataset tables follow the decisions that were just committed, without reading them
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.asset_hash import Hashes, asset_hash
from gatekeeper.core.fold import Handed
from gatekeeper.stages.fold import Folder
from gatekeeper.stages.gate.committing import of_partitions
from gatekeeper.stages.gate.queues import ByteQueue, Switch
from gatekeeper.stages.gate.values import Batch


@dataclass(frozen=True)
class _Version:
    """One committed version of ``decisions``: the decided events, and for each dataset which of them are permitted."""

    version: int
    content: pa.Table
    permits: dict[str, np.ndarray]
    rights_position: int

    @cached_property
    def hashes(self) -> Hashes:
        """Of the asset ids, for every dataset alike."""
        return asset_hash(self.content["asset_id"])


@dataclass(frozen=True)
class Tables:
    """The dataset tables: which exist, and the folder of one, which makes it where it does not."""

    existing: Callable[[], frozenset[str]]
    folder: Callable[[str], Folder]
    folded: Callable[[str, int], None]


class Folding:
    """``prepare`` and ``hand`` are for the deciding and committing threads, the rest belongs to the folding thread."""

    def __init__(self, outside: Tables, bytes_max: int, switch: Switch) -> None:
        self._outside = outside
        self._folders: dict[str, Folder] = {}
        self._retired: dict[str, Folder] = {}
        self._declared: frozenset[str] = frozenset()
        self._handed: ByteQueue[_Version] = ByteQueue(bytes_max, switch)

    def prepare(self, datasets: Iterable[str]) -> None:
        """Dataset tables exist before the first decision for them is committed, so that they see it."""
        declared = frozenset(datasets)
        if declared != self._declared:
            self._folders = {name: self._folders.get(name) or self._outside.folder(name) for name in sorted(declared)}
            self._retired = {name: self._outside.folder(name) for name in sorted(self._outside.existing() - declared)}
            self._declared = declared

    def hand(self, batch: Batch, version: int) -> None:
        """Take a committed batch; waits while too much is waiting to be folded."""
        handed = handed_of(batch, version)
        self._handed.put(handed, handed.content.nbytes)

    def run_once(self) -> bool:
        """Take what was handed, fold what is due; False when there was nothing to do."""
        self._empty_retired()
        version = self._handed.get_nowait()
        folded = [self._step(name, folder, version) for name, folder in self._folders.items()]
        return version is not None or any(folded)

    def finish(self) -> None:
        """Fold everything there is: first what was handed over, then, one thread a dataset, what must be read back."""
        self._empty_retired()
        while (version := self._handed.get_nowait()) is not None:
            for name, folder in self._folders.items():
                self._step(name, folder, version)
        with ThreadPoolExecutor(max_workers=max(1, len(self._folders))) as threads:
            for done in [threads.submit(folder.catch_up) for folder in self._folders.values()]:
                done.result()

    def _empty_retired(self) -> None:
        retired, self._retired = self._retired, {}
        for folder in retired.values():
            folder.empty(folder.read_back.newest())

    def _step(self, name: str, folder: Folder, version: _Version | None) -> bool:
        done = folder.step(self._handed_to(name, version))
        if done is not None:
            self._outside.folded(name, done.through)
        return done is not None

    def _handed_to(self, name: str, version: _Version | None) -> Handed | None:
        if version is None:
            return None
        permit = version.permits.get(name, np.zeros(0, dtype=bool))
        # a version that decided nothing for the dataset is handed empty: undecided is not denied
        content = version.content.slice(0, len(permit))
        positions = np.full(len(permit), version.rights_position, dtype=np.int64)
        return Handed(version.version, content, permit, positions, version.hashes[: len(permit)])


def handed_of(batch: Batch, version: int) -> _Version:
    """A batch's decisions stand dataset by dataset, each in the order of its events."""
    assert batch.decisions is not None
    assert batch.moment is not None
    partitions = [s.partition for s in batch.slices]
    content, decisions = of_partitions(batch.valid, partitions), of_partitions(batch.decisions, partitions)
    count = content.num_rows
    permits: dict[str, np.ndarray] = {}
    for start in range(0, decisions.num_rows, max(count, 1)):
        of_dataset = decisions.slice(start, count)
        is_permit = pc.equal(of_dataset["verdict"].cast(pa.string()), "permit")
        permits[of_dataset["dataset"][0].as_py()] = is_permit.to_numpy()
    return _Version(version, content, permits, batch.moment.position)

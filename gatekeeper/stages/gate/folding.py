"""The fold beside the worker: dataset tables follow the decisions that were just committed, without reading them
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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


class Folding:
    """``prepare`` and ``hand`` are for the deciding and committing threads, the rest belongs to the folding thread."""

    def __init__(self, folder_of: Callable[[str], Folder], bytes_max: int, switch: Switch) -> None:
        self._folder_of = folder_of
        self._folders: dict[str, Folder] = {}
        self._handed: ByteQueue[_Version] = ByteQueue(bytes_max, switch)

    def prepare(self, datasets: Iterable[str]) -> None:
        """Dataset tables exist before the first decision for them is committed, so that they see it."""
        for name in datasets:
            if name not in self._folders:
                self._folders = {**self._folders, name: self._folder_of(name)}

    def hand(self, batch: Batch, version: int) -> None:
        """Take a committed batch; waits while too much is waiting to be folded."""
        handed = handed_of(batch, version)
        self._handed.put(handed, handed.content.nbytes)

    def run_once(self) -> bool:
        """Take what was handed, fold what is due; False when there was nothing to do."""
        version = self._handed.get_nowait()
        folded = [self._step(name, folder, version) for name, folder in self._folders.items()]
        return version is not None or any(folded)

    def finish(self) -> None:
        """Fold everything there is."""
        for folder in self._folders.values():
            folder.catch_up()

    def _step(self, name: str, folder: Folder, version: _Version | None) -> bool:
        if version is None:
            return folder.step() is not None
        permit = version.permits.get(name, np.zeros(version.content.num_rows, dtype=bool))
        positions = np.full(len(permit), version.rights_position, dtype=np.int64)
        return folder.step(Handed(version.version, version.content, permit, positions)) is not None


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

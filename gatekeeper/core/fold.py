"""The fold as a function: decisions in commit order → what a dataset gains, replaces and loses (design §5, "Fold").

Rules of this file: the last decision of an asset in commit order, then offset, is the truth; a permit's row is the
payload of the very event that was permitted; whatever was touched leaves the table, and only permits (re-)enter it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gatekeeper.core.asset_hash import Hashes
from gatekeeper.core.tables import DATASET_SCHEMA

PAYLOAD_COLUMNS = tuple(name for name in DATASET_SCHEMA.names if name != "rights_position")
"""What a dataset row takes from the catalog event; the rest comes from the decision."""

Integers = npt.NDArray[np.int64]

NO_ROW = -1

PERMITS_MIN = 0.5
"""With fewer permits than this share the payload of the others is let go at once; with more, copying the permits would
cost more than holding on to the rest until the fold."""


@dataclass(frozen=True)
class Handed:
    """One version of ``decisions`` as its writer still holds it, for one dataset: n decided events in offset order.

    ``content`` has n rows and at least ``PAYLOAD_COLUMNS``; ``permit`` is n booleans, ``rights_position`` n integers,
    ``hashes`` the n hashes of its asset ids (datasets share them).
    An event that was not decided for the dataset is not among them: a version without any is handed with n = 0.
    """

    version: int
    content: pa.Table
    permit: npt.NDArray[np.bool_]
    rights_position: Integers
    hashes: Hashes


@dataclass(frozen=True)
class Batch:
    """Decisions of versions ``(after, through]`` for one dataset, in commit order, then offset.

    ``asset_id`` and its ``hashes`` have an entry for each decision; ``row`` is a permit's place in ``rows``, or
    ``NO_ROW``.
    """

    after: int
    through: int
    asset_id: pa.ChunkedArray
    hashes: Hashes
    row: Integers
    rows: pa.Table

    @cached_property
    def bytes(self) -> int:
        """Memory held, about."""
        return int(self.rows.get_total_buffer_size() + self.asset_id.get_total_buffer_size() + self.row.nbytes)


def batch_of(handed: Handed) -> Batch:
    """What the fold keeps of a handed version: all asset ids, and the payload of the permits."""
    permit = handed.permit
    positions = pa.array(handed.rights_position, pa.int64())
    rows = handed.content.select(PAYLOAD_COLUMNS).append_column("rights_position", positions).cast(DATASET_SCHEMA)
    places = np.arange(len(permit))
    if permit.sum() < PERMITS_MIN * len(permit):
        rows, places = rows.filter(pa.array(permit)), np.cumsum(permit) - 1
    row = np.where(permit, places, NO_ROW)
    return Batch(handed.version - 1, handed.version, handed.content["asset_id"], handed.hashes, row, rows)


def commit_order(version: Integers, partition: Integers, offset: Integers) -> Integers:
    """The order of decisions: by version, then offset; the partition makes it total for an asset that is in two."""
    return np.lexsort((partition, offset, version))


def last_of_each(asset_id: pa.ChunkedArray) -> Integers:
    """Decisions in order → the places of each asset's last one, ascending."""
    codes = asset_id.combine_chunks().dictionary_encode()
    last = np.empty(len(codes.dictionary), np.int64)
    last[codes.indices.to_numpy()] = np.arange(len(codes))  # of equal indices the last assignment stands (numpy)
    return np.sort(last)


def net(batches: Sequence[Batch]) -> pa.Table:
    """Batches in commit order, each beginning where the one before ended → the rows that enter, an asset at most once.

    Every asset of the batches leaves the table before, whether it enters again or not. Raises ``ValueError`` when a
    version is missing between two batches: a gap could hide a no.
    """
    for one, following in pairwise(batches):
        if one.through != following.after:
            raise ValueError(f"decisions {one.through + 1} to {following.after} are missing")
    winners = last_of_each(pa.chunked_array([c for b in batches for c in b.asset_id.chunks], pa.string()))
    starts = np.cumsum([0, *(len(b.row) for b in batches)])
    cuts = np.searchsorted(winners, starts)
    entering = [_winning_rows(b, winners[cuts[i] : cuts[i + 1]] - starts[i]) for i, b in enumerate(batches)]
    return pa.concat_tables([DATASET_SCHEMA.empty_table(), *entering])


def _winning_rows(batch: Batch, winners: Integers) -> pa.Table:
    row = batch.row[winners]
    row = row[row != NO_ROW]
    if len(row) == batch.rows.num_rows:
        return batch.rows
    return batch.rows.take(pa.array(np.sort(row)))


@dataclass(frozen=True)
class FoldLimits:
    """When to fold, and how much at once."""

    lag_min_s: float = 1.0
    """Younger decisions wait: a commit and a file for each batch of the gate would be too many."""
    lag_max_s: float = 5.0
    """Older ones are folded although much is rewritten for few replaced rows, as long as ``share_max`` allows it."""
    share_max: float = 0.05
    """The largest share of time one dataset may spend on such early rewriting; the lag grows with the table instead."""
    rewritten_per_row_max: float = 0.25
    """Rewriting at most this many rows of the table for each waiting decision is cheap enough to do at once."""
    pending_bytes_max: int = 256 * 1024 * 1024
    """More payload than this is never held back."""
    read_rows_max: int = 500_000
    """Decisions read back from the table in one step, about."""
    file_rows_max: int = 131_072
    """A file is rewritten as a whole for one removed asset: larger ones make a takedown dear, smaller ones a scan."""
    small_files_max: int = 16
    """So many files under a quarter of that size are merged into one."""


@dataclass(frozen=True)
class Waiting:
    """What is not folded yet. ``rewritten_rows`` counts the table's rows in files that hold an asset decided anew."""

    decisions: int
    versions: int
    bytes: int
    rewritten_rows: int
    age_s: float
    last_step_s: float


def due(waiting: Waiting, limits: FoldLimits) -> bool:
    """Whether to fold now. Waiting makes one rewriting serve more decisions; only time and memory force it."""
    if waiting.versions == 0:
        return False
    if waiting.bytes > limits.pending_bytes_max:
        return True
    if waiting.age_s < limits.lag_min_s:
        return False
    if waiting.rewritten_rows <= limits.rewritten_per_row_max * waiting.decisions:
        return True
    return waiting.age_s >= max(limits.lag_max_s, waiting.last_step_s / limits.share_max)

"""Which events a removal covers (design §4): the removal itself, and any later event of that asset whose ``time`` is
not later.

Events of one asset are looked at in order of offset. Of several removals the one with the greatest time covers; of
equal times, the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

REMOVED = "content.removed"

Removal = tuple[int, int]
"""(time in microseconds, offset) of the removal that covers."""


class Removals:
    """The removals of one partition, by asset. Memory: one entry per asset ever removed."""

    def __init__(self, known: Mapping[str, Removal] | None = None) -> None:
        self._of: dict[str, Removal] = dict(known or {})

    def covering(self, events: pa.RecordBatch | pa.Table) -> pa.Array:
        """Take events in order of offset → int64 offsets of the removal that covers each, null where none does."""
        removed = pc.equal(events["type"], REMOVED)
        if not self._of and not pc.any(removed).as_py():
            return pa.nulls(events.num_rows, pa.int64())
        times = _microseconds(events["time"])
        offsets = events["offset"].to_numpy(zero_copy_only=False)
        flags = removed.to_numpy(zero_copy_only=False)
        return self._walk(events["asset_id"].to_pylist(), times, offsets, flags)

    def _walk(self, assets: list[str], times: np.ndarray, offsets: np.ndarray, removed: np.ndarray) -> pa.Array:
        known = self._of
        here = {assets[i] for i in np.flatnonzero(removed)}
        covered: list[int | None] = [None] * len(assets)
        concerned = (i for i, asset in enumerate(assets) if asset in here or asset in known)
        for i in concerned:
            covered[i] = self._take(assets[i], int(times[i]), int(offsets[i]), bool(removed[i]))
        return pa.array(covered, pa.int64())

    def _take(self, asset: str, time_us: int, offset: int, is_removal: bool) -> int | None:
        before = self._of.get(asset)
        if is_removal:
            if before is None or time_us > before[0]:
                self._of[asset] = (time_us, offset)
            return offset
        return before[1] if before is not None and time_us <= before[0] else None


def removals_of(rows: Iterable[tuple[str, int, int]]) -> dict[str, Removal]:
    """(asset, time_us, offset) of removal events in order of offset → the covering removal of each asset."""
    known: dict[str, Removal] = {}
    for asset, time_us, offset in rows:
        if asset not in known or time_us > known[asset][0]:
            known[asset] = (time_us, offset)
    return known


def _microseconds(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    instants: np.ndarray = pc.cast(column, pa.int64()).to_numpy(zero_copy_only=False)
    return instants

"""When a drain is done: everything below the content log's end, as it stood at the start, is decided and committed.

Our own partitions we know; of the partitions of other workers the tables tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gatekeeper.ports import ContentReader
from gatekeeper.stages.gate.committing import TableHandle
from gatekeeper.stages.gate.ownership import Ownership


class Drained:
    """Belongs to the fetching thread. ``ends``: partition → position after the last record there was.

    ``is_gap(partition, start, end)`` looks into the log: whether no record that can be read stands in [start, end).
    """

    def __init__(
        self,
        reader: ContentReader,
        ownership: Ownership,
        decisions: TableHandle,
        app_id: Callable[[int], str],
        ends: Mapping[int, int],
        is_gap: Callable[[int, int, int], bool],
    ) -> None:
        self._reader = reader
        self._ownership = ownership
        self._decisions = decisions
        self._app_id = app_id
        self._ends = ends
        self._is_gap = is_gap

    def check(self) -> bool:
        owned = self._ownership.owned()
        if not all(self._own_done(p) for p in self._ends if p in owned):
            return False
        others = [p for p in self._ends if p not in owned]
        if not others:
            return True
        self._decisions.refresh()
        return all(self._other_done(p) for p in others)

    def _other_done(self, partition: int) -> bool:
        """Another worker's partition: decided through its last record. A transaction's end marker is no record."""
        decided, end = self._decisions.txn(self._app_id(partition)), self._ends[partition]
        return decided >= end - 1 or self._is_gap(partition, decided + 1, end)

    def _own_done(self, partition: int) -> bool:
        position, end = self._reader.position(partition), self._ends[partition]
        return position is not None and position >= end and self._ownership.is_settled(partition, end - 1)

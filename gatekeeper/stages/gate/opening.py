"""Opening a partition: where its tables stand, what the last owner left half done, where to go on (design §5,
"Assignment").

Always ``dead_letters`` ≥ ``catalog`` ≥ ``decisions``. What lies between the first two is read again from the log,
without
what is already a dead letter; what lies between the last two is decided from the catalogue, never read again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.commits import CommitMetadata
from gatekeeper.core.removals import REMOVED, Removals, removals_of
from gatekeeper.errors import UnsafeLog
from gatekeeper.stages.gate.assembling import with_stream_columns
from gatekeeper.stages.gate.committing import TableHandle
from gatekeeper.stages.gate.ownership import Chain, Ownership
from gatekeeper.stages.gate.values import Recovery, Slice, Step

DATED_VERSIONS_MAX = 1000
"""So many log entries are read, newest first, for the instants to go on from."""


class ReadableTable(TableHandle, Protocol):
    def metadata_of(self, version: int) -> CommitMetadata | None: ...
    def read_range(self, partition: int, after: int, through: int, columns: list[str] | None = None) -> pa.Table:
        """Rows of the partition with offsets in (after, through], in order of offset."""


class Opening:
    """Belongs to the fetching thread, with handles of its own."""

    def __init__(
        self,
        tables: Mapping[Step, ReadableTable],
        ownership: Ownership,
        app_id: Callable[[int], str],
        not_before: Callable[[int], None],
    ) -> None:
        self._tables = tables
        self._ownership = ownership
        self._app_id = app_id
        self._not_before = not_before

    def open(self, partitions: frozenset[int]) -> tuple[Mapping[int, int], list[Recovery]]:
        """Partitions → the next offset to read of each, and what the catalogue holds undecided. Opens their chains."""
        for step in reversed(Step):
            self._tables[step].refresh()
        self._date(partitions)
        positions: dict[int, int] = {}
        recoveries: list[Recovery] = []
        for partition in sorted(partitions):
            chain, recovery = self._open(partition)
            self._ownership.open(partition, chain)
            positions[partition] = chain.last + 1
            recoveries += [recovery] if recovery else []
        return positions, recoveries

    def _date(self, partitions: frozenset[int]) -> None:
        """Go on from the instant of the last decisions on each of these, whatever the clock of this machine says.

        The newest version may be of other partitions, or claim nothing (a compaction): the claims are further back. A
        partition without one among so many versions has been idle for longer than clocks differ.
        """
        table = self._tables[Step.DECISIONS]
        undated = {partition for partition in partitions if table.txn(self._app_id(partition)) >= 0}
        for version in range(table.version, max(-1, table.version - DATED_VERSIONS_MAX), -1):
            if not undated:
                return
            made = table.metadata_of(version)
            for claim in made.slices if made is not None else ():
                if claim.partition in undated:
                    self._not_before(claim.instant_us)
                    undated.discard(claim.partition)

    def _open(self, partition: int) -> tuple[Chain, Recovery | None]:
        dead, catalog, decided = (self._tables[step].txn(self._app_id(partition)) for step in Step)
        if not dead >= catalog >= decided:
            raise UnsafeLog(
                f"partition {partition}: dead_letters stand at {dead}, catalog at {catalog}, decisions at {decided}",
                "the tables come from different times; restore them together",
            )
        removals = Removals(self._removals(partition, decided))
        chain = Chain(
            epoch=self._ownership.next_epoch(),
            last=catalog,
            removals=removals,
            recorded_through=dead,
            recorded_dead=self._recorded(partition, catalog, dead),
            fetched=catalog,
            committed=decided,
        )
        if decided == catalog:
            return chain, None
        undecided = Slice(partition, decided, catalog, chain.epoch, steps_done=2)
        rows = self._tables[Step.CATALOG].read_range(partition, decided, catalog)
        return chain, Recovery(undecided, with_stream_columns(rows, removals.covering(rows)))

    def _removals(self, partition: int, through: int) -> dict[str, tuple[int, int]]:
        if through < 0:
            return {}
        rows = self._tables[Step.CATALOG].read_range(
            partition, -1, through, ["partition", "offset", "type", "asset_id", "time"]
        )
        rows = rows.filter(pc.equal(rows["type"], REMOVED))
        times = pc.cast(rows["time"], pa.int64()).to_pylist()
        return removals_of(zip(rows["asset_id"].to_pylist(), times, rows["offset"].to_pylist(), strict=True))

    def _recorded(self, partition: int, catalog: int, dead: int) -> frozenset[int]:
        if dead == catalog:
            return frozenset()
        rows = self._tables[Step.DEAD_LETTERS].read_range(partition, catalog, dead, ["partition", "offset"])
        return frozenset(rows["offset"].to_pylist())

"""The fetching thread: poll the content log, open and close partitions as they come and go, keep within the byte bound.

Positions come from the tables, never from the consumer group (design §5, "Assignment").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gatekeeper.ports import ContentReader
from gatekeeper.stages.gate.ownership import Ownership
from gatekeeper.stages.gate.parsing import Parsing
from gatekeeper.stages.gate.patience import Patience
from gatekeeper.stages.gate.queues import ByteQueue
from gatekeeper.stages.gate.values import Raw, Recovery

POLL_S = 0.1


class Opens(Protocol):
    def open(self, partitions: frozenset[int]) -> tuple[Mapping[int, int], list[Recovery]]:
        """Partitions → the next offset to read of each, and what the catalogue holds undecided."""


class Fetcher:
    """Belongs to the fetching thread, with the content reader."""

    def __init__(
        self,
        reader: ContentReader,
        opening: Opens,
        ownership: Ownership,
        parsing: Parsing,
        raws: ByteQueue[Raw | Recovery],
        patience: Patience,
    ) -> None:
        self._reader = reader
        self._opening = opening
        self._ownership = ownership
        self._parsing = parsing
        self._raws = raws
        self._patience = patience
        self._paused: bool | None = False
        """None: some partitions may be paused and others not, after an assignment."""

    def start(self, partitions: frozenset[int] | None) -> None:
        """Take these partitions, or (None) join the consumer group and take what it gives."""
        if partitions is None:
            self._reader.subscribe(self._assigned, self._revoked)
        else:
            self._reader.assign(self._assigned(partitions))

    def run_once(self) -> None:
        self._reopen_lost()
        self._hold_back()
        for fetched in self._patience.of(lambda: self._reader.poll(POLL_S)):
            for block in fetched.parts(self._parsing.rows_max):
                epoch = self._ownership.fetched(block.partition, int(block.offsets[-1]))
                if epoch is not None:
                    self._raws.put(self._parsing.begin(block, epoch), block.bytes_total)

    def _assigned(self, partitions: frozenset[int]) -> Mapping[int, int]:
        self._paused = None
        positions, recoveries = self._opening.open(partitions)
        for recovery in recoveries:
            self._raws.put(recovery, recovery.valid.nbytes)
        return positions

    def _revoked(self, partitions: frozenset[int]) -> None:
        self._ownership.revoke(partitions)

    def _reopen_lost(self) -> None:
        if lost := self._ownership.take_lost():
            self._reader.seek(self._assigned(lost))

    def _hold_back(self) -> None:
        """Back-pressure: keep polling (a group expels who does not), but fetch nothing while the queue is full."""
        if (full := self._raws.is_full) is self._paused:
            return
        change = self._reader.pause if full else self._reader.resume
        change(self._ownership.owned())
        self._paused = full

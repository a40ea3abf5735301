"""The outside world as the stages see it: values and protocols, no vendor, no code that decides.

Logs (design §2, §5). A position is the offset of the next record: "at N" means every record with an offset below N.
Offsets may have gaps (control records, aborted transactions): a gap is no loss. A reader or writer belongs to one
thread. Every method may raise ``Unavailable`` (wait or repair, then call again: nothing was skipped) and ``UnsafeLog``
(the log broke a promise; stop). An offset out of range is ``UnsafeLog``: no reader ever jumps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class TopicIdentity:
    """Which log this is. ``topic_id`` changes when a topic is deleted and made anew; ``partitions`` is a count."""

    cluster_id: str
    topic: str
    topic_id: str
    partitions: int


@dataclass(frozen=True, slots=True, eq=False)
class ContentBlock:
    """Records of one partition in ascending offset order, as columns of equal length n ≥ 1.

    ``offsets`` int64; ``keys`` and ``values`` are binary arrays of the original bytes, nulls kept. ``keys`` is None
    where the log has no keys (JSONL). ``bytes_total`` counts key and value bytes, for back-pressure.
    """

    topic: str
    partition: int
    offsets: npt.NDArray[np.int64]
    keys: pa.BinaryArray | None
    values: pa.BinaryArray
    bytes_total: int

    def __len__(self) -> int:
        return len(self.offsets)

    def parts(self, rows_max: int) -> Iterator[ContentBlock]:
        """The same records in blocks of at most so many, in order; bytes are shared, ``bytes_total`` is divided."""
        for start in range(0, len(self), rows_max):
            stop = min(start + rows_max, len(self))
            keys = None if self.keys is None else self.keys[start:stop]
            share = self.bytes_total * (stop - start) // len(self)
            yield ContentBlock(
                self.topic, self.partition, self.offsets[start:stop], keys, self.values[start:stop], share
            )


class RightsRecord(NamedTuple):
    """One record of the rights log. ``arrived_us`` is the broker's append time, None where the log keeps none."""

    position: int
    value: bytes | None
    arrived_us: int | None


class Appended(NamedTuple):
    """What an append put into one partition: offsets of its first and last record (others may lie between)."""

    partition: int
    first: int
    last: int
    events: int


OnAssigned = Callable[[frozenset[int]], Mapping[int, int]]
"""Partitions now ours → the next offset to read of each, from the tables. Runs inside ``poll``, may take long."""
OnRevoked = Callable[[frozenset[int]], None]
"""Partitions no longer ours. Runs while ``poll`` or ``close`` waits, perhaps on another thread: finish or drop, be
short, do not call the reader; commit nothing for them after it returns."""


class ContentReader(Protocol):
    """The content log, read committed. Positions come from the caller, never from a consumer group's offsets."""

    def identity(self) -> TopicIdentity: ...  # read anew; UnsafeLog when it is not the one this was opened on
    def subscribe(self, on_assigned: OnAssigned, on_revoked: OnRevoked) -> None: ...
    def assign(self, positions: Mapping[int, int]) -> None:
        """Without a group: exactly these partitions, each from its next offset. Replaces what was assigned."""

    def seek(self, positions: Mapping[int, int]) -> None:
        """Read these partitions again from their next offsets; those not ours are passed over, the rest goes on."""

    def poll(self, timeout_s: float) -> list[ContentBlock]:
        """What has arrived, at once or after at most about ``timeout_s``, known to come from the pinned topic."""

    def pause(self, partitions: Iterable[int]) -> None: ...
    def resume(self, partitions: Iterable[int]) -> None: ...
    def begin_offsets(self) -> dict[int, int]: ...
    def end_offsets(self) -> dict[int, int]: ...  # after the last record that can be read now
    def position(self, partition: int) -> int | None:
        """The next offset that ``poll`` would return; None where the partition is not (or no longer) ours."""

    def commit_for_monitors(self, positions: Mapping[int, int]) -> None: ...  # best effort, never raises
    def close(self) -> None: ...


class RightsReader(Protocol):
    """The rights log, on connections of its own and in no group."""

    def identity(self) -> TopicIdentity: ...
    def check(self, development: bool) -> None:
        """Raises UnsafeLog, with the command that mends it, unless the log keeps the promises of design §5."""

    def end(self) -> int:
        """The high watermark: every acknowledged record lies below it. UnsafeLog when it ever falls."""

    def stable_end(self) -> int: ...
    def read(self, from_position: int, to_position: int) -> list[RightsRecord]:
        """All committed records in [from, to); Unavailable when an open transaction hides part of it for too long."""

    def close(self) -> None: ...


class LogWriter(Protocol):
    def append(self, events: Iterable[tuple[bytes | None, bytes]]) -> list[Appended]:
        """(key, value) pairs, durable when it returns. On an error those before it may have been appended."""

    def close(self) -> None: ...

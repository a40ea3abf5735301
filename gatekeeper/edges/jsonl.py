"""The logs of an embedded workspace: the readers of ``gatekeeper.ports`` over append-only files of JSON lines.

The offset is the line number from 0; there is one partition, there are no keys and no arrival times. One gate works in
a workspace at a time (``workspace_lock``), so a subscription gets partition 0 at its first poll and keeps it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from gatekeeper.edges.jsonl_identity import identity_of
from gatekeeper.edges.jsonl_lines import Cursor, LineFile
from gatekeeper.errors import BadInput, Bug, UnsafeLog
from gatekeeper.ports import ContentBlock, OnAssigned, OnRevoked, RightsRecord, TopicIdentity

_LOOK_EVERY_S = 0.02


class JsonlContentReader:
    """``ContentReader``; ``poll_bytes_max`` bounds one block (a longer line comes alone)."""

    def __init__(
        self,
        path: Path,
        topic: str = "content",
        *,
        poll_bytes_max: int = 16 * 2**20,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._topic, self._poll_bytes_max, self._clock, self._sleep = topic, poll_bytes_max, clock, sleep
        self._lines = LineFile(path)
        self._pinned = identity_of(self._lines, topic)
        self._cursor: Cursor | None = None
        self._paused = False
        self._callbacks: tuple[OnAssigned, OnRevoked] | None = None

    def identity(self) -> TopicIdentity:
        return _confirmed(self._lines, self._pinned)

    def subscribe(self, on_assigned: OnAssigned, on_revoked: OnRevoked) -> None:
        self._callbacks, self._cursor = (on_assigned, on_revoked), None

    def assign(self, positions: Mapping[int, int]) -> None:
        if not set(positions) <= {0}:
            raise BadInput(f"partitions {sorted(positions)} of a file", "a file has partition 0 only")
        self._callbacks, self._paused = None, False
        self._cursor = self._lines.seek(positions[0]) if positions else None

    def seek(self, positions: Mapping[int, int]) -> None:
        if self._cursor is not None and 0 in positions:
            self._cursor = self._lines.seek(positions[0])

    def poll(self, timeout_s: float) -> list[ContentBlock]:
        deadline_s = self._clock() + timeout_s
        if self._cursor is None and self._callbacks is not None:
            positions = self._callbacks[0](frozenset({0}))
            if set(positions) != {0}:
                raise Bug(f"positions for partitions {sorted(positions)}, assigned was 0")
            self._cursor, self._paused = self._lines.seek(int(positions[0])), False
        while True:
            block = self._read()
            left_s = deadline_s - self._clock()
            if block is not None or left_s <= 0:
                return [] if block is None else [block]
            self._sleep(min(_LOOK_EVERY_S, left_s))

    def _read(self) -> ContentBlock | None:
        if self._cursor is None or self._paused:
            return None
        values, after = self._lines.read(self._cursor, self._poll_bytes_max)
        if len(values) == 0:
            return None
        _confirmed(self._lines, self._pinned)
        offsets = np.arange(self._cursor.line, after.line, dtype=np.int64)
        self._cursor = after
        return ContentBlock(self._topic, 0, offsets, None, values, values.buffers()[2].size)

    def pause(self, partitions: Iterable[int]) -> None:
        self._paused = self._paused or 0 in partitions

    def resume(self, partitions: Iterable[int]) -> None:
        self._paused = self._paused and 0 not in partitions

    def begin_offsets(self) -> dict[int, int]:
        return {0: 0}

    def end_offsets(self) -> dict[int, int]:
        return {0: self._lines.end().line}

    def position(self, partition: int) -> int | None:
        return self._cursor.line if partition == 0 and self._cursor is not None else None

    def commit_for_monitors(self, positions: Mapping[int, int]) -> None:
        """Nobody monitors a file."""

    def close(self) -> None:
        if self._callbacks is not None and self._cursor is not None:
            self._callbacks[1](frozenset({0}))
        self._cursor = None
        self._lines.close()


class JsonlRightsReader:
    """``RightsReader``."""

    def __init__(self, path: Path, topic: str = "rights", *, read_bytes: int = 4 * 2**20) -> None:
        self._read_bytes = read_bytes
        self._lines = LineFile(path)
        self._pinned = identity_of(self._lines, topic)
        self._highest_end = 0
        self._cursor = Cursor(0, 0)

    def identity(self) -> TopicIdentity:
        return _confirmed(self._lines, self._pinned)

    def check(self, development: bool) -> None:  # noqa: ARG002 (the port's argument)
        """A file is one partition, keeps everything and starts at 0: what is left to check is that it is the file."""
        self.identity()

    def end(self) -> int:
        end = self._lines.end().line
        if end < self._highest_end:
            raise UnsafeLog(
                f"{self._lines.path} ended at {self._highest_end} and now ends at {end}: rights events were lost",
                "restore the log as it was before anything is decided again",
            )
        self._highest_end = end
        return end

    def stable_end(self) -> int:
        return self.end()

    def read(self, from_position: int, to_position: int) -> list[RightsRecord]:
        if not 0 <= from_position <= to_position:
            raise BadInput(f"rights positions {from_position} to {to_position}", "from 0, in order")
        self._highest_end = max(self._highest_end, from_position)
        at = self._cursor if self._cursor.line == from_position else self._lines.seek(from_position)
        records: list[RightsRecord] = []
        while at.line < to_position:
            values, after = self._lines.read(at, self._read_bytes)
            if len(values) == 0:
                raise UnsafeLog(f"{self._lines.path} ends at {at.line}, not at {to_position}", "restore the log")
            numbered = enumerate(values.to_pylist(), at.line)
            records += [RightsRecord(n, value, None) for n, value in numbered if n < to_position]
            at = after if after.line <= to_position else self._lines.seek(to_position)
        _confirmed(self._lines, self._pinned)
        self._cursor = at
        return records

    def close(self) -> None:
        self._lines.close()


def _confirmed(lines: LineFile, pinned: TopicIdentity) -> TopicIdentity:
    now = identity_of(lines, pinned.topic)
    if now != pinned:
        raise UnsafeLog(f"{lines.path} is not the log it was: {pinned}, now {now}", "restore the log and its id file")
    return now

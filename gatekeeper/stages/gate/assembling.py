"""Fetched blocks → a batch: one slice a partition, parsed, with what the stream knows of each asset.

A block of an ended epoch is dropped here; it is read again by whoever owns the partition now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.content import Parsed
from gatekeeper.core.tables import DEAD_LETTERS_SCHEMA
from gatekeeper.stages.gate.ownership import Ownership
from gatekeeper.stages.gate.values import Batch, Raw, Recovery, Slice

_NO_DEAD = pa.schema(list(DEAD_LETTERS_SCHEMA)[:-1]).empty_table()


class Assembler:
    """Belongs to the deciding thread. ``rows_max`` bounds the records of one batch."""

    def __init__(self, ownership: Ownership, rows_max: int, new_id: Callable[[], str]) -> None:
        self._ownership = ownership
        self._rows_max = rows_max
        self._new_id = new_id
        self._pending: deque[Raw] = deque()
        self._pending_rows = 0

    @property
    def wants_more(self) -> bool:
        return self._pending_rows < self._rows_max

    @property
    def has_pending(self) -> bool:
        return bool(self._pending)

    def add(self, raw: Raw) -> None:
        self._pending.append(raw)
        self._pending_rows += raw.rows

    def batch(self) -> Batch | None:
        """A batch of what is pending, or None where nothing of it is ours any more."""
        pieces = [piece for taken in self._take().values() if (piece := self._piece(taken)) is not None]
        if not pieces:
            return None
        return Batch(
            id=self._new_id(),
            slices=tuple(piece[0] for piece in pieces),
            valid=pa.concat_tables([piece[1] for piece in pieces]).combine_chunks(),
            dead=pa.concat_tables([piece[2] for piece in pieces]),
        )

    def recovered(self, recovery: Recovery) -> Batch:
        """What the catalogue holds undecided, as a batch whose first two commits are done."""
        return Batch(self._new_id(), (recovery.slice,), recovery.valid, _NO_DEAD)

    def _take(self) -> dict[int, _Taken]:
        """Current blocks by partition; what lies beyond a recorded boundary waits for the next batch."""
        taken: dict[int, _Taken] = {}
        waiting: deque[Raw] = deque()
        held: set[int] = set()
        for raw in self._pending:
            partition = raw.partition
            chain = self._ownership.chain(partition)
            if chain is None or chain.epoch != raw.epoch:
                continue
            if partition in held:
                waiting.append(raw)
                continue
            mine = taken.setdefault(partition, _Taken(partition, raw.epoch))
            if chain.last >= chain.recorded_through or raw.last <= chain.recorded_through:
                mine.add(raw.parsed.result(), raw.last)
            else:
                now, later = _cut(raw.parsed.result(), chain.recorded_through)
                mine.add(now, chain.recorded_through)
                waiting.append(_again(raw, later))
                held.add(partition)
        self._pending, self._pending_rows = waiting, sum(raw.rows for raw in waiting)
        return taken

    def _piece(self, taken: _Taken) -> tuple[Slice, pa.Table, pa.Table] | None:
        chain = self._ownership.chain(taken.partition)
        piece = self._ownership.extend(taken.partition, taken.epoch, taken.last)
        if chain is None or piece is None:
            return None
        valid = pa.Table.from_batches([parsed.valid for parsed in taken.parsed])
        dead = pa.Table.from_batches([parsed.dead for parsed in taken.parsed])
        if piece.steps_done:
            valid, dead = _without(valid, chain.recorded_dead), _without(dead, chain.recorded_dead)
        return piece, with_stream_columns(valid, chain.removals.covering(valid)), dead


@dataclass
class _Taken:
    """Blocks of one partition for one slice that ends at ``last``."""

    partition: int
    epoch: int
    parsed: list[Parsed] = field(default_factory=list)
    last: int = -1

    def add(self, parsed: Parsed, last: int) -> None:
        """The block that follows."""
        self.parsed.append(parsed)
        self.last = last


def with_stream_columns(valid: pa.Table, removed_by: pa.Array) -> pa.Table:
    """Content rows with what only the stream knows: ``removed_by`` (offset or null) and ``conflicting``."""
    conflicting = pa.array(np.zeros(valid.num_rows, dtype=bool))
    return valid.append_column("removed_by", removed_by).append_column("conflicting", conflicting)


def _cut(parsed: Parsed, through: int) -> tuple[Parsed, Parsed]:
    """The records with offsets up to ``through``, and the others."""
    valid, dead = (_rows_up_to(rows, through) for rows in (parsed.valid, parsed.dead))
    now = Parsed(parsed.valid.slice(0, valid), parsed.dead.slice(0, dead))
    return now, Parsed(parsed.valid.slice(valid), parsed.dead.slice(dead))


def _rows_up_to(rows: pa.RecordBatch, through: int) -> int:
    return int(np.searchsorted(rows["offset"].to_numpy(), through, side="right"))


def _again(raw: Raw, later: Parsed) -> Raw:
    """The rest of a block, parsed already."""
    parsed: Future[Parsed] = Future()
    parsed.set_result(later)
    return Raw(raw.partition, raw.last, later.valid.num_rows + later.dead.num_rows, raw.epoch, parsed)


def _without(rows: pa.Table, offsets: frozenset[int]) -> pa.Table:
    if not offsets:
        return rows
    known = pc.is_in(rows["offset"], value_set=pa.array(sorted(offsets), pa.int64()))
    return rows.filter(pc.invert(known))

"""Fetched blocks → a batch: one slice a partition, parsed, with what the stream knows of each asset.

A block of an ended epoch is dropped here; it is read again by whoever owns the partition now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.content import Parsed
from gatekeeper.core.tables import CONTENT_SCHEMA, DEAD_LETTERS_SCHEMA
from gatekeeper.ports import ContentBlock
from gatekeeper.stages.gate.ownership import Chain, Ownership
from gatekeeper.stages.gate.values import Batch, Raw, Recovery, Slice

Parse = Callable[[ContentBlock], Parsed]

_NO_DEAD = pa.schema(list(DEAD_LETTERS_SCHEMA)[:-1]).empty_table()


class Assembler:
    """Belongs to the deciding thread. ``rows_max`` bounds the records of one batch."""

    def __init__(self, ownership: Ownership, parse: Parse, rows_max: int, new_id: Callable[[], str]) -> None:
        self._ownership = ownership
        self._parse = parse
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
        self._pending_rows += len(raw.block)

    def batch(self) -> Batch | None:
        """A batch of what is pending, or None where nothing of it is ours any more."""
        pieces = [piece for taken in self._take().values() if (piece := self._piece(taken)) is not None]
        if not pieces:
            return None
        return Batch(
            id=self._new_id(),
            slices=tuple(piece[0] for piece in pieces),
            valid=pa.concat_tables([piece[1] for piece in pieces]),
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
            partition = raw.block.partition
            chain = self._ownership.chain(partition)
            if chain is None or chain.epoch != raw.epoch:
                continue
            if partition in held:
                waiting.append(raw)
                continue
            now, later = _cut(raw.block, chain)
            mine = taken.setdefault(partition, _Taken(partition, raw.epoch))
            mine.blocks += [now] if now is not None else []
            mine.last = int(now.offsets[-1]) if now is not None else mine.last
            if later is not None:
                mine.last = chain.recorded_through
                waiting.append(Raw(later, raw.epoch))
                held.add(partition)
        self._pending, self._pending_rows = waiting, sum(len(raw.block) for raw in waiting)
        return taken

    def _piece(self, taken: _Taken) -> tuple[Slice, pa.Table, pa.Table] | None:
        chain = self._ownership.chain(taken.partition)
        piece = self._ownership.extend(taken.partition, taken.epoch, taken.last)
        if chain is None or piece is None:
            return None
        if not taken.blocks:
            return piece, with_stream_columns(CONTENT_SCHEMA.empty_table(), pa.array([], pa.int64())), _NO_DEAD
        parsed = self._parse(_join(taken.blocks))
        valid, dead = pa.Table.from_batches([parsed.valid]), pa.Table.from_batches([parsed.dead])
        if piece.steps_done:
            valid, dead = _without(valid, chain.recorded_dead), _without(dead, chain.recorded_dead)
        return piece, with_stream_columns(valid, chain.removals.covering(valid)), dead


@dataclass
class _Taken:
    """Blocks of one partition for one slice that ends at ``last``; no blocks: the tail below a recorded boundary is
    a gap.
    """

    partition: int
    epoch: int
    blocks: list[ContentBlock] = field(default_factory=list)
    last: int = -1


def with_stream_columns(valid: pa.Table, removed_by: pa.Array) -> pa.Table:
    """Content rows with what only the stream knows: ``removed_by`` (offset or null) and ``conflicting``."""
    conflicting = pa.array(np.zeros(valid.num_rows, dtype=bool))
    return valid.append_column("removed_by", removed_by).append_column("conflicting", conflicting)


def _cut(block: ContentBlock, chain: Chain) -> tuple[ContentBlock | None, ContentBlock | None]:
    """The part a slice may take now, and the part that begins after the recorded boundary."""
    if chain.last >= chain.recorded_through:
        return block, None
    at = int(np.searchsorted(block.offsets, chain.recorded_through, side="right"))
    return _part(block, 0, at), _part(block, at, len(block))


def _part(block: ContentBlock, start: int, stop: int) -> ContentBlock | None:
    if start == stop:
        return None
    keys = None if block.keys is None else block.keys[start:stop]
    share = block.bytes_total * (stop - start) // len(block)
    return ContentBlock(block.topic, block.partition, block.offsets[start:stop], keys, block.values[start:stop], share)


def _join(blocks: list[ContentBlock]) -> ContentBlock:
    if len(blocks) == 1:
        return blocks[0]
    keys = None if blocks[0].keys is None else pa.concat_arrays([b.keys for b in blocks])
    return ContentBlock(
        blocks[0].topic,
        blocks[0].partition,
        np.concatenate([b.offsets for b in blocks]),
        keys,
        pa.concat_arrays([b.values for b in blocks]),
        sum(b.bytes_total for b in blocks),
    )


def _without(rows: pa.Table, offsets: frozenset[int]) -> pa.Table:
    if not offsets:
        return rows
    known = pc.is_in(rows["offset"], value_set=pa.array(sorted(offsets), pa.int64()))
    return rows.filter(pc.invert(known))

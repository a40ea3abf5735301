"""A block of the content log → valid events and dead letters. Every record ends in exactly one of the two.

Pure, and total: whatever the bytes, no record costs its neighbours, none is admitted that its schema does not allow,
and none is lost. ``content_fast`` takes what it can prove valid, ``content_strict`` decides everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gatekeeper.core.content_fast import read_block
from gatekeeper.core.content_strict import EVENT_SCHEMA, read_records
from gatekeeper.core.contracts import Check
from gatekeeper.core.problems import Problem, Reason, shown
from gatekeeper.core.tables import CONTENT_SCHEMA, DEAD_LETTERS_SCHEMA

DEAD_SCHEMA: Final = pa.schema([field for field in DEAD_LETTERS_SCHEMA if field.name != "recorded_at"])
"""A dead letter before anybody says when it was recorded."""

_FAST_ROWS_MIN: Final = 64
"""Fewer records are read sooner one by one: a read of the fast kind has fixed costs of about two milliseconds."""

Indices = npt.NDArray[np.int64]


class Block(Protocol):
    """Records of one partition, nulls kept; ``keys`` is None where the log has no keys."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offsets(self) -> npt.NDArray[np.int64]: ...
    @property
    def keys(self) -> pa.BinaryArray | None: ...
    @property
    def values(self) -> pa.BinaryArray: ...


class Limits(Protocol):
    """``event_bytes_max``: a longer value is a dead letter."""

    @property
    def event_bytes_max(self) -> int: ...


@dataclass(frozen=True)
class Parsed:
    """``valid`` has ``CONTENT_SCHEMA``, ``dead`` has ``DEAD_SCHEMA``; both in the block's order."""

    valid: pa.RecordBatch
    dead: pa.RecordBatch


def parse(block: Block, check: Check, *, limits: Limits, check_key: bool = True, fast: bool = True) -> Parsed:
    """Read every record of the block.

    ``check`` is ``Contracts.check_content``. ``check_key``: the record's key must be the asset id (Kafka).
    ``fast=False`` takes the strict reader alone: the same answer, slower.
    """
    keys = block.keys if check_key else None
    problems = _unreadable(block.values, keys, limits, check_key=check_key)
    open_ = _all_but(problems, len(block.values))
    taken, events = np.empty(0, np.int64), _no_events()
    if fast and len(open_) >= _FAST_ROWS_MIN:
        taken, events = _fast(block.values, keys, open_)
    rest = np.setdiff1d(open_, taken, assume_unique=True)
    if len(rest):
        valid, strict_events, refused = _strict(block.values, keys, rest, check)
        problems |= refused
        events = _in_order([taken, valid], [events, strict_events])
        taken = np.sort(np.concatenate([taken, valid]))
    return Parsed(_placed(events, block, taken), _dead(block, problems))


def _unreadable(
    values: pa.BinaryArray, keys: pa.BinaryArray | None, limits: Limits, *, check_key: bool
) -> dict[int, Problem]:
    """Problems that show without reading a value."""
    problems: dict[int, Problem] = {}
    if check_key and (keys is None or keys.null_count):
        no_key = Problem(Reason.NULL_KEY, "the record has no key; send the asset id as its key")
        problems = dict.fromkeys(range(len(values)) if keys is None else map(int, _where(keys.is_null())), no_key)
    ends = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    lengths = np.diff(ends)
    for i in np.flatnonzero(lengths > limits.event_bytes_max):
        detail = f"the value has {lengths[i]} bytes, more than {limits.event_bytes_max}; keep the large part elsewhere"
        problems[int(i)] = Problem(Reason.OVERSIZE, detail)
    if values.null_count:
        no_value = Problem(Reason.NULL_VALUE, "the record has no value; to remove an asset send content.removed")
        problems |= dict.fromkeys(map(int, _where(values.is_null())), no_value)
    return problems


def _all_but(problems: dict[int, Problem], rows: int) -> Indices:
    if not problems:
        return np.arange(rows)
    return np.setdiff1d(np.arange(rows), np.fromiter(problems, np.int64, len(problems)), assume_unique=True)


def _fast(values: pa.BinaryArray, keys: pa.BinaryArray | None, open_: Indices) -> tuple[Indices, pa.RecordBatch]:
    chosen = values if len(open_) == len(values) else values.take(pa.array(open_))
    accepted, events = read_block(chosen)
    taken = open_[accepted]
    if keys is not None and len(taken):
        own = keys if len(taken) == len(keys) else keys.take(pa.array(taken))
        same = pa.compute.equal(own, events["asset_id"].cast(pa.binary())).to_numpy(zero_copy_only=False)
        if not same.all():
            taken, events = taken[same], events.filter(pa.array(same))
    return taken, events


def _strict(
    values: pa.BinaryArray, keys: pa.BinaryArray | None, rest: Indices, check: Check
) -> tuple[Indices, pa.RecordBatch, dict[int, Problem]]:
    valid, events, refused = read_records(values.take(pa.array(rest)).to_pylist(), check)
    problems = {int(rest[i]): problem for i, problem in refused.items()}
    indices = rest[np.array(valid, np.int64)]
    if keys is not None and len(indices):
        mismatched = _mismatches(keys.take(pa.array(indices)), events["asset_id"])
        problems |= {int(indices[i]): problem for i, problem in mismatched.items()}
        kept = _all_but(mismatched, len(indices))
        indices, events = indices[kept], events.take(pa.array(kept))
    return indices, events, problems


def _mismatches(keys: pa.BinaryArray, asset_ids: pa.StringArray) -> dict[int, Problem]:
    pairs = enumerate(zip(keys.to_pylist(), asset_ids.to_pylist(), strict=True))
    advice = "; send the asset id as the record's key"
    return {
        i: Problem(Reason.KEY_MISMATCH, f"the key is {shown(key)}, but $.data.asset_id is {shown(asset_id)}{advice}")
        for i, (key, asset_id) in pairs
        if key != asset_id.encode()
    }


def _in_order(indices: list[Indices], batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    filled = [(i, batch) for i, batch in zip(indices, batches, strict=True) if len(i)]
    if not filled:
        return _no_events()
    if len(filled) == 1:
        return filled[0][1]
    order = np.argsort(np.concatenate([i for i, _ in filled]), kind="stable")
    return pa.concat_batches([batch for _, batch in filled]).take(pa.array(order))


def _placed(events: pa.RecordBatch, block: Block, taken: Indices) -> pa.RecordBatch:
    rows = len(taken)
    place = {
        "topic": pa.repeat(pa.scalar(block.topic, pa.string()), rows),
        "partition": pa.array(np.full(rows, block.partition, np.int32)),
        "offset": pa.array(block.offsets[taken], pa.int64()),
    }
    columns = [place[name] if name in place else events[name] for name in CONTENT_SCHEMA.names]
    return pa.RecordBatch.from_arrays(columns, schema=CONTENT_SCHEMA)


def _dead(block: Block, problems: dict[int, Problem]) -> pa.RecordBatch:
    indices = np.array(sorted(problems), np.int64)
    rows, picked = len(indices), pa.array(indices)
    columns = [
        pa.repeat(pa.scalar(block.topic, pa.string()), rows),
        pa.array(np.full(rows, block.partition, np.int32)),
        pa.array(block.offsets[indices], pa.int64()),
        pa.nulls(rows, pa.binary()) if block.keys is None else block.keys.take(picked),
        block.values.take(picked),
        pa.array([problems[int(i)].reason.value for i in indices], pa.string()),
        pa.array([problems[int(i)].detail for i in indices], pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=DEAD_SCHEMA)


def _no_events() -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in EVENT_SCHEMA], schema=EVENT_SCHEMA)


def _where(flags: pa.BooleanArray) -> Indices:
    found: Indices = np.flatnonzero(flags.to_numpy(zero_copy_only=False))
    return found

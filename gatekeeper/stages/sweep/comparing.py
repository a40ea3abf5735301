"""Decisions made now against the last ones of the same events: only what differs is appended.

Rules of this file: of one event and dataset the gate's decision is the first, and sweeps follow in the order of their
rights positions and instants; a changed evidence alone is no difference; a decision made before its dataset was
declared (again) does not count, because the dataset's table was emptied in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.events import RightsEvent, Unreadable
from gatekeeper.core.tables import DECISIONS_SCHEMA, INSTANT
from gatekeeper.stages.gate.values import Moment
from gatekeeper.stages.sweep.ports import Integers

COMPARED = ("verdict", "reason", "holder")
LAST_COLUMNS = (*COMPARED, "dataset", "offset", "rights_position", "decided_at", "driver")
BEFORE = "before"
"""Added to rows on their way: the verdict they replace, null where there is none. Kept in no table."""
NO_ROWS = DECISIONS_SCHEMA.append(pa.field(BEFORE, pa.string())).empty_table()
_PLACE = ("event_id", "topic", "partition", "offset", "asset_id")


def declared_at(events: Iterable[RightsEvent | Unreadable]) -> dict[str, int]:
    """Events in the order of the log → the position since which each dataset has been declared without a break."""
    found: dict[str, int] = {}
    seen: set[tuple[str, str]] = set()
    for event in events:
        if isinstance(event, Unreadable) or (event.source, event.id) in seen:
            continue
        seen.add((event.source, event.id))
        if event.type == "dataset.declared":
            found.setdefault(event.data["name"], event.position)
        elif event.type == "dataset.retired":
            found.pop(event.data["name"], None)
    return found


def last_of_events(rows: pa.Table, declared: Mapping[str, int]) -> dict[str, pa.Table]:
    """Decisions of one partition → for each declared dataset the last of each event, by offset. ``declared``:
    dataset → the position since which it is.
    """
    return {name: _last(rows.filter(pc.equal(rows["dataset"], name)), at) for name, at in declared.items()}


def _last(rows: pa.Table, declared: int) -> pa.Table:
    rows = rows.filter(pc.greater(rows["rights_position"], declared))
    offset, position = rows["offset"].to_numpy(), rows["rights_position"].to_numpy()
    swept = pc.equal(rows["driver"], "sweep").to_numpy()
    order = np.lexsort((rows["decided_at"].cast(pa.int64()).to_numpy(), position, swept, offset))
    offset = offset[order]
    last = np.ones(len(offset), np.bool_)
    last[:-1] = offset[1:] != offset[:-1]
    return rows.take(pa.array(order[last]))


def differing(
    events: pa.Table, dataset: str, verdicts: pa.RecordBatch, last: pa.Table, moment: Moment, policy: str
) -> pa.Table:
    """Decision rows of the events (of one partition, by offset) that differ from the last ones, with ``BEFORE``."""
    before = _aligned(events["offset"].to_numpy(), last)
    same = np.ones(events.num_rows, np.bool_)
    for name in COMPARED:
        same &= _equal(verdicts[name], before[name])
    changed = pa.array(np.flatnonzero(~same | before["verdict"].is_null().to_numpy()))
    chosen = pa.Table.from_batches([verdicts]).take(changed)
    columns = {name: events[name].take(changed) for name in _PLACE}
    columns.update({name: _plain(chosen[name]) for name in chosen.column_names})
    same_for_all = {
        "dataset": pa.scalar(dataset),
        "rights_position": pa.scalar(moment.position, pa.int64()),
        "policy": pa.scalar(policy),
        "decided_at": pa.scalar(moment.instant_us, INSTANT),
        "driver": pa.scalar("sweep"),
    }
    columns.update({name: pa.repeat(value, len(changed)) for name, value in same_for_all.items()})
    rows = pa.table([columns[name] for name in DECISIONS_SCHEMA.names], schema=DECISIONS_SCHEMA)
    return rows.append_column(BEFORE, before["verdict"].take(changed))


def _aligned(offsets: Integers, last: pa.Table) -> pa.Table:
    """The last decision of each event, nulls where there is none."""
    known = last["offset"].to_numpy()
    if not len(known):
        return pa.table({name: pa.nulls(len(offsets), pa.string()) for name in COMPARED})
    at = np.minimum(np.searchsorted(known, offsets), len(known) - 1)
    return last.select(list(COMPARED)).take(pa.array(at, mask=known[at] != offsets))


def _equal(now: pa.Array, before: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Null equals null: nobody is the holder of a missing role. No holder is the empty text."""
    mine, other = (pc.fill_null(_plain(column), "") for column in (now, before))
    same: npt.NDArray[np.bool_] = pc.equal(mine, other).to_numpy(zero_copy_only=False)
    return same


def _plain(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    return column.cast(pa.string())

"""``gatekeeper dead-letters``: content records nobody could use, and appending again those that can be used by now.

Replay never edits: it holds the stored bytes against today's contract and limits, and appends those that pass as fresh
records; the dead letter stays on record. An appended record becomes the asset's latest event, so a letter is left alone
where the asset has a later one: an old event must not bring back what a newer one took away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.content import Parsed
from gatekeeper.ports import ContentReader, LogWriter
from gatekeeper.stages.reading import ReadableTable

Place = tuple[int, int]
"""Partition and offset."""

POLL_S = 1.0


@dataclass(frozen=True)
class Replayed:
    """Every letter is in one of the three: ``superseded`` with the later event's place, ``failing`` with why."""

    appended: tuple[Place, ...]
    superseded: tuple[tuple[Place, Place], ...]
    failing: tuple[tuple[Place, str, str], ...]


def letters(
    table: ReadableTable | None, reasons: Sequence[str] = (), places: Iterable[Place] | None = None
) -> pa.Table:
    """Dead letters by partition and offset: of these reasons, and at these places, where any are named."""
    if table is None:
        return pa.table({})
    where = pc.field("reason").isin(pa.array(list(reasons), pa.string())) if reasons else None
    rows = table.scan(None, where).sort_by([("partition", "ascending"), ("offset", "ascending")])
    if places is None:
        return rows
    wanted = set(places)
    return rows.filter(pa.array([place in wanted for place in _places(rows)], pa.bool_()))


def replay(
    rows: pa.Table, parsed: Parsed, later: Mapping[str, Sequence[tuple[int, int, int]]], log: LogWriter
) -> Replayed:
    """Append what passes. ``parsed``: the letters' values, row numbers as offsets. ``later``: see ``later_events``."""
    places = list(_places(rows))
    failing = [(places[f["offset"]], f["reason"], f["detail"]) for f in parsed.dead.to_pylist()]
    superseded: list[tuple[Place, Place]] = []
    passing: list[tuple[int, str]] = []
    times = parsed.valid["time"].cast(pa.int64()).to_pylist()
    columns = zip(parsed.valid["offset"].to_pylist(), parsed.valid["asset_id"].to_pylist(), times, strict=True)
    for row, asset, time_us in columns:
        by = _superseding(places[row], time_us, later.get(asset, ()))
        if by is None:
            passing.append((row, asset))
        else:
            superseded.append((places[row], by))
    if passing:
        values = rows["value"].to_pylist()
        log.append((asset.encode(), values[row]) for row, asset in passing)
    return Replayed(tuple(places[row] for row, _ in passing), tuple(superseded), tuple(failing))


def _superseding(place: Place, time_us: int, events: Iterable[tuple[int, int, int]]) -> Place | None:
    """In the letter's own partition the offset says what is later; from another one only the event's time can."""
    for partition, offset, event_us in events:
        later_here = partition == place[0] and offset > place[1]
        if later_here or (partition != place[0] and event_us >= time_us):
            return partition, offset
    return None


def later_events(
    assets: Iterable[str], catalog: ReadableTable | None, undecided: Iterable[pa.RecordBatch]
) -> dict[str, list[tuple[int, int, int]]]:
    """Asset → (partition, offset, time) of its events in the catalogue, and of those that still wait on the log."""
    wanted = pa.array(sorted(set(assets)), pa.string())
    columns = ["asset_id", "partition", "offset", "time"]
    found = [] if catalog is None else [catalog.scan(columns, pc.field("asset_id").isin(wanted))]
    found += [pa.Table.from_batches([batch.select(columns)]) for batch in undecided]
    events: dict[str, list[tuple[int, int, int]]] = {}
    for rows in (table.filter(pc.is_in(table["asset_id"], value_set=wanted)) for table in found):
        times = rows["time"].cast(pa.int64())
        values = (column.to_pylist() for column in (rows["asset_id"], rows["partition"], rows["offset"], times))
        for asset, *event in zip(*values, strict=True):
            events.setdefault(asset, []).append((event[0], event[1], event[2]))
    return events


def waiting(
    reader: ContentReader, positions: Mapping[int, int], parse: Callable[[Any], Parsed]
) -> Iterator[pa.RecordBatch]:
    """Valid events from these positions to the log's end as it is now: what the catalogue does not hold yet."""
    ends = {p: end for p, end in reader.end_offsets().items() if end > positions.get(p, 0)}
    reader.assign({p: positions.get(p, 0) for p in ends})
    while any((reader.position(p) or 0) < end for p, end in ends.items()):
        for block in reader.poll(POLL_S):
            yield parse(block).valid


def _places(rows: pa.Table) -> Iterator[Place]:
    if rows.num_rows == 0:
        return iter(())
    return zip(rows["partition"].to_pylist(), rows["offset"].to_pylist(), strict=True)

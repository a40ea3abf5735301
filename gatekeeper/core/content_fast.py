"""Content events a block at a time, with pyarrow's JSON reader. Sound, not complete.

The rule of this file: it accepts a record only if ``content_strict`` accepts it with identical columns; everything else
is left to that reader, one record at a time. What this rests on (each point is a test):

1. pyarrow reads with every field named beforehand and refuses a block that holds any other field, a field twice, a
   value of another type, a raw control character, half a surrogate pair or a number that is no int64.
2. What pyarrow lets pass is screened before it reads: bytes that are not UTF-8, a record that is not one line from
   ``{`` to ``}``; two objects in one record show as a row too many.
3. What JSON Schema says beyond types is asked of the columns afterwards.
4. A block that pyarrow refuses is halved until the halves are read or small; the small go to the strict reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from gatekeeper.core.content_rows import event_columns
from gatekeeper.core.content_screen import naming, one_line_objects
from gatekeeper.core.content_strict import EVENT_SCHEMA, one_batch
from gatekeeper.core.tables import IDENTIFIERS, INTEREST, RESERVATION

Indices = npt.NDArray[np.int64]

_ROWS_MIN: Final = 64
"""A refused block this small is cheaper to read strictly than to halve again: a read costs about half a millisecond.
A block is read at most once per so many records, so that no mixture costs much more than the strict reader."""
_READ_BYTES_MAX: Final = 8_388_608
"""Bytes shown to pyarrow at once: large enough that the cost of a call does not show."""
_SAMPLE_ROWS: Final = 64
_ATTRIBUTES_MAX: Final = 64
"""Names of attributes a block's schema can hold; a block that uses more is read strictly."""

_NAMES_MAX: Final = 4
"""Names of unknown fields that are looked for in a whole block; each look costs a pass over its bytes."""

_TEXT: Final = pa.string()
_TEXTS: Final = pa.list_(_TEXT)
_DATA: Final = (
    ("asset_id", _TEXT),
    ("account_id", _TEXT),
    ("interests", pa.list_(INTEREST)),
    ("identifiers", IDENTIFIERS),
    ("catalogs", _TEXTS),
    ("licence", _TEXT),
    ("tags", _TEXTS),
    ("reservations", pa.list_(RESERVATION)),
    ("title", _TEXT),
    ("artists", _TEXTS),
    ("genres", _TEXTS),
    ("duration_ms", pa.int64()),
    ("media_uri", _TEXT),
    ("published_at", _TEXT),
)
_ENVELOPE: Final = tuple(
    (name, _TEXT)
    for name in ("specversion", "id", "source", "type", "time", "subject", "datacontenttype", "dataschema")
)


_ENVELOPE_NAMES: Final = frozenset(name for name, _ in _ENVELOPE) | {"data"}
_DATA_NAMES: Final = frozenset(name for name, _ in _DATA) | {"attributes"}
_ROW: Final = re.compile(r"in row (\d{1,9})")


def read_block(values: pa.BinaryArray) -> tuple[Indices, pa.RecordBatch]:
    """Indices of the records accepted here, ascending, and their columns (``EVENT_SCHEMA``). No value is null."""
    found: list[Indices] = [np.empty(0, np.int64)]
    batches: list[pa.RecordBatch] = []
    for start, stop in _parts(values):
        for indices, table in _Reading(values.slice(start, stop - start)).tables():
            accepted, batch = event_columns(table)
            found.append(start + indices[accepted])
            batches.append(batch)
    accepted_indices, events = np.concatenate(found), one_batch(batches, EVENT_SCHEMA)
    if (np.diff(accepted_indices) < 0).any():
        order = np.argsort(accepted_indices)
        return accepted_indices[order], events.take(pa.array(order))
    return accepted_indices, events


def _parts(values: pa.BinaryArray) -> Iterator[tuple[int, int]]:
    """Consecutive (start, stop) of at most ``_READ_BYTES_MAX``, of one record at least."""
    ends = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1].astype(
        np.int64
    )
    start = 0
    while start < len(values):
        stop = int(np.searchsorted(ends, ends[start] + _READ_BYTES_MAX, side="right")) - 1
        stop = min(max(stop, start + 1), len(values))
        yield start, stop
        start = stop


class _Reading:
    """One block: what is left to read, and the names of fields nobody knows that were met so far."""

    def __init__(self, values: pa.BinaryArray) -> None:
        self._values = values
        sample = np.unique(np.linspace(0, len(values) - 1, _SAMPLE_ROWS).astype(np.int64))
        attributes, self._unknown = _names(values.take(pa.array(sample)))
        if len(attributes) > _ATTRIBUTES_MAX:
            attributes, self._unknown = set(), self._unknown | {"attributes"}
        self._schema = _schema(sorted(attributes))
        self._sidelined = naming(values, sorted(self._unknown)[:_NAMES_MAX])
        self._pending = [np.flatnonzero(one_line_objects(values))]
        self._reads_left = 4 + len(values) // _ROWS_MIN

    def tables(self) -> Iterator[tuple[Indices, pa.Table]]:
        """The records as tables of one row each, without those that pyarrow refuses, in any order."""
        while self._pending and self._reads_left > 0:
            part = self._pending.pop()
            yield from self._read(part[~self._sidelined[part]])

    def _read(self, part: Indices) -> Iterator[tuple[Indices, pa.Table]]:
        table, row = self._table(part)
        if table is not None:
            yield part, table
        elif len(part) <= _ROWS_MIN:
            self._learn(part)
        elif row is None:
            self._halve(part)
        else:
            yield from self._step_over(part, row)

    def _step_over(self, part: Indices, row: int | None) -> Iterator[tuple[Indices, pa.Table]]:
        """The reader named the row: look on behind it, then read all that stood between such rows together."""
        between = [part[:0]]
        while row is not None and self._reads_left > 0:
            between.append(part[:row])
            part = part[row + 1 :]
            table, row = self._table(part)
            if table is not None:
                yield part, table
                part = part[:0]
        self._halve(part)
        good = np.concatenate(between)
        table, _ = self._table(good)
        if table is not None:
            yield good, table
        else:
            self._halve(good)

    def _halve(self, part: Indices) -> None:
        half = len(part) // 2
        self._pending += [half_part for half_part in (part[half:], part[:half]) if len(half_part)]

    def _learn(self, part: Indices) -> None:
        """The strict reader takes these few; keep what they name from spoiling the blocks still to come."""
        new = _names(self._values.take(pa.array(part)))[1] - self._unknown
        if new and len(self._unknown) < _NAMES_MAX:
            self._unknown |= new
            self._sidelined |= naming(self._values, sorted(new)[:_NAMES_MAX])

    def _table(self, part: Indices) -> tuple[pa.Table | None, int | None]:
        """The records as a table; or the row that pyarrow says it stumbled over (a hint, no more), or neither."""
        if not len(part):
            return None, None
        self._reads_left -= 1
        values = self._values if len(part) == len(self._values) else self._values.take(pa.array(part))
        one_list = pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)
        lines = pc.binary_join(one_list, b"\n")[0].as_buffer()
        try:
            table = pj.read_json(
                pa.BufferReader(lines),
                read_options=pj.ReadOptions(use_threads=False, block_size=lines.size + 1),
                parse_options=pj.ParseOptions(explicit_schema=self._schema, unexpected_field_behavior="error"),
            )
        except pa.ArrowException as error:
            named = _ROW.search(str(error))
            row = int(named[1]) if named else len(part)
            return None, row if row < len(part) else None
        # Each record is an object, so it makes a row at least: as many rows as records means one row each.
        return (table if table.num_rows == len(values) else None), None


def _schema(attributes: list[str]) -> pa.Schema:
    # A struct needs a field; where no attribute was met, the one without a name serves as well as any.
    members = pa.struct([(name, _TEXT) for name in attributes or [""]])
    return pa.schema([*_ENVELOPE, ("data", pa.struct([*_DATA, ("attributes", members)]))])


def _names(values: pa.BinaryArray) -> tuple[set[str], set[str]]:
    """Names of attributes, and of fields nobody knows, in a few records."""
    attributes: set[str] = set()
    unknown: set[str] = set()
    for value in values.to_pylist():
        try:
            event = orjson.loads(value)
        except orjson.JSONDecodeError:
            continue
        data = event.get("data") if isinstance(event, dict) else None
        if isinstance(data, dict):
            given = data.get("attributes")
            attributes.update(given if isinstance(given, dict) else ())
            unknown.update(event.keys() - _ENVELOPE_NAMES, data.keys() - _DATA_NAMES)
    return attributes, unknown

"""What pyarrow read of content events → event columns, and which rows the schema allows.

The checks are those of ``schemas/content.*`` that go beyond a field's type; a row that fails one is not refused here
but left to the strict reader, which says why. A null is the same as no member, as there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.content_strict import EVENT_SCHEMA
from gatekeeper.core.contracts import dataschema_major
from gatekeeper.core.instant_columns import instants_us
from gatekeeper.core.tables import DATA_FIELDS, INSTANT

Flags = npt.NDArray[np.bool_]

TYPES: Final = ("content.published", "content.updated", "content.removed")
ROLES: Final = ("recording", "composition", "performance")
IDENTIFIER_BYTES_MAX: Final = 512
DURATION_MS_MAX: Final = 2**53 - 1
_DATASCHEMAS_MAX: Final = 16
_ATTRIBUTES: Final = pa.map_(pa.string(), pa.string())
_CONTROL: Final = r"[\x{0}-\x{1F}\x{7F}-\x{9F}]"
_NEEDS_ESCAPE: Final = r'[\x{0}-\x{1F}"\\]'


def event_columns(table: pa.Table) -> tuple[Flags, pa.RecordBatch]:
    """Which rows are accepted, and those rows as ``EVENT_SCHEMA``."""
    envelope = {name: _array(table[name]) for name in table.column_names}
    data = envelope.pop("data")
    fields = {data.type.field(i).name: data.field(i) for i in range(data.type.num_fields)}
    accepted = _valid(data) & _envelope_allowed(envelope) & _data_allowed(fields)
    time, time_read = _instants(envelope["time"])
    published, published_read = _instants(fields["published_at"])
    accepted &= _valid(envelope["time"]) & time_read & published_read
    extra, plain = _extra(envelope)
    accepted &= plain
    attributes = _attributes(fields["attributes"], len(data))
    fields |= {"published_at": published, "attributes": attributes, "extra": extra}
    columns = [*(envelope[name] for name in ("id", "source", "type")), time, *(fields[f.name] for f in DATA_FIELDS)]
    batch = pa.RecordBatch.from_arrays(columns, schema=EVENT_SCHEMA)
    return accepted, batch if accepted.all() else batch.filter(pa.array(accepted))


def _envelope_allowed(envelope: dict[str, pa.Array]) -> Flags:
    allowed = _true(pc.equal(envelope["specversion"], "1.0"))
    allowed &= _true(pc.is_in(envelope["type"], pa.array(TYPES)))
    for name in ("id", "source"):
        allowed &= _identifiers(envelope[name]) & _valid(envelope[name])
    for name in ("subject", "datacontenttype", "dataschema"):
        allowed &= _not_empty(envelope[name])
    return allowed & _major_one(envelope["dataschema"])


def _data_allowed(fields: dict[str, pa.Array]) -> Flags:
    allowed = _valid(fields["asset_id"]) & _valid(fields["account_id"])
    allowed &= _identifiers(fields["asset_id"]) & _identifiers(fields["account_id"])
    for name in ("isrc", "iswc", "content_sha256"):
        allowed &= _identifiers(fields["identifiers"].field(name))
    allowed &= _each(fields["catalogs"], lambda items: _valid(items) & _identifiers(items))
    for name in ("tags", "artists", "genres"):
        allowed &= _each(fields[name], _valid)
    allowed &= _each(fields["interests"], _interests) & _each(fields["reservations"], _reservations)
    duration = fields["duration_ms"]
    return allowed & ~_true(pc.or_(pc.less(duration, 0), pc.greater(duration, DURATION_MS_MAX)))


def _interests(items: pa.StructArray) -> Flags:
    party, role = items.field("party_id"), items.field("role")
    return _valid(items) & _valid(party) & _identifiers(party) & _true(pc.is_in(role, pa.array(ROLES)))


def _reservations(items: pa.StructArray) -> Flags:
    vocabulary, statement = items.field("vocabulary"), items.field("statement")
    return _valid(items) & _valid(vocabulary) & _identifiers(vocabulary) & _valid(statement)


def _each(lists: pa.ListArray, allowed: Callable[[pa.Array], Flags]) -> Flags:
    """Rows whose every item is allowed; a null or empty list has none to refuse."""
    rows = np.ones(len(lists), bool)
    items = lists.flatten()
    if len(items):
        refused = np.flatnonzero(~allowed(items))
        rows[pc.list_parent_indices(lists).to_numpy()[refused]] = False
    return rows


def _identifiers(texts: pa.StringArray) -> Flags:
    """Null, or an identifier of ``schemas/common``: 1 to 512 bytes, no control character."""
    ends, letters = _letters(texts)
    allowed = np.diff(ends) <= IDENTIFIER_BYTES_MAX
    if len(letters) and (letters.min() < 0x20 or letters.max() >= 0x7F):
        allowed &= ~_true(pc.match_substring_regex(texts, _CONTROL))
    return allowed & _not_empty(texts)


def _not_empty(texts: pa.StringArray) -> Flags:
    return (np.diff(_letters(texts)[0]) > 0) | ~_valid(texts)


def _major_one(dataschemas: pa.StringArray) -> Flags:
    """Null, or a ``dataschema`` of major version 1; a block with many different ones is left to the strict reader."""
    if dataschemas.null_count == len(dataschemas):
        return np.ones(len(dataschemas), bool)
    distinct = dataschemas.unique().drop_null()
    known = [uri for uri in distinct[:_DATASCHEMAS_MAX].to_pylist() if dataschema_major(uri) == 1]
    return _true(pc.is_in(dataschemas, pa.array(known, pa.string()))) | ~_valid(dataschemas)


def _instants(texts: pa.StringArray) -> tuple[pa.Array, Flags]:
    """The column of instants, and which rows hold one or nothing."""
    instants, read = instants_us(texts)
    return pa.array(instants, pa.int64(), mask=~read).cast(INSTANT), read | ~_valid(texts)


def _attributes(members: pa.StructArray, rows: int) -> pa.MapArray:
    """A struct with a field per name (in order of name) → the map of those that are not null."""
    if members.null_count == rows:
        return pa.nulls(rows, _ATTRIBUTES)
    names = pa.array([field.name for field in members.type], pa.string())
    values = [members.field(i) for i in range(len(names))]
    present = np.column_stack([_valid(column) for column in values]) & _valid(members)[:, None]
    row, name = np.nonzero(present)
    ends = np.zeros(rows + 1, np.int32)
    np.cumsum(present.sum(axis=1), out=ends[1:])
    picked = pa.concat_arrays(values).take(pa.array(name * rows + row))
    members_of_map = [_ATTRIBUTES.key_field, _ATTRIBUTES.item_field]
    items = pa.StructArray.from_arrays([names.take(pa.array(name)), picked], fields=members_of_map)
    validity = pa.array(_valid(members)).buffers()[1]
    return pa.MapArray.from_buffers(_ATTRIBUTES, rows, [validity, pa.py_buffer(ends)], children=[items])


def _extra(envelope: dict[str, pa.Array]) -> tuple[pa.StringArray, Flags]:
    """``extra`` of events without unknown fields, and the rows whose CloudEvents attributes need no JSON escape."""
    rows, plain = len(envelope["id"]), np.ones(len(envelope["id"]), bool)
    members = []
    for name in ("datacontenttype", "dataschema", "subject"):  # canonical order
        texts = envelope[name]
        if texts.null_count < rows:
            plain &= ~_true(pc.match_substring_regex(texts, _NEEDS_ESCAPE))
            members.append(pc.fill_null(pc.binary_join_element_wise(f'"{name}":"', texts, '",', ""), ""))
    if not members:
        return pa.nulls(rows, pa.string()), plain
    joined = pc.utf8_rtrim(pc.binary_join_element_wise(*members, ""), ",")
    extra = pc.binary_join_element_wise('{"envelope":{', joined, "}}", "")
    return pc.if_else(pc.equal(joined, ""), None, extra), plain


def _letters(texts: pa.StringArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Ends of the texts within their buffer, and the bytes of this array's part of it."""
    _, ends_buffer, letters_buffer = texts.buffers()
    ends = np.frombuffer(ends_buffer, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if letters_buffer is None:
        return ends, np.empty(0, np.uint8)
    return ends, np.frombuffer(letters_buffer, np.uint8)[ends[0] : ends[-1]]


def _valid(array: pa.Array) -> Flags:
    if array.null_count == 0:
        return np.ones(len(array), bool)
    valid: Flags = array.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _true(flags: pa.BooleanArray) -> Flags:
    """Null counts as false."""
    filled: Flags = pc.fill_null(flags, fill_value=False).to_numpy(zero_copy_only=False)
    return filled


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

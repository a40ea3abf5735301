"""Content events one record at a time: the truth that ``content_fast`` must agree with.

A record is read strictly, checked against its schema and only then made columns. A null member of the envelope, of
``data``, ``identifiers``, ``attributes``, an interest or a reservation is the same as no member. What no column holds
is kept in ``extra``: ``{"data": …, "envelope": …}`` as canonical JSON, in the shape it had; null when there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import pyarrow as pa

from gatekeeper.core.contracts import Check
from gatekeeper.core.instant_columns import instants_us
from gatekeeper.core.policy import canonical_json
from gatekeeper.core.problems import Problem
from gatekeeper.core.strict_json import JsonProblem, loads
from gatekeeper.core.tables import DATA_FIELDS, ENVELOPE_FIELDS, IDENTIFIERS, INSTANT, INTEREST, RESERVATION
from gatekeeper.core.times import parse_instant

Document = dict[str, Any]

EVENT_SCHEMA: Final = pa.schema([*ENVELOPE_FIELDS, *DATA_FIELDS])
"""A content event without its place in the log."""

ENVELOPE_KEYS: Final = frozenset({"specversion", "id", "source", "type", "time", "data"})
DATA_KEYS: Final = frozenset(field.name for field in DATA_FIELDS) - {"extra"}
_ROWS_AT_ONCE: Final = 1024
"""Documents alive together: few enough that the garbage collector, which visits each, stays out of the measurement."""


def read_records(values: Sequence[bytes], check: Check) -> tuple[list[int], pa.RecordBatch, dict[int, Problem]]:
    """Indices of the valid records, their columns (``EVENT_SCHEMA``) in that order, and the problem of every other."""
    valid: list[int] = []
    batches: list[pa.RecordBatch] = []
    problems: dict[int, Problem] = {}
    for start in range(0, len(values), _ROWS_AT_ONCE):
        documents = []
        for index in range(start, min(start + _ROWS_AT_ONCE, len(values))):
            found = read_record(values[index], check)
            if isinstance(found, Problem):
                problems[index] = found
            else:
                documents.append(found)
                valid.append(index)
        batches.append(columns_of(documents))
    return valid, one_batch(batches, EVENT_SCHEMA), problems


def read_record(value: bytes, check: Check) -> Document | Problem:
    """One record's bytes → its valid document, or its first problem."""
    document = loads(value)
    if isinstance(document, JsonProblem):
        return document
    problem = check(document)
    if problem is not None:
        return problem
    valid: Document = document
    return valid


def columns_of(documents: Sequence[Document]) -> pa.RecordBatch:
    """Valid documents → columns (``EVENT_SCHEMA``), in order."""
    data = [document["data"] for document in documents]
    columns = [_texts([document[name] for document in documents]) for name in ("id", "source", "type")]
    columns.append(_instants([document["time"] for document in documents]))
    columns += [_COLUMNS.get(field.name, _plain(field))(data) for field in DATA_FIELDS[:-1]]
    columns.append(_texts([extra_of(document) for document in documents]))
    return pa.RecordBatch.from_arrays(columns, schema=EVENT_SCHEMA)


def extra_of(document: Document) -> str | None:
    """The canonical JSON text of what no column holds."""
    data = document["data"]
    extra: Document = {}
    if rest := _unknown(data, DATA_KEYS) | _nested_unknown(data):
        extra["data"] = rest
    if rest := _unknown(document, ENVELOPE_KEYS):
        extra["envelope"] = rest
    return canonical_json(extra).decode() if extra else None


def one_batch(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    """Batches of one schema → one batch, empty where there are none."""
    filled = [batch for batch in batches if batch.num_rows]
    if not filled:
        return _empty(schema)
    return filled[0] if len(filled) == 1 else pa.concat_batches(filled)


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def _texts(texts: list[str] | list[str | None]) -> pa.StringArray:
    return pa.array(texts, pa.string())


def _plain(field: pa.Field) -> Callable[[list[Document]], pa.Array]:
    return lambda data: pa.array([item.get(field.name) for item in data], field.type)


def _durations(data: list[Document]) -> pa.Array:
    # 1.0 is an integer to JSON Schema, and within ±2^53 exactly one.
    given = (item.get("duration_ms") for item in data)
    return pa.array([None if number is None else int(number) for number in given], pa.int64())


def _attributes(data: list[Document]) -> pa.Array:
    given = (item.get("attributes") for item in data)
    sorted_pairs = [
        None if pairs is None else sorted(pair for pair in pairs.items() if pair[1] is not None) for pairs in given
    ]
    return pa.array(sorted_pairs, pa.map_(pa.string(), pa.string()))


def _instants(texts: list[str | None]) -> pa.Array:
    column = _texts(texts)
    instants, read = instants_us(column)
    slow = [i for i, text in enumerate(texts) if text is not None and not read[i]]
    for i in slow:
        instants[i] = parse_instant(str(texts[i]))
        read[i] = True
    return pa.array(instants, pa.int64(), mask=~read).cast(INSTANT)


_COLUMNS: Final[dict[str, Callable[[list[Document]], pa.Array]]] = {
    "duration_ms": _durations,
    "attributes": _attributes,
    "published_at": lambda data: _instants([item.get("published_at") for item in data]),
}
_NESTED: Final = (
    ("interests", frozenset(field.name for field in INTEREST)),
    ("identifiers", frozenset(field.name for field in IDENTIFIERS)),
    ("reservations", frozenset(field.name for field in RESERVATION)),
)


def _unknown(members: Document, known: frozenset[str]) -> Document:
    if known.issuperset(members):
        return {}
    return {name: value for name, value in members.items() if name not in known and value is not None}


def _nested_unknown(data: Document) -> Document:
    """Unknown members inside known objects: an object's as an object, a list's as a list of as many objects."""
    found: Document = {}
    for field, known in _NESTED:
        value = data.get(field)
        if not value:
            continue
        if isinstance(value, list):
            if not all(map(known.issuperset, value)) and any(rests := [_unknown(item, known) for item in value]):
                found[field] = rests
        elif rest := _unknown(value, known):
            found[field] = rest
    return found

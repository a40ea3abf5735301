"""``where`` and ``columns`` of a dataset's declaration: selection, which is not permission (design §3).

Rules of this file: every field named must match; a missing value never matches, ``none_of`` included; an empty list is
a missing value (design §4, fine print). What is not understood is refused when it is declared, never passed over.

| field | conditions |
|---|---|
| text, list of texts | a text; a list of texts (any of them); ``{any_of: […]}``; ``{none_of: […]}`` |
| ``duration_ms``, ``published_at`` | ``{at_least: x, below: y}``, either or both |
| ``attributes`` | ``{name: a text or a list of texts, …}`` |

Texts compare exactly. A list field matches where any of its texts does; with ``none_of`` where none of them does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.tables import DATA_FIELDS
from gatekeeper.core.times import parse_instant
from gatekeeper.errors import BadInput

Flags = npt.NDArray[np.bool_]
Condition = Callable[[pa.Array], Flags]
"""A column → for each row, whether it matches."""

KEY = "asset_id"
"""Always published: what a row is known by."""
_TYPES = {field.name: field.type for field in DATA_FIELDS if field.name != "extra"}
_TEXT, _TEXTS = pa.string(), pa.list_(pa.string())
SELECTABLE = tuple(
    name
    for name, type_ in _TYPES.items()
    if type_ in (_TEXT, _TEXTS) or pa.types.is_map(type_) or pa.types.is_int64(type_) or pa.types.is_timestamp(type_)
)


@dataclass(frozen=True)
class Selection:
    """``fields`` are the columns that ``matches`` needs."""

    conditions: tuple[tuple[str, Condition], ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.conditions)

    def matches(self, rows: pa.Table | pa.RecordBatch) -> Flags:
        """Content rows → whether each is selected; shape (n,)."""
        selected = np.ones(rows.num_rows, np.bool_)
        for name, condition in self.conditions:
            selected &= condition(_whole(rows[name]))
        return selected


def read_selection(document: Mapping[str, Any]) -> Selection:
    """A declaration's ``where``. Raises ``BadInput`` for what it does not understand."""
    where = document.get("where") or {}
    if not isinstance(where, Mapping):
        raise _bad(document, "where", "must name fields, each with a condition", SELECTABLE)
    return Selection(tuple((name, _condition(document, name, said)) for name, said in where.items()))


def read_columns(document: Mapping[str, Any]) -> tuple[str, ...]:
    """A declaration's ``columns`` in its order, ``asset_id`` first where it was left out; all when none are named.
    Raises ``BadInput``.
    """
    known = tuple(field.name for field in DATA_FIELDS)
    named = tuple(dict.fromkeys(document.get("columns") or known))
    for name in named:
        if name not in known:
            raise _bad(document, "columns", f"names the unknown field {name!r}", known)
    return named if KEY in named else (KEY, *named)


def _bad(document: Mapping[str, Any], at: str, what: str, known: tuple[str, ...]) -> BadInput:
    return BadInput(f"dataset {document.get('name')}: {at} {what}", f"known: {', '.join(known)}")


def _condition(document: Mapping[str, Any], name: str, said: Any) -> Condition:
    at, type_ = f"where.{name}", _TYPES.get(name)
    if name not in SELECTABLE or type_ is None:
        raise _bad(document, "where", f"names {name!r}, which nothing can be selected by", SELECTABLE)
    if pa.types.is_map(type_):
        return _attributes(document, at, said)
    if type_ in (_TEXT, _TEXTS):
        return _words(document, at, said, type_)
    return _range(document, at, said, type_)


def _words(document: Mapping[str, Any], at: str, said: Any, type_: pa.DataType) -> Condition:
    without = False
    if isinstance(said, Mapping):
        if len(said) != 1 or not set(said) <= {"any_of", "none_of"}:
            raise _bad(document, at, f"is {said!r}, not one condition", ("any_of", "none_of"))
        without, said = "none_of" in said, next(iter(said.values()))
    words = pa.array(_texts(document, at, said), pa.string())
    found = _any_of_list if type_ == _TEXTS else _in
    if not without:
        return lambda column: found(column, words)
    return lambda column: _present(column) & ~found(column, words)


def _texts(document: Mapping[str, Any], at: str, said: Any) -> list[str]:
    texts = [said] if isinstance(said, str) else said
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise _bad(document, at, f"is {said!r}, not a text or a list of texts", ("a text", "a list of texts"))
    return texts


def _in(column: pa.Array, words: pa.Array) -> Flags:
    return _true(pc.is_in(column, value_set=words))


def _any_of_list(column: pa.Array, words: pa.Array) -> Flags:
    found = np.zeros(len(column), np.bool_)
    parents = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
    found[parents[_in(pc.list_flatten(column), words)]] = True
    return found


def _present(column: pa.Array) -> Flags:
    if pa.types.is_list(column.type):
        return _true(pc.greater(pc.list_value_length(column), 0))
    return _true(pc.is_valid(column))


def _range(document: Mapping[str, Any], at: str, said: Any, type_: pa.DataType) -> Condition:
    keys = ("at_least", "below")
    if not isinstance(said, Mapping) or not said or not set(said) <= set(keys):
        raise _bad(document, at, f"is {said!r}, not a range", keys)
    bounds = {key: _bound(document, at, bound, type_) for key, bound in said.items()}

    def within(column: pa.Array) -> Flags:
        inside = _true(pc.is_valid(column))
        if "at_least" in bounds:
            inside &= _true(pc.greater_equal(column, bounds["at_least"]))
        if "below" in bounds:
            inside &= _true(pc.less(column, bounds["below"]))
        return inside

    return within


def _bound(document: Mapping[str, Any], at: str, bound: Any, type_: pa.DataType) -> pa.Scalar:
    if pa.types.is_int64(type_) and type(bound) is int:
        return pa.scalar(bound, type_)
    if pa.types.is_timestamp(type_) and isinstance(bound, str):
        try:
            return pa.scalar(parse_instant(bound), type_)
        except ValueError as problem:
            raise _bad(document, at, f"has {bound!r}: {problem}", ("2025-05-14T00:00:00Z",)) from problem
    raise _bad(document, at, f"has the bound {bound!r}", ("a whole number", "a time in quotes, with its offset"))


def _attributes(document: Mapping[str, Any], at: str, said: Any) -> Condition:
    if not isinstance(said, Mapping) or not said or not all(isinstance(name, str) for name in said):
        raise _bad(document, at, f"is {said!r}, not names with texts", ("{name: a text or a list of texts}",))
    wanted = {name: pa.array(_texts(document, f"{at}.{name}", texts), pa.string()) for name, texts in said.items()}

    def match(column: pa.Array) -> Flags:
        found = np.ones(len(column), np.bool_)
        for name, words in wanted.items():
            found &= _in(pc.map_lookup(column, name, "first"), words)
        return found

    return match


def _true(flags: pa.Array) -> Flags:
    found: Flags = pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    return found


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    joined = column.combine_chunks()
    return joined if isinstance(joined, pa.Array) else pa.concat_arrays(joined.chunks)

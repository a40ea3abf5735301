"""Values of a mapping, compiled: a block of rows in, one column of values out.

A value is a **template** (``"{label}/{track}"``; ``{{`` is a brace; absent when any column in it is empty), a number,
true or false, a list of values (those absent left out, splits laid flat), an object of values, or a template with
changes: ``{from: "{tags}", split: "|", keep_prefix: "genre---"}``. What a row lacks is absent, never an empty text.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import repeat
from typing import Any

from gatekeeper.core.importing.changes import CHANGES, compile_changes
from gatekeeper.core.importing.problems import bad_mapping, near, refuse_unknown

Row = Sequence[Any]
"""The cells of one row, in the header's order."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no row of its table. ``cells`` is what could be read of it."""

    detail: str
    cells: Row


@dataclass(frozen=True)
class Block:
    """``rows`` rows as columns in the header's order. ``faults``: row (from 0) → why a cell of it cannot be mapped."""

    columns: Sequence[Sequence[Any]]
    rows: int
    faults: dict[int, str] = field(default_factory=dict)
    _clean: dict[int, list[Any]] = field(default_factory=dict)

    def clean(self, position: int) -> list[Any]:
        """A column as it stands: texts without outer blanks, lists of texts, None where a cell is empty."""
        if position not in self._clean:
            self._clean[position] = _column(self, position)
        return self._clean[position]


Cells = Callable[[Block], Sequence[Any]]
"""A block → one value per row; None where the row lacks it, or where the block's ``faults`` say why not."""


def compile_object(spec: Mapping[str, Any], index: Mapping[str, int]) -> Cells:
    names = tuple(spec)
    fields = [_compile(value, index) for value in spec.values()]

    def make(block: Block) -> list[dict[str, Any] | None]:
        columns = [cells(block) for cells in fields]
        return [
            {name: value for name, value in zip(names, row, strict=True) if value is not None} or None
            for row in zip(*columns, strict=True)
        ]

    return make


def compile_template(template: str, index: Mapping[str, int]) -> Cells:
    pieces = _pieces(template, index)
    if len(pieces) == 1 and (not pieces[0][0] or pieces[0][1] is None):
        literal, position = pieces[0]
        return _constant(literal) if position is None else lambda block: block.clean(position)

    def make(block: Block) -> list[str | None]:
        parts: list[Sequence[Any]] = []
        for literal, position in pieces:
            parts += [[literal] * block.rows] if literal else []
            parts += [_joinable(block, position)] if position is not None else []
        return [None if None in row else "".join(row) for row in zip(*parts, strict=True)]

    return make


def _compile(spec: Any, index: Mapping[str, int]) -> Cells:
    if isinstance(spec, str):
        return compile_template(spec, index)
    if isinstance(spec, list):
        return _list(spec, index)
    if isinstance(spec, dict):
        return _changed(spec, index) if "from" in spec else compile_object(spec, index)
    return _constant(spec)


def _constant(value: Any) -> Cells:
    return lambda block: list(repeat(value, block.rows))


def _list(spec: Sequence[Any], index: Mapping[str, int]) -> Cells:
    """A list; an object in it that lacks one of its fields is left out (a role without a party is no interest)."""
    items = [_compile(item, index) for item in spec]
    whole = [len(item) if isinstance(item, dict) and "from" not in item else 0 for item in spec]

    def make(block: Block) -> list[list[Any] | None]:
        columns = [cells(block) for cells in items]
        if len(columns) == 1 and not whole[0]:
            return [value if value is None or type(value) is list else [value] for value in columns[0]]
        return [_flat(row, whole) for row in zip(*columns, strict=True)] if columns else [None] * block.rows

    return make


def _flat(values: Sequence[Any], whole: Sequence[int]) -> list[Any] | None:
    made: list[Any] = []
    for value, fields in zip(values, whole, strict=True):
        if isinstance(value, list):
            made += value
        elif value is not None and (not fields or len(value) == fields):
            made.append(value)
    return made or None


def _changed(spec: Mapping[str, Any], index: Mapping[str, int]) -> Cells:
    refuse_unknown("change", spec, ("from", *CHANGES))
    if not isinstance(spec["from"], str):
        raise bad_mapping("`from` must be a template")
    cells, change = compile_template(spec["from"], index), compile_changes(spec)

    def make(block: Block) -> list[Any]:
        known: dict[str, Any] = {}  # catalogues repeat themselves: a label, a tag list, a duration
        made = []
        for row, value in enumerate(cells(block)):
            if type(value) is str and value in known:
                made.append(known[value])
                continue
            try:
                made.append(change(value))
            except ValueError as problem:
                block.faults.setdefault(row, str(problem))
                made.append(None)
                continue
            if type(value) is str:
                known[value] = made[-1]
        return made

    return make


def _pieces(template: str, index: Mapping[str, int]) -> list[tuple[str, int | None]]:
    """``"a{x}b"`` → ``[("a", place of x), ("b", None)]``."""
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise bad_mapping(f"template {template!r}: {error}") from None
    pieces: list[tuple[str, int | None]] = []
    for literal, column, extra, conversion in parsed:
        if column is not None and (extra or conversion):
            raise bad_mapping(f"template {template!r}: only plain column names may stand between braces")
        if column is not None and column not in index:
            hint = near(column, index) or f" (it has {', '.join(index)})"
            raise bad_mapping(f"template {template!r} names a column the file does not have{hint}")
        pieces.append((literal, None if column is None else index[column]))
    if not pieces:
        raise bad_mapping("a template may not be empty")
    return pieces


def _column(block: Block, position: int) -> list[Any]:
    try:
        return [text.strip() or None for text in block.columns[position]]
    except AttributeError:
        return [_read(value, block, row) for row, value in enumerate(block.columns[position])]


def _joinable(block: Block, position: int) -> list[str | None]:
    values = block.clean(position)
    if not any(type(value) is list for value in values):
        return values
    for row, value in enumerate(values):
        if isinstance(value, list):
            block.faults.setdefault(row, "a list cannot be part of a text")
    return [None if isinstance(value, list) else value for value in values]


def _read(value: Any, block: Block, row: int) -> Any:
    try:
        return (
            [text for v in value if (text := _text(v)) is not None] or None if isinstance(value, list) else _text(value)
        )
    except ValueError as problem:
        block.faults.setdefault(row, str(problem))
        return None


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"the time {value.isoformat()} has no offset")
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal | date):
        return str(value)
    raise ValueError(f"a cell of type {type(value).__name__} cannot be text")

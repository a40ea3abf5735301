"""What a mapping can do to a template's value, one small function each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from gatekeeper.core.importing.problems import bad_mapping

Change = Callable[[Any], Any]
"""A value (a text or a list of texts) → the changed value, None for absent. Raises ``ValueError``."""

DURATION_MS_MAX = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exactly."""
MILLISECONDS_PER_UNIT = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000}


def compile_changes(spec: Mapping[str, Any]) -> Change:
    """The changes of a value as one, in the order of ``CHANGES`` whatever the order in the file."""
    changes = [_COMPILE[name](spec[name]) for name in _COMPILE if name in spec]
    default = spec.get("default")

    def change(value: Any) -> Any:
        for step in changes:
            if value is None:
                break
            value = step(value)
        return default if value is None else value

    return change


def _absent(texts: Any) -> Change:
    """Spellings of nothing: ``["?", "N/A"]``."""
    nothing = frozenset(texts if isinstance(texts, list) else [texts])
    return lambda value: None if not isinstance(value, list) and value in nothing else value


def _split(separator: Any) -> Change:
    if not isinstance(separator, str) or not separator:
        raise bad_mapping("`split` must be the text between the pieces")

    def change(value: Any) -> list[str] | None:
        pieces = value if isinstance(value, list) else value.split(separator)
        return list(dict.fromkeys(piece for p in pieces if (piece := p.strip()))) or None

    return change


def _keep_prefix(prefix: Any) -> Change:
    """Only what starts with the prefix, without it."""
    if not isinstance(prefix, str):
        raise bad_mapping("`keep_prefix` must be text")

    def change(value: Any) -> Any:
        if isinstance(value, list):
            return [piece.removeprefix(prefix) for piece in value if piece.startswith(prefix)] or None
        return value.removeprefix(prefix) if value.startswith(prefix) else None

    return change


def _case(case: Any) -> Change:
    if case not in ("lower", "upper"):
        raise bad_mapping("`case` must be lower or upper")
    to = str.lower if case == "lower" else str.upper
    return lambda value: [to(piece) for piece in value] if isinstance(value, list) else to(value)


def _values(table: Any) -> Change:
    """A table of spellings; what it does not name stays as it is."""
    if not isinstance(table, dict):
        raise bad_mapping("`values` must be a table of spellings")
    return lambda value: [table.get(p, p) for p in value] if isinstance(value, list) else table.get(value, value)


def _unit(unit: Any) -> Change:
    """A number of this unit → whole milliseconds."""
    if unit not in MILLISECONDS_PER_UNIT:
        raise bad_mapping(f"`unit` must be one of {', '.join(MILLISECONDS_PER_UNIT)}")
    scale = MILLISECONDS_PER_UNIT[unit]

    def change(value: Any) -> int:
        try:
            exact = Decimal(value) * scale
            if abs(exact) <= DURATION_MS_MAX:  # false for NaN as well
                return round(exact)
        except (InvalidOperation, ValueError, TypeError):
            pass
        raise ValueError(f"{value!r} is not a number of {unit}")

    return change


_COMPILE: Mapping[str, Callable[[Any], Change]] = {
    "absent": _absent,
    "split": _split,
    "keep_prefix": _keep_prefix,
    "case": _case,
    "values": _values,
    "unit": _unit,
}
CHANGES = (*_COMPILE, "default")
"""In the order in which they are done; ``default`` stands where nothing is left."""

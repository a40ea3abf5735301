"""JSON inside a statement, read as strictly as events are: a key named twice could say two different things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gatekeeper.core.problems import Reason
from gatekeeper.core.strict_json import JsonProblem, loads
from gatekeeper.evidence.reading import DOCUMENT_CHARS_MAX, Unknown


@dataclass(frozen=True)
class Unparsed:
    """Why there is no value."""

    why: Unknown = Unknown.UNREADABLE


def parsed(statement: str) -> Any | Unparsed:
    """The JSON value of a statement."""
    if len(statement) > DOCUMENT_CHARS_MAX:
        return Unparsed()
    value = loads(statement.encode("utf-8", "replace"))
    if isinstance(value, JsonProblem):
        twice = value.reason is Reason.DUPLICATE_KEY
        return Unparsed(Unknown.CONFLICTING if twice else Unknown.UNREADABLE)
    return value

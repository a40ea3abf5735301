"""What differs between two documents, one line per place: the diff people read before they apply a policy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


@dataclass(frozen=True)
class Difference:
    """``path`` such as ``claims.dispute``; ``before`` or ``after`` is ``ABSENT`` where the place is new or gone."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.before is ABSENT:
            return f"+ {self.path}: {_text(self.after)}"
        if self.after is ABSENT:
            return f"- {self.path}: {_text(self.before)}"
        return f"~ {self.path}: {_text(self.before)} -> {_text(self.after)}"


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """Places where ``after`` differs from ``before``. A list is one place: its order means something."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            beneath = f"{path}.{key}" if path else str(key)
            yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), beneath)
    elif before is ABSENT or after is ABSENT or _canonical(before) != _canonical(after):
        yield Difference(path, before, after)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

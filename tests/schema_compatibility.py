"""Whether a schema may take another's place inside one major version: only additions, never a stricter or looser rule.

``required`` may not change at all, enums may only grow, properties may be added and described anew; all else stays as
it is. (A field made optional breaks who reads it, a field made required breaks who writes it.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

DESCRIPTIVE = ("title", "description", "examples")
BY_NAME = ("properties", "$defs")


def breaks(old: Any, new: Any, path: str = "$") -> Iterator[str]:
    """Each change of ``new`` against ``old`` that a major version does not allow, as a line of text."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        if old != new:
            yield f"{path}: {old!r} became {new!r}"
        return
    for key in sorted({*old, *new} - set(DESCRIPTIVE)):
        here = f"{path}.{key}"
        if key == "x-gatekeeper":
            yield from _handling(old.get(key, {}), new.get(key, {}), here)
        elif key not in new or (key not in old and key not in BY_NAME):
            yield f"{here} was {'removed' if key in old else 'added'}"
        elif key in BY_NAME:
            yield from _by_name(old.get(key, {}), new[key], here)
        elif key == "enum":
            yield from (f"{here} lost {value!r}" for value in old[key] if value not in new[key])
        elif key == "required":
            if sorted(old[key]) != sorted(new[key]):
                yield f"{here}: {old[key]} became {new[key]}"
        else:
            yield from breaks(old[key], new[key], here)


def _by_name(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[str]:
    for name, schema in old.items():
        if name in new:
            yield from breaks(schema, new[name], f"{path}.{name}")
        else:
            yield f"{path}.{name} was removed"


def _handling(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[str]:
    for key in ("kind", "major", "topic"):
        if old.get(key) != new.get(key):
            yield f"{path}.{key}: {old.get(key)!r} became {new.get(key)!r}"

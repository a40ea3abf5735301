"""The tree of purposes (design §4).

A no covers everything beneath it. A yes covers what is beneath it too, except a purpose marked explicit, which must be
named itself. The tree is policy data; nothing here knows a purpose by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property


def only(name: str) -> str:
    """``=training``: in a statement's purposes, the purpose itself and nothing beneath it."""
    return f"={name}"


@dataclass(frozen=True)
class Purposes:
    """``explicit[name]`` says whether a purpose must be named itself. A dotted name's parent is the name without its
    last part.
    """

    explicit: Mapping[str, bool]

    def __contains__(self, name: object) -> bool:
        return name in self.explicit

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(self.explicit)

    def unknown(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if name not in self.explicit]

    def lineage(self, name: str) -> list[str]:
        """The purpose and its ancestors, nearest first."""
        parts = name.split(".")
        return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]

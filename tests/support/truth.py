"""What the logs hold, and what stands in the lake: the two sides that the oracle compares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.support.lake_log import Row, Version, versions
from tests.support.raw_logs import Record, document_of, is_valid

Place = tuple[int, int]
SINGLE = ("dead_letters", "catalog", "decisions")
"""The tables with one transaction a content partition."""


@dataclass(frozen=True)
class Truth:
    """Both logs. ``fresh_from`` says of an event at which end of the rights log it was sent, so that no decision on it
    may rest on less."""

    content: Sequence[Record]
    rights: Sequence[Record]
    keyed: bool = True
    fresh_from: Mapping[Place, int] = field(default_factory=dict)

    @cached_property
    def valid(self) -> list[Record]:
        return [r for r in self.content if is_valid(r, keyed=self.keyed)]

    @cached_property
    def invalid(self) -> list[Record]:
        return [r for r in self.content if not is_valid(r, keyed=self.keyed)]

    @cached_property
    def documents(self) -> dict[Place, dict[str, Any]]:
        """Valid events by place."""
        return {(r.partition, r.offset): document_of(r.value) for r in self.valid}

    @cached_property
    def declared(self) -> dict[str, int]:
        """Datasets and the position of their declaration; a retired one is not among them."""
        found: dict[str, int] = {}
        for position, event in self._rights_events():
            if event.get("type") == "dataset.declared":
                found.setdefault(event["data"]["name"], position)
            elif event.get("type") == "dataset.retired":
                found.pop(event["data"]["name"], None)
        return found

    def policy_at(self, position: int) -> str:
        """The digest of the policy that is active at a position, empty where none is."""
        active = [
            event["data"]["digest"]
            for at, event in self._rights_events()
            if at < position and event.get("type") == "policy.activated"
        ]
        return str(active[-1]) if active else ""

    def _rights_events(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for record in self.rights:
            event = document_of(record.value)
            if isinstance(event, dict):
                yield record.offset, event


@dataclass(frozen=True)
class LakeNow:
    """Every version of every append-only table, read once."""

    root: Path
    tables: Mapping[str, list[Version]]

    def rows(self, name: str) -> list[Row]:
        return [row for version in self.tables[name] for row in version.rows]

    @property
    def newest(self) -> int:
        """The newest version of ``decisions``."""
        return self.tables["decisions"][-1].number


def read_lake(root: Path) -> LakeNow:
    return LakeNow(root, {name: list(versions(root / name)) for name in (*SINGLE, "rights")})

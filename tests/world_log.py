"""Sketches of rights events → a rights log: places, identities, and what refers to earlier events."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.world_cast import Json, T
from tests.world_rights import Sketch

SOURCES = ("//rights/desk", "//rights/portal")


@dataclass
class RightsLog:
    """``rights[i]`` arrived at ``arrived_us[i]``; ``unreadable`` are the positions of records made to be unreadable."""

    rights: list[bytes] = field(default_factory=list)
    arrived_us: list[int] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)
    _readable: list[int] = field(default_factory=list)
    _identities: dict[int, tuple[str, str]] = field(default_factory=dict)
    _data_of: dict[str, list[Json]] = field(default_factory=dict)

    def append(self, sketch: Sketch) -> None:
        position = len(self.rights)
        if sketch.identity == "again":
            self._deliver_again(sketch)
            return
        self.arrived_us.append(sketch.arrived_us)
        self.rights.append(self._bytes(sketch, position) if sketch.raw is None else sketch.raw)
        (self._readable if sketch.readable else self.unreadable).append(position)

    def _deliver_again(self, sketch: Sketch) -> None:
        if self._readable:
            self.rights.append(self.rights[_back(self._readable, sketch)])
            self.arrived_us.append(sketch.arrived_us)

    def _bytes(self, sketch: Sketch, position: int) -> bytes:
        source, event_id = self._identities[position] = self._identity(sketch, position)
        data = self._data(sketch)
        if sketch.readable:
            self._data_of.setdefault(sketch.event["type"], []).append(data)
        event = {"specversion": "1.0", "id": event_id, "source": source, **sketch.event, "data": data}
        return json.dumps(event, ensure_ascii=False).encode()

    def _identity(self, sketch: Sketch, position: int) -> tuple[str, str]:
        if sketch.identity == "own" or not self._readable:
            return SOURCES[position % 2], f"e{position}"
        source, event_id = self._identities[_back(self._readable, sketch)]
        return (source, event_id) if sketch.identity == "stolen" else (f"{source}/{position}", event_id)

    def _data(self, sketch: Sketch) -> Json:
        data: Json = sketch.event["data"]
        if sketch.answers:
            return {**data, "position": _back(self.unreadable, sketch) if self.unreadable else 0}
        earlier = self._data_of.get(sketch.closes)
        if not earlier:
            return data
        closed = _back(earlier, sketch)
        return {key: closed.get(key, value) for key, value in data.items()}


def _back(items: list[T], sketch: Sketch) -> T:
    return items[-1 - sketch.back % len(items)]


def written(sketches: Iterable[Sketch]) -> RightsLog:
    """The log these sketches make, in order. An event delivered again is left out while there is none to deliver."""
    log = RightsLog()
    for sketch in sketches:
        log.append(sketch)
    return log

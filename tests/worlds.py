"""Whole worlds, generated: a rights log, a content log, uses, instants and positions to decide at.

Two sources make the same worlds: ``worlds()`` for Hypothesis (small, shrinking) and ``random_world`` for a seeded
generator (any size, fast). Both are for comparing readers of design §4 with one another; nothing here decides.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import strategies as st

from gatekeeper.core.use import Use
from tests.world_cast import GRID_US, LICENCE_ROWS, MODELS, OFTEN_PURPOSES, TERRITORIES, Cast, Choices, Json
from tests.world_content import content_row
from tests.world_log import written
from tests.world_rights import Sketch, rights_sketch, shipped_terms

T = TypeVar("T")

PARTITIONS = 2
TOPIC = "content"


@dataclass(frozen=True)
class World:
    """A state of the world and the questions to ask of it.

    ``rights[i]`` is the record at position ``i`` and arrived at ``arrived_us[i]``. ``content`` are rows in the order
    they are read, with the columns of ``CONTENT_SCHEMA`` (instants in microseconds) and the two the gate adds:
    ``removed_by`` (offset of the removal that covers the event: itself, or the greatest in time before it, the first
    of equals) and ``conflicting`` (the asset already has an event in another partition). Each row is asked about as if
    it were its asset's latest. ``instants`` are microseconds; ``positions`` are end offsets and include the log's end.
    ``unreadable`` are the positions whose records were made to be unreadable.
    """

    rights: list[bytes]
    arrived_us: list[int]
    content: list[Json]
    uses: list[Use]
    instants: list[int]
    positions: list[int]
    unreadable: list[int]


def worlds_policy(shipped: Mapping[str, Any]) -> dict[str, Any]:
    """The shipped policy document with the licence rows that generated worlds make use of."""
    return {**shipped, "licences": [*shipped["licences"], *LICENCE_ROWS]}


@st.composite
def worlds(draw: st.DrawFn, events_max: int = 16, content_max: int = 4) -> World:
    """A small world in which collisions are likely; shrinks towards few, plain events."""
    choices, cast = _Drawn(draw), Cast()
    terms = shipped_terms() if choices.pick([False, True, True]) else []
    sketches = terms + draw(st.lists(_sketches(cast), min_size=choices.pick([0, events_max // 2]), max_size=events_max))
    rows = draw(st.lists(_rows(cast), min_size=1, max_size=content_max))
    log = written(sketches)
    positions = draw(st.lists(st.integers(0, len(log.rights)), max_size=2))
    return World(
        rights=log.rights,
        arrived_us=log.arrived_us,
        content=_placed(choices, rows),
        uses=[_use(choices) for _ in range(choices.pick([1, 2, 3]))],
        instants=[_instant(choices) for _ in range(choices.pick([1, 2]))],
        positions=sorted({*positions, len(log.rights)}),
        unreadable=log.unreadable,
    )


def random_world(rng: random.Random, n_events: int, n_assets: int, n_uses: int = 6, n_instants: int = 3) -> World:
    """A world of ``n_events`` rights events (and the terms) and ``n_assets`` assets, 5 content events to 4."""
    choices, cast = _Rolled(rng), Cast.of_size(n_assets)
    log = written(shipped_terms() + [rights_sketch(choices, cast) for _ in range(n_events)])
    end = len(log.rights)
    return World(
        rights=log.rights,
        arrived_us=log.arrived_us,
        content=_placed(choices, [content_row(choices, cast) for _ in range(n_assets * 5 // 4)]),
        uses=[_use(choices) for _ in range(n_uses)],
        instants=[_instant(choices) for _ in range(n_instants)],
        positions=sorted({rng.randint(0, end), rng.randint(0, end), end}),
        unreadable=log.unreadable,
    )


class _Drawn:
    """Choices that Hypothesis makes, records and shrinks."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def pick(self, options: Sequence[T]) -> T:
        return options[self._draw(st.integers(0, len(options) - 1))]


class _Rolled:
    """Choices of a seeded generator."""

    def __init__(self, rng: random.Random) -> None:
        self._random = rng.random

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self._random() * len(options))]


@st.composite
def _sketches(draw: st.DrawFn, cast: Cast) -> Sketch:
    return rights_sketch(_Drawn(draw), cast)


@st.composite
def _rows(draw: st.DrawFn, cast: Cast) -> Json:
    return content_row(_Drawn(draw), cast)


def _placed(c: Choices, rows: Sequence[Json]) -> list[Json]:
    """Gives each row its place in the log, and what the gate knows of its asset's earlier events."""
    next_offset, partitions = [0] * PARTITIONS, dict[str, set[int]]()
    removals: dict[str, tuple[int, int]] = {}
    placed = []
    for index, row in enumerate(rows):
        asset = row["asset_id"]
        partition = (sum(asset.encode()) + c.pick([0] * 39 + [1])) % PARTITIONS
        offset, next_offset[partition] = next_offset[partition], next_offset[partition] + 1
        partitions.setdefault(asset, set()).add(partition)
        placed.append(
            {
                "event_id": f"content-{index}",
                "source": "//catalogue",
                "topic": TOPIC,
                "partition": partition,
                "offset": offset,
                **row,
                "removed_by": _removed_by(row, offset, removals),
                "conflicting": len(partitions[asset]) > 1,
            }
        )
    return placed


def _removed_by(row: Json, offset: int, removals: dict[str, tuple[int, int]]) -> int | None:
    before = removals.get(row["asset_id"])
    if row["type"] == "content.removed":
        if before is None or row["time"] > before[0]:
            removals[row["asset_id"]] = (row["time"], offset)
        return offset
    return before[1] if before is not None and row["time"] <= before[0] else None


def _use(c: Choices) -> Use:
    territories = c.pick([(), (), (c.pick(TERRITORIES),), (c.pick(TERRITORIES), c.pick(TERRITORIES))])
    return Use(c.pick(OFTEN_PURPOSES), frozenset(territories), c.pick([None, *MODELS]))


def _instant(c: Choices) -> int:
    return c.pick(GRID_US[::-1]) + c.pick([0, 0, 0, -1, 1])

"""Generated worlds: valid where they mean to be, and varied enough to be worth deciding."""

from __future__ import annotations

import json
import random
from collections import Counter
from functools import cache
from importlib.resources import files
from typing import Any

import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings

from gatekeeper.core.contracts import Contracts, contracts_of
from gatekeeper.core.events import RightsEvent, read_rights_event
from gatekeeper.core.policy import read_policy
from gatekeeper.core.purposes import Purposes
from gatekeeper.core.tables import CONTENT_SCHEMA, DATA_FIELDS
from gatekeeper.core.times import format_instant
from gatekeeper.edges.shipped import read_schemas
from tests.world_cast import GRID_US, PURPOSES
from tests.worlds import World, random_world, worlds, worlds_policy

ROW_SCHEMA = pa.schema([*CONTENT_SCHEMA, pa.field("removed_by", pa.int64()), pa.field("conflicting", pa.bool_())])
SEEDS = range(40)


@cache
def _contracts() -> Contracts:
    return contracts_of(read_schemas())


@cache
def _shipped_policy() -> dict[str, Any]:
    return dict(yaml.safe_load((files("gatekeeper") / "shipped/policy/policy.yaml").read_text("utf-8")))


@cache
def _purposes() -> Purposes:
    return read_policy(worlds_policy(_shipped_policy())).purposes


@cache
def _worlds() -> tuple[World, ...]:
    return tuple(random_world(random.Random(seed), n_events=60, n_assets=8) for seed in SEEDS)


def _unreadable(world: World) -> list[int]:
    check = _contracts().check_rights
    records = enumerate(zip(world.rights, world.arrived_us, strict=True))
    read = [read_rights_event(i, value, arrived_us, _purposes(), check) for i, (value, arrived_us) in records]
    return [event.position for event in read if not isinstance(event, RightsEvent)]


def _content_event(row: dict[str, Any]) -> dict[str, Any]:
    data = {field.name: row[field.name] for field in DATA_FIELDS if field.name != "extra"}
    return {"specversion": "1.0", "id": row["event_id"], "source": row["source"], "type": row["type"],
            "time": format_instant(row["time"]), "data": data}  # fmt: skip


def _types(every: tuple[World, ...]) -> Counter[str]:
    """Rights event types among the readable records."""
    return Counter(
        json.loads(value)["type"]
        for world in every
        for position, value in enumerate(world.rights)
        if position not in world.unreadable
    )


@settings(max_examples=60)
@given(worlds())
def test_only_what_is_meant_to_be_unreadable_cannot_be_read(world: World) -> None:
    """A generated rights log is valid by design §3, but for the records that are made not to be."""
    assert _unreadable(world) == world.unreadable


@settings(max_examples=60)
@given(worlds())
def test_content_rows_are_valid_events_and_fit_the_columns(world: World) -> None:
    """Every content row is a valid content event, and the rows make a table with the columns of a content event."""
    assert [problem for row in world.content if (problem := _contracts().check_content(_content_event(row)))] == []
    assert pa.Table.from_pylist(world.content, schema=ROW_SCHEMA).num_rows == len(world.content)
    assert set(world.content[0]) == set(ROW_SCHEMA.names)


@settings(max_examples=60)
@given(worlds())
def test_a_world_asks_at_the_logs_end_and_on_the_grid(world: World) -> None:
    """There is something to ask, the log's end is among the positions, and instants lie on or beside the grid."""
    assert world.uses
    assert world.positions[-1] == len(world.rights) == len(world.arrived_us)
    assert world.positions[0] >= 0
    assert all(min(abs(instant - at) for at in GRID_US) <= 1 for instant in world.instants)


@settings(max_examples=60)
@given(worlds())
def test_places_in_the_content_log_are_dense(world: World) -> None:
    """Each partition's offsets count from 0 without a gap, in the order the rows are read."""
    for partition in {row["partition"] for row in world.content}:
        offsets = [row["offset"] for row in world.content if row["partition"] == partition]
        assert offsets == list(range(len(offsets)))


@settings(max_examples=60)
@given(worlds())
def test_removals_cover_themselves_and_nothing_newer(world: World) -> None:
    """A removal is covered by itself; an event is never covered by a removal whose time is earlier than its own."""
    for row in world.content:
        if row["type"] == "content.removed":
            assert row["removed_by"] == row["offset"]
        elif row["removed_by"] is not None:
            removals = [r for r in world.content if r["offset"] == row["removed_by"] and r["type"] == "content.removed"]
            assert any(r["asset_id"] == row["asset_id"] and r["time"] >= row["time"] for r in removals)


def test_seeded_worlds_are_as_valid_as_drawn_ones() -> None:
    """The seeded generator makes unreadable records only where it says so."""
    assert all(_unreadable(world) == world.unreadable for world in _worlds())


def test_a_seed_gives_the_same_world_again() -> None:
    """A failing seed can be looked at again."""
    assert random_world(random.Random(7), 50, 10) == random_world(random.Random(7), 50, 10)


@pytest.mark.parametrize("kind", sorted(
    s["properties"]["type"]["const"] for s in read_schemas() if s.get("x-gatekeeper", {}).get("topic") == "rights"
))  # fmt: skip
def test_every_type_of_rights_event_appears(kind: str) -> None:
    """No type of rights event is left out of the generated worlds."""
    assert _types(_worlds())[kind] >= 10


def test_events_are_delivered_twice_and_ids_are_shared_between_sources() -> None:
    """Worlds hold second deliveries, other events under a used identity, and one id of two sources."""
    again = stolen = namesakes = 0
    for world in _worlds():
        seen: dict[tuple[str, str], bytes] = {}
        for position, value in enumerate(world.rights):
            if position in world.unreadable:
                continue
            event = json.loads(value)
            identity = (event["source"], event["id"])
            again += seen.get(identity) == value
            stolen += identity in seen and seen[identity] != value
            namesakes += any(i == identity[1] and s != identity[0] for s, i in seen)
            seen.setdefault(identity, value)
    assert min(again, stolen, namesakes) >= 10


def test_unreadable_records_are_of_every_sort_and_some_are_answered() -> None:
    """Bytes that are no event, unknown words, missing fields and times ahead appear; so do answers to them."""
    reasons: Counter[str] = Counter()
    answered = 0
    for world in _worlds():
        answers = {json.loads(v)["data"].get("position") for v in world.rights if b"unreadable.answered" in v}
        answered += len(answers & set(world.unreadable))
        for position in world.unreadable:
            record = read_rights_event(
                position, world.rights[position], world.arrived_us[position], _purposes(), _contracts().check_rights
            )
            reasons[getattr(record, "reason", "readable")] += 1
            reasons["with subject" if getattr(record, "subject", None) else "without subject"] += 1
    assert answered >= 10
    sorts = (
        "unknown_type",
        "unknown_purpose",
        "missing_field",
        "time_ahead",
        "bad_json",
        "with subject",
        "without subject",
    )
    assert [sort for sort in sorts if reasons[sort] < 3] == []


def test_every_shape_of_content_appears() -> None:
    """Removed, covered, conflicting, with and without holders, tagged, reserved and licensed: all of them appear."""
    rows = [row for world in _worlds() for row in world.content]
    shapes = {
        "removed": lambda r: r["type"] == "content.removed",
        "covered": lambda r: r["type"] != "content.removed" and r["removed_by"] is not None,
        "conflicting": lambda r: r["conflicting"],
        "no holder": lambda r: not r["interests"],
        "two holders": lambda r: len({i["party_id"] for i in r["interests"] or []}) > 1,
        "the same twice": lambda r: len({tuple(i.items()) for i in r["interests"] or []}) < len(r["interests"] or []),
        "no AI": lambda r: "no-ai" in (r["tags"] or []),
        "reserved": lambda r: r["reservations"],
        "licensed": lambda r: r["licence"],
        "two catalogues": lambda r: len(set(r["catalogs"] or [])) > 1,
        "hyphenated": lambda r: "-" in ((r["identifiers"] or {}).get("isrc") or ""),
    }
    assert {name for name, is_so in shapes.items() if sum(bool(is_so(row)) for row in rows) < 5} == set()


def test_every_purpose_is_asked_for_and_is_one_of_the_policy() -> None:
    """Uses cover every purpose of the shipped policy, with and without territories and models."""
    uses = [use for world in _worlds() for use in world.uses]
    assert set(PURPOSES) == set(_purposes().names) == {use.purpose for use in uses}
    shapes = {(len(use.territories), use.model is None) for use in uses}
    assert shapes == {(countries, no_model) for countries in range(3) for no_model in (True, False)}

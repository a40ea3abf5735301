"""Answers of the reference and of the kernel to the same questions, in one shape.

Rules of this file: an answer is (verdict, reason, holder, evidence) as text; a question is a row, a use, an instant and
a position of a world. Every way to arrive at a snapshot is a function here, so that a test names the way it means.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from gatekeeper.core.asset import asset_of
from gatekeeper.core.contracts import contracts_of
from gatekeeper.core.decision import decide as reference_decide
from gatekeeper.core.events import RightsEvent, Unreadable, read_rights_event
from gatekeeper.core.kernel import decide as kernel_decide
from gatekeeper.core.policy import Policy, read_policy
from gatekeeper.core.rights import state_of
from gatekeeper.core.snapshot import Limits, Snapshot
from gatekeeper.core.snapshot.keys import STABLE_HASH, KeyHash
from gatekeeper.core.subjects import KINDS
from gatekeeper.core.tables import CONTENT_SCHEMA
from gatekeeper.core.use import Use
from gatekeeper.edges.shipped import read_schemas
from tests.worlds import World, worlds_policy

Answer = tuple[str, str, str | None, str]
Records = list[RightsEvent | Unreadable]

ROW_SCHEMA = pa.schema([*CONTENT_SCHEMA, pa.field("removed_by", pa.int64()), pa.field("conflicting", pa.bool_())])
SEED = 0x5EED


@cache
def shipped_policy() -> dict[str, Any]:
    return dict(yaml.safe_load((files("gatekeeper") / "shipped/policy/policy.yaml").read_text("utf-8")))


@cache
def world_policy() -> Policy:
    """The policy that generated worlds are decided under."""
    return read_policy(worlds_policy(shipped_policy()))


@cache
def check_rights() -> Callable[[Any], tuple[str, str] | None]:
    return contracts_of(read_schemas()).check_rights


def records_of(world: World, policy: Policy) -> Records:
    """The rights log of a world, read."""
    values = enumerate(zip(world.rights, world.arrived_us, strict=True))
    return [
        read_rights_event(i, value, arrived_us, policy.purposes, check_rights()) for i, (value, arrived_us) in values
    ]


def batch_of(rows: Sequence[dict[str, Any]]) -> pa.RecordBatch:
    """Content rows as the kernel is given them."""
    return pa.RecordBatch.from_pylist(list(rows), schema=ROW_SCHEMA)


def uses_of(world: World) -> dict[str, Use]:
    return {f"use-{number}": use for number, use in enumerate(world.uses)}


def by_reference(world: World, records: Records, policy: Policy, position: int, instant_us: int) -> list[list[Answer]]:
    """For each use, the reference's answer to each row."""
    state = state_of(records, position)
    assets = [asset_of(row) for row in world.content]
    return [
        [
            (str(d.verdict), d.reason, d.holder, d.evidence)
            for d in (reference_decide(a, use, state, policy, instant_us) for a in assets)
        ]
        for use in world.uses
    ]


def by_kernel(
    batch: pa.RecordBatch, snapshot: Snapshot, decide: Callable[..., Any] = kernel_decide
) -> list[list[Answer]]:
    """For each use (in the order of ``snapshot.uses``), the kernel's answer to each row."""
    return [
        list(zip(*(column.to_pylist() for column in (d.verdict, d.reason, d.holder, d.evidence)), strict=True))
        for d in decide(batch, snapshot).values()
    ]


def questions(world: World) -> Iterator[tuple[int, int]]:
    """Every position and instant that a world asks about."""
    return ((position, instant_us) for position in world.positions for instant_us in world.instants)


@dataclass(frozen=True)
class Way:
    """How a test arrives at a snapshot: small limits and a weak hash make rare paths common."""

    limits: Limits = field(default_factory=Limits)
    hashing: KeyHash = STABLE_HASH
    seed: int = SEED


WEAK_HASH = KeyHash("weak", lambda words, lengths, seed: STABLE_HASH.of(words, lengths, seed) & np.uint64(3 << 40))
"""Four values in all: every key collides."""
ONE_HASH = KeyHash("one", lambda _words, lengths, _seed: np.full(len(lengths), 7, np.uint64))


def any_way(rng: random.Random) -> Way:
    limits = Limits(
        block_events=rng.choice([1, 7, 4096]),
        recent_rows_max=rng.choice([2, 10, 4096]),
        growth=rng.choice([1, 8]),
        merge_rows_max=rng.choice([30, 1_000_000]),
        speakers_in_chain_max=rng.choice([0, 1, 64]),
    )
    return Way(limits, rng.choice([STABLE_HASH, STABLE_HASH, WEAK_HASH, ONE_HASH]), rng.getrandbits(64))


def compiled(
    records: Records, position: int, instant_us: int, *, world: World, policy: Policy, way: Way | None = None
) -> Snapshot:
    """A snapshot compiled where it is asked."""
    way = way or Way()
    uses = uses_of(world)
    return Snapshot.compile(
        records, position, policy, uses, instant_us, seed=way.seed, hashing=way.hashing, limits=way.limits
    )


def other_policy(rng: random.Random) -> Policy:
    """A policy that differs from the shipped one in every table that decisions are made with."""
    document = dict(worlds_policy(shipped_policy()))
    kinds = rng.sample(KINDS, len(KINDS))
    first, second = sorted(rng.sample(range(1, len(KINDS)), 2))
    stops = [["*"], ["training"], ["training", "external"], ["training.generative"]]
    document["purposes"] = {name: {"explicit": rng.random() < 0.3} for name in document["purposes"]}
    document["layers"] = rng.sample(document["layers"], len(document["layers"]))
    document["wishes_tiers"] = [list(kinds[:first]), list(kinds[first:second]), list(kinds[second:])]
    document["claims"] = {kind: rng.choice(stops) for kind in document["claims"]}
    document["reservations"] = {kind: rng.choice(stops) for kind in document["reservations"]}
    rows = list(document["signals"]["terms"].values())
    shuffled = dict(zip(document["signals"]["terms"], rng.sample(rows, len(rows)), strict=True))
    document["signals"] = {**document["signals"], "terms": shuffled}
    document["required_roles"] = rng.choice(
        [{}, {"training": ["recording"], "training.generative": ["composition"]}, {"service.search": ["performance"]}]
    )
    return read_policy(document)


def disagreements(
    world: World, policy: Policy, snapshot_at: Callable[[Records, int, int], Snapshot]
) -> tuple[int, list[str]]:
    """Asks a world's every question of both; ``snapshot_at(records, position, instant)`` says how to arrive.

    Returns how many decisions were compared, and those that differ as text.
    """
    records, batch = records_of(world, policy), batch_of(world.content)
    compared, differ = 0, []
    for position, instant_us in questions(world):
        expected = by_reference(world, records, policy, position, instant_us)
        answered = by_kernel(batch, snapshot_at(records, position, instant_us))
        for use, theirs, ours in zip(world.uses, expected, answered, strict=True):
            compared += len(theirs)
            differ += [
                f"row {row} {use} at {position}, {instant_us}: reference {their}, kernel {our}"
                for row, (their, our) in enumerate(zip(theirs, ours, strict=True))
                if their != our
            ]
    return compared, differ

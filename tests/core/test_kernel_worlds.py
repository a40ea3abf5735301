"""The columnar kernel and the reference agree on generated worlds: verdict, reason, holder and evidence."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.decision import REASON_ORDER
from gatekeeper.core.policy import Policy
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.snapshot.keys import STABLE_HASH
from gatekeeper.edges.snapshots import open_snapshot, save_snapshot
from tests.core.comparing import (
    Records,
    Way,
    any_way,
    batch_of,
    by_kernel,
    by_reference,
    compiled,
    disagreements,
    other_policy,
    questions,
    records_of,
    uses_of,
    world_policy,
)
from tests.worlds import World, random_world, worlds

SMALL_BLOCKS, SMALL_WORLDS, SMALL_COMPARED = 10, 12, 5_000
LARGE_BLOCKS, LARGE_WORLDS, LARGE_COMPARED = 6, 6, 9_000
"""Each block of worlds compares at least so many decisions: 104,000 in all, besides the other tests here."""


def small_world(seed: int) -> World:
    return random_world(random.Random(seed), n_events=60, n_assets=8)


def large_world(seed: int) -> World:
    return random_world(random.Random(seed), n_events=300, n_assets=24)


@pytest.mark.parametrize("block", range(SMALL_BLOCKS))
def test_small_worlds_where_statements_meet(block: int) -> None:
    """Kernel and reference agree where few subjects carry many statements."""
    assert _compared(block, SMALL_WORLDS, small_world) >= SMALL_COMPARED


@pytest.mark.parametrize("block", range(LARGE_BLOCKS))
def test_larger_worlds(block: int) -> None:
    """Kernel and reference agree where many subjects are looked up at once."""
    assert _compared(block, LARGE_WORLDS, large_world) >= LARGE_COMPARED


@pytest.mark.parametrize("block", range(4))
def test_other_policies(block: int) -> None:
    """Layers, tiers, explicit purposes, claims and roles are policy: another policy moves both in the same way."""
    assert _compared(block, 10, lambda seed: small_world(10_000 + seed), other_policy) > 0


@settings(max_examples=150)
@given(worlds(), st.integers(0, 2**32))
def test_drawn_worlds(world: World, seed: int) -> None:
    """Kernel and reference agree on worlds that shrink to the smallest disagreement, however the snapshot is kept."""
    way = any_way(random.Random(seed))
    _, differ = disagreements(world, world_policy(), partial(compiled, world=world, policy=world_policy(), way=way))
    assert differ == []


def test_the_worlds_reach_every_reason() -> None:
    """No reason code is left out of what the comparison compares."""
    reasons: Counter[str] = Counter()
    for seed in range(60):
        world = small_world(seed)
        records = records_of(world, world_policy())
        for position, instant_us in questions(world):
            answers = by_reference(world, records, world_policy(), position, instant_us)
            reasons.update(reason for of_use in answers for _, reason, _, _ in of_use)
    assert set(REASON_ORDER) - set(reasons) == set()


@pytest.mark.parametrize("first", range(0, 40, 8))
def test_every_way_to_a_position_and_an_instant_decides_the_same(first: int, tmp_path: Path) -> None:
    """Compiled, advanced, moved in time, saved, opened and compacted in any order: the answers are the reference's."""
    for seed in range(first, first + 8):
        rng = random.Random(seed)
        world = small_world(20_000 + seed)
        policy = world_policy() if rng.random() < 0.5 else other_policy(rng)
        wandering = partial(_wandering, rng=rng, world=world, policy=policy, folder=tmp_path)
        _, differ = disagreements(world, policy, wandering)
        assert differ == [], f"seed {seed}"


def _compared(
    block: int,
    worlds_in_block: int,
    world_of: Callable[[int], World],
    policy_of: Callable[[random.Random], Policy] = lambda _: world_policy(),
) -> int:
    """How many decisions of a block of seeded worlds were compared; all of them agree."""
    total = 0
    for seed in range(block * worlds_in_block, (block + 1) * worlds_in_block):
        world, policy = world_of(seed), policy_of(random.Random(seed))
        compared, differ = disagreements(world, policy, partial(compiled, world=world, policy=policy))
        assert differ == [], f"seed {seed}"
        total += compared
    return total


def _wandering(
    records: Records, position: int, instant_us: int, *, rng: random.Random, world: World, policy: Policy, folder: Path
) -> Snapshot:
    """A snapshot that went somewhere else first: earlier positions, other instants, through a file."""
    way = any_way(rng)
    batch = batch_of(world.content)
    start = rng.randint(0, position), rng.choice(world.instants)
    snapshot = compiled(records, *start, world=world, policy=policy, way=way)
    for _ in range(rng.randint(0, 5)):
        step = rng.choice(["advance", "advance", "at", "save", "compact", "decide"])
        if step == "advance":
            further = rng.randint(snapshot.position, position)
            snapshot.advance(records[snapshot.position : further] if rng.random() < 0.5 else records, further)
        elif step == "at":
            snapshot.at(rng.choice([*world.instants, instant_us - 1, instant_us + 1]))
        elif step == "save" and way.hashing is STABLE_HASH:
            snapshot = _through_a_file(snapshot, policy, world, folder, way)
        elif step == "compact":
            snapshot.compact()
        elif step == "decide":
            by_kernel(batch, snapshot)
    snapshot.advance(records, position)
    snapshot.at(instant_us)
    return snapshot


def _through_a_file(snapshot: Snapshot, policy: Policy, world: World, folder: Path, way: Way) -> Snapshot:
    save_snapshot(snapshot, folder / "snapshot")
    opened = open_snapshot(folder / "snapshot", policy, uses_of(world))
    opened.limits = way.limits
    return opened

"""The comparison of kernel and reference is sharp: every seeded mutant of either is noticed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest

from gatekeeper.core.asset import asset_of
from gatekeeper.core.policy import Policy
from tests.core.comparing import (
    Answer,
    Records,
    Way,
    any_way,
    batch_of,
    by_kernel,
    by_reference,
    compiled,
    other_policy,
    questions,
    records_of,
    uses_of,
    world_policy,
)
from tests.core.mutants import KERNEL_MUTANTS, REFERENCE_MUTANTS
from tests.core.mutating import KERNEL, REFERENCE, Mutant, mutated
from tests.worlds import World, random_world

WORLDS = 120
"""Worlds that a mutant may survive; most are noticed in the first."""


@dataclass(frozen=True)
class Asked:
    """A world and what both readers answer, agreed on. ``expected[position, instant][use][row]``."""

    world: World
    policy: Policy
    records: Records
    batch: pa.RecordBatch
    expected: dict[tuple[int, int], list[list[Answer]]]


@cache
def asked(seed: int) -> Asked:
    rng = random.Random(seed)
    world = random_world(rng, n_events=70, n_assets=8)
    policy = world_policy() if seed % 2 == 0 else other_policy(rng)
    records = records_of(world, policy)
    expected = {(p, t): by_reference(world, records, policy, p, t) for p, t in questions(world)}
    return Asked(world, policy, records, batch_of(world.content), expected)


def kernel_differs(of: Asked, seed: int, kernel: ModuleType, snapshots: ModuleType) -> bool:
    """Whether a kernel answers otherwise, with snapshots compiled in place or brought there by steps, on any kind of
    hash.
    """
    rng = random.Random(seed)
    for (position, instant_us), expected in of.expected.items():
        for way in (Way(), any_way(rng)):
            limits = snapshots.Limits(**vars(way.limits))
            build = partial(
                snapshots.Snapshot.compile, policy=of.policy, uses=uses_of(of.world), seed=seed, limits=limits
            )
            start = (
                (position, instant_us) if way == Way() else (rng.randint(0, position), rng.choice(of.world.instants))
            )
            snapshot = build(of.records, start[0], instant_us=start[1], hashing=way.hashing)
            snapshot.advance(of.records, rng.randint(snapshot.position, position))
            snapshot.tables()
            snapshot.at(rng.choice(of.world.instants) if way != Way() else instant_us)
            snapshot.advance(of.records, position)
            snapshot.at(instant_us)
            if by_kernel(of.batch, snapshot, kernel.decide) != expected:
                return True
    return False


def reference_differs(of: Asked, decision: ModuleType, state_of: Any) -> bool:
    assets = [asset_of(row) for row in of.world.content]
    for (position, instant_us), expected in of.expected.items():
        state = state_of(of.records, position)
        for use, of_use in zip(of.world.uses, expected, strict=True):
            decided = [decision.decide(asset, use, state, of.policy, instant_us) for asset in assets]
            if [(str(d.verdict), d.reason, d.holder, d.evidence) for d in decided] != of_use:
                return True
    return False


def kills(mutant: Mutant) -> Iterator[bool]:
    """For each world, whether it notices a mutant of the kernel."""
    with mutated(mutant, KERNEL, "gatekeeper.core.kernel") as kernel:
        snapshots = __import__("gatekeeper.core.snapshot", fromlist=["Snapshot"])
        for seed in range(WORLDS):
            yield kernel_differs(asked(seed), seed, kernel, snapshots)


@pytest.mark.parametrize("mutant", KERNEL_MUTANTS, ids=lambda m: m.what)
def test_a_mutant_of_the_kernel_is_noticed(mutant: Mutant) -> None:
    """Some generated world tells the mutated kernel from the reference."""
    assert any(kills(mutant)), f"survived {WORLDS} worlds"


@pytest.mark.parametrize("mutant", REFERENCE_MUTANTS, ids=lambda m: m.what)
def test_a_mutant_of_the_reference_is_noticed(mutant: Mutant) -> None:
    """Some generated world tells the mutated reference from what kernel and reference agree on."""
    with mutated(mutant, REFERENCE, "gatekeeper.core.decision") as decision:
        state_of = __import__("gatekeeper.core.rights", fromlist=["state_of"]).state_of
        assert any(reference_differs(asked(seed), decision, state_of) for seed in range(WORLDS)), (
            f"survived {WORLDS} worlds"
        )


def test_unchanged_copies_are_not_noticed() -> None:
    """What notices the mutants is their change: a copy without one answers as the original does."""
    same_kernel = Mutant("nothing", "snapshot.scopes", "EVERYTHING = Scope(", "EVERYTHING = Scope(")
    same_reference = Mutant("nothing", "decision", "NO_PERMISSION = Statement(", "NO_PERMISSION = Statement(")
    with mutated(same_kernel, KERNEL, "gatekeeper.core.kernel") as kernel:
        snapshots = __import__("gatekeeper.core.snapshot", fromlist=["Snapshot"])
        assert not any(kernel_differs(asked(seed), seed, kernel, snapshots) for seed in range(4))
    with mutated(same_reference, REFERENCE, "gatekeeper.core.decision") as decision:
        state_of = __import__("gatekeeper.core.rights", fromlist=["state_of"]).state_of
        assert not any(reference_differs(asked(seed), decision, state_of) for seed in range(4))


def test_the_agreed_answers_are_the_kernels() -> None:
    """What mutants of the reference are compared with is what the kernel answers, too."""
    for seed in range(4):
        of = asked(seed)
        for (position, instant_us), expected in of.expected.items():
            snapshot = compiled(of.records, position, instant_us, world=of.world, policy=of.policy)
            assert by_kernel(of.batch, snapshot) == expected

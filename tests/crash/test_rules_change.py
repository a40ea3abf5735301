"""Policy and declarations change on the log under working gates: an event is decided under what is active just then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.wiring import apply, open_workspace, plan, system_clock_us
from tests.support.gate_process import wait_until
from tests.support.kafka_world import KafkaWorld
from tests.support.lake_log import versions

pytestmark = [pytest.mark.crash, pytest.mark.kafka]


def decided_under(root: Path) -> set[tuple[str, str]]:
    """Policy and dataset of every decision."""
    return {(row["policy"], row["dataset"]) for v in versions(root / "lake" / "decisions") for row in v.rows}


def declare(root: Path) -> None:
    declaration = (root / "datasets" / "recommendation.yaml").read_text()
    (root / "datasets" / "search.yaml").write_text(declaration.replace("recommendation", "search", 1))


def alter(root: Path) -> None:
    file = root / "policy" / "policy.yaml"
    file.write_text(file.read_text().replace("dispute: [training, external]", "dispute: [training]"))


@pytest.mark.parametrize("change", [declare, alter])
def test_rules_that_change_under_a_working_gate(kafka_world: KafkaWorld, change: Callable[[Path], None]) -> None:
    """The gate takes them up at their position, one that dies over it leaves nothing half, and old decisions replay."""
    world = kafka_world
    world.send(content=60, rights=3)
    steady = world.gate()
    wait_until(lambda: (world.root / "lake" / "decisions").exists() and decided_under(world.root), "the gate decides")
    before = decided_under(world.root)
    change(world.root)
    opened = open_workspace(world.root, world.root, system_clock_us)
    apply(opened, plan(opened))
    world.rights_end = opened.rights(opened.policy()).position
    world.send(content=60, rights=3)
    wait_until(lambda: decided_under(world.root) > before, "something is decided under the new rules")
    assert steady.alive, steady.words
    steady.kill()
    world.send(content=60, rights=3)
    victim = world.gate(drain=True, stop_at="decisions.commit", group="victim")
    victim.wait()
    assert victim.killed, victim.words
    world.drain()
    assert world.violations() == []

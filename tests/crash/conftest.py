"""Worlds to crash gates in. ``GATEKEEPER_CRASH_FULL=1`` asks for the long form, ``GATEKEEPER_CRASH_SEED=n`` for a seed.

Every world prints its seed: what a test sent and where it killed follow from it, what the machine did in between does
not.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.broker import Broker
from tests.support.gate_world import FileWorld, World
from tests.support.kafka_world import KafkaWorld

FULL = os.environ.get("GATEKEEPER_CRASH_FULL") == "1"

AnyWorld = TypeVar("AnyWorld", bound=World)
NewKafkaWorld = Callable[..., KafkaWorld]
NewFileWorld = Callable[..., FileWorld]

STEPS = ("write", "commit", "committed")
TABLES = ("rights", "dead_letters", "catalog", "decisions", "datasets/recommendation")
ALL_STEPS = tuple(f"{table}.{step}" for table in TABLES for step in STEPS)


_killed: list[int] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if any(_killed):
        terminalreporter.write_line(f"{sum(_killed)} gates ended by kill -9")


def rounds(short: int, full: int) -> int:
    """How often: in ``make test``, and in ``make crash``."""
    return full if FULL else short


@pytest.fixture
def seed() -> int:
    given = os.environ.get("GATEKEEPER_CRASH_SEED")
    chosen = int(given) if given else random.SystemRandom().randrange(10**6)
    print(f"seed {chosen} (again: GATEKEEPER_CRASH_SEED={chosen})")
    return chosen


@pytest.fixture
def opened() -> Iterator[list[World]]:
    """Worlds to be closed at the end, with every gate that still runs."""
    worlds: list[World] = []
    yield worlds
    _killed.append(sum(world.kills for world in worlds))
    for world in worlds:
        world.close()


@pytest.fixture
def file_world(tmp_path: Path, seed: int, opened: list[World]) -> FileWorld:
    return _kept(opened, FileWorld(tmp_path, seed))


@pytest.fixture
def kafka_world(tmp_path: Path, seed: int, opened: list[World], broker: Broker) -> KafkaWorld:
    return _kept(opened, KafkaWorld(tmp_path, seed, broker.servers))


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that may be killed."""
    started = Broker(tmp_path / "kafka")
    started.start()
    yield started
    started.stop()


def _kept(worlds: list[World], world: AnyWorld) -> AnyWorld:
    worlds.append(world)
    return world

"""The crash tests can fail: a gate without one of the things exactly-once and freshness rest on is found out."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable

import pytest

from tests.crash.test_race import decisions, running
from tests.support import wrong_gates
from tests.support.feed import Sent
from tests.support.gate_process import wait_until
from tests.support.gate_world import FileWorld
from tests.support.kafka_world import KafkaWorld
from tests.support.lake_log import versions
from tests.support.race import Race, outcome

pytestmark = pytest.mark.crash


def sleep_through_a_successor(world: FileWorld, break_worker: Callable[[], None]) -> list[str]:
    """A gate sleeps between its comparison and its commit, another drains, the first wakes and goes on."""
    world.send(content=100, rights=3)
    sleeper = world.gate(drain=True, stop_at="decisions.commit", with_signal=signal.SIGSTOP, break_worker=break_worker)
    wait_until(lambda: sleeper.stopped, "the gate stops")
    successor = world.gate(drain=True, break_worker=wrong_gates.without_the_lock)
    assert successor.wait() == 0, successor.words
    sleeper.signal(signal.SIGCONT)
    sleeper.wait()
    return world.violations()


def test_without_the_lock_the_tables_alone_keep_two_gates_apart(file_world: FileWorld) -> None:
    """The control: the same story with a gate that compares ends well."""
    assert sleep_through_a_successor(file_world, wrong_gates.without_the_lock) == []


def test_a_gate_that_does_not_compare_is_noticed(file_world: FileWorld) -> None:
    """Its slice is decided a second time, after its successor's."""
    assert any("too many" in line for line in sleep_through_a_successor(file_world, wrong_gates.that_never_compares))


def test_a_gate_that_forgets_dead_letters_is_noticed(file_world: FileWorld) -> None:
    """A crash between the first and the second commit, and the bad records are dead-lettered again."""
    file_world.send(content=60)
    file_world.gate(drain=True, stop_at="dead_letters.committed").wait()
    heir = file_world.gate(drain=True, break_worker=wrong_gates.that_forgets_dead_letters)
    assert heir.wait() == 0, heir.words
    assert any(line.startswith("dead letters") and "too many" in line for line in file_world.violations())


def test_a_gate_that_forgets_removals_is_noticed(file_world: FileWorld) -> None:
    """An event older than a removal that an earlier gate saw is permitted again."""
    asset = {"asset_id": "x", "account_id": "y"}
    late, removal = (file_world.feed._event(f"content.{kind}", asset) for kind in ("published", "removed"))
    file_world.send_content([Sent(None, removal)])
    file_world.drain()
    file_world.send_content([Sent(None, late)])
    heir = file_world.gate(drain=True, break_worker=wrong_gates.that_forgets_removals)
    assert heir.wait() == 0, heir.words
    assert any("replayed" in line for line in file_world.violations())


def test_a_fold_that_replaces_nothing_is_noticed(file_world: FileWorld) -> None:
    """Updates leave a second row, withdrawals leave the first."""
    for _ in range(2):
        file_world.send(content=100, rights=5)
        gate = file_world.gate(drain=True, break_worker=wrong_gates.that_folds_without_replacing)
        gate.wait()
    assert any(line.startswith("rows of") for line in file_world.violations())


def test_a_gate_that_reads_rights_only_once_is_noticed(file_world: FileWorld) -> None:
    """Rights that were acknowledged before an event was sent are missing from its decision."""
    world = file_world
    world.send(content=10)
    gate = world.gate(break_worker=wrong_gates.that_reads_rights_only_once)
    wait_until(lambda: len(list(versions(decisions(world)))) > 1, "the gate decides")
    world.send(content=20, rights=5)
    wait_until(lambda: len(list(versions(decisions(world)))) > 2, "the gate decides again")
    gate.kill()
    world.drain()
    assert any("rights ended at" in line for line in world.violations())


@pytest.mark.kafka
def test_a_gate_that_trusts_the_stable_end_is_noticed(kafka_world: KafkaWorld) -> None:
    """An open transaction hides acknowledged withdrawals from it, and it permits."""
    race = Race(kafka_world, random.Random(kafka_world.seed))
    gate = running(kafka_world, break_worker=wrong_gates.that_trusts_the_stable_end)
    with race.open_transaction(abort=True):
        race.run(20)
        wait_until(lambda: outcome(decisions(kafka_world), race.tries).stale, "a withdrawn asset is permitted")
    race.close()
    assert gate.alive, gate.words

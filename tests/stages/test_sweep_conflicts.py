"""A sweep leaves an asset with events in two partitions held, as the gate does (design §5). Real topics."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.wiring.replaying import ReplayOptions, replay_decisions
from tests.stages.sweeping import SweepRuns
from tests.stages.test_gate_conflicts import BOTH, HELD, KafkaRuns
from tests.support.broker import Broker
from tests.support.gate_runs import granted, withdrawn

pytestmark = pytest.mark.kafka


class KafkaSweepRuns(KafkaRuns, SweepRuns):
    """On two topics of its own."""


def test_no_opt_in_makes_a_conflicting_asset_unambiguous(broker: Broker, tmp_path: Path) -> None:
    """It stays held while others of the account come and go; a full sweep says nothing again, a replay the same."""
    runs = KafkaSweepRuns(tmp_path / "ws", servers=broker.servers)
    runs.send("both")
    runs.send("both", astray=True)
    runs.send("home")
    runs.send("astray", astray=True)
    runs.drain(partitions=BOTH)
    runs.sweep()
    for said, rows in ((withdrawn(), set()), (granted(time="2025-06-02T00:00:00Z"), {"home", "astray"})):
        runs.rights(said)
        runs.sweep()
        assert runs.last()["both"] == HELD
        assert set(runs.rows()) == rows
    assert not runs.sweep(full=True).tally.decided
    replayed = replay_decisions(runs.opened, ReplayOptions())
    assert (replayed.differ.total(), replayed.decisions.total()) == (0, len(runs.decisions()))
    runs.producer.close()

"""``gatekeeper replay`` at the command line: exit codes, one JSON object, a table for people."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Desk, lines, published
from tests.stages.lake_writing import DECISION, decide


@pytest.fixture
def drained(desk: Desk) -> Desk:
    desk.ok("content", "append", "-", stdin=lines(published("song"), published("other", "tom")))
    desk.ok("gate", "--drain")
    return desk


def test_a_lake_without_decisions_has_nothing_that_differs(desk: Desk) -> None:
    """Exit code 0, and it says that there is none."""
    assert desk.ok("replay", "--json").json == {
        "same": True,
        "decisions": 0,
        "differ": 0,
        "datasets": {},
        "differences": [],
    }
    assert "no such decision" in desk.ok("replay").out


def test_the_same_is_exit_0(drained: Desk) -> None:
    """Of every dataset, counted."""
    answer = drained.ok("replay", "--json").json
    assert (answer["same"], answer["decisions"], answer["differ"]) == (True, 6, 0)
    assert answer["datasets"]["recommendation"] == {"decisions": 2, "differ": 0}
    assert drained.ok("replay", "--sample", "2", "--reference", "--json").json["decisions"] == 2
    assert "+ same" in drained.ok("replay", "--asset", "song").out


def test_any_that_differs_is_exit_1_and_named(drained: Desk, tmp_path: Path) -> None:
    """With its place, what was recorded and why it is not made again."""
    decide(drained.root / "lake", {**DECISION, "asset_id": "song", "dataset": "recommendation"})
    answer = drained.run("replay", "--json")
    assert answer.code == 1
    assert (answer.json["same"], answer.json["differ"]) == (False, 1)
    (difference,) = answer.json["differences"]
    assert (difference["asset_id"], difference["dataset"], difference["offset"]) == ("song", "recommendation", 0)
    people = drained.run("replay", "--dataset", "recommendation")
    assert people.code == 1
    assert "x differs" in people.out
    assert "recorded hold: terms.unclear" in people.out
    assert "1 of 3 decisions are not made again" in people.err


def test_an_asset_nobody_decided_is_bad_input(drained: Desk) -> None:
    """Exit code 2: a mistyped id is no proof of anything."""
    assert drained.run("replay", "--asset", "nobody").code == 2

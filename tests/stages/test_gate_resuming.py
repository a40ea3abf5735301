"""Starting from a kept rights state: the same decisions as from the log's beginning, without reading it again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.edges.jsonl import JsonlRightsReader
from gatekeeper.ports import RightsRecord
from gatekeeper.stages.gate import barrier
from tests.cli.conftest import event, published
from tests.support.gate_runs import Runs, granted, withdrawn
from tests.support.lake_log import Row

Damage = Callable[[Path], None]

ASSETS = {"hers": "nina", "his": "tom", "theirs": "kim", "held": "ann", "answered": "joe"}

BEFORE = [
    *(withdrawn("nina", id_="w"), granted("nina", id_="g")),
    withdrawn("tom"),
    event("rights.claim.opened", claim_id="c", kind="takedown", subject="asset:theirs"),
    *(event("rights.claim.opened", claim_id=f"u-{a}", kind="?", subject=f"asset:{a}") for a in ("held", "answered")),
]
"""Kept; what comes after it must meet it as if it had just been read."""


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Every range of the rights log that is really read; states are kept from the first event on."""
    ranges: list[tuple[int, int]] = []
    honest = JsonlRightsReader.read

    def counted(reader: JsonlRightsReader, from_position: int, to_position: int) -> list[RightsRecord]:
        ranges.append((from_position, to_position))
        return honest(reader, from_position, to_position)

    monkeypatch.setattr(JsonlRightsReader, "read", counted)
    monkeypatch.setattr(barrier, "KEEP_EVENTS_MIN", 1)
    return ranges


@pytest.fixture
def kept(tmp_path: Path, read: list[tuple[int, int]]) -> tuple[Runs, int]:
    """A workspace with a kept state, rights and content that came after it; the position of the state."""
    runs = Runs(tmp_path / "ws")
    first = runs.rights(*BEFORE)
    runs.drain()
    answer = event("rights.unreadable.answered", position=first + len(BEFORE) - 1, because="looked into it")
    end = runs.rights(withdrawn("nina", id_="w"), granted("tom"), event("rights.claim.resolved", claim_id="c"), answer)
    runs.content(*(published(asset, account) for asset, account in ASSETS.items()))
    read.clear()
    return runs, end


def decided(runs: Runs) -> list[Row]:
    """Everything but the gate's own names."""
    runs.drain()
    return runs.decisions()


def read_again(read: list[tuple[int, int]], position: int) -> set[int]:
    """Positions below the kept one that were read."""
    assert read
    return {at for start, stop in read for at in range(start, min(stop, position))}


def states(runs: Runs) -> list[Path]:
    return sorted(path for path in (runs.root / ".snapshots").glob("*/*") if path.is_dir())


def test_a_second_start_reads_only_what_is_new(kept: tuple[Runs, int], read: list[tuple[int, int]]) -> None:
    """Of what lies below the kept position at most the last event, by which the log is known again."""
    runs, position = kept
    runs.drain()
    assert read_again(read, position) <= {position - 1}
    assert runs.last() == {
        "hers": ("permit", "consent.opt_in"),  # the second delivery of the withdrawal counts for nothing
        "his": ("permit", "consent.opt_in"),
        "theirs": ("permit", "terms.permit"),
        "held": ("hold", "evidence.unreadable"),
        "answered": ("permit", "terms.permit"),
    }


def test_decisions_are_the_same_with_and_without_it(kept: tuple[Runs, int], read: list[tuple[int, int]]) -> None:
    """Verdict, reason, holder, evidence, position and instant: row for row."""
    runs, position = kept
    copied = shutil.copytree(runs.root / "lake", runs.root.parent / "lake")
    with_it = decided(runs)
    assert read_again(read, position) <= {position - 1}
    shutil.rmtree(runs.root / "lake")
    shutil.move(copied, runs.root / "lake")
    shutil.rmtree(runs.root / ".snapshots")
    assert decided(runs) == with_it
    assert min(start for start, _ in read) == 0


def torn_header(state: Path) -> None:
    (state / "header.json").write_bytes((state / "header.json").read_bytes()[:-20])


def changed_header(state: Path) -> None:
    header = (state / "header.json").read_text()
    (state / "header.json").write_text(header.replace('"position": ', '"position": 1'))


def arrays_cut_short(state: Path) -> None:
    with (state / "arrays.bin").open("r+b") as file:
        file.truncate(10)


def no_arrays(state: Path) -> None:
    (state / "arrays.bin").unlink()


def no_register(state: Path) -> None:
    state.with_suffix(".json").unlink()


def torn_register(state: Path) -> None:
    state.with_suffix(".json").write_text("{")


@pytest.mark.parametrize(
    "damage",
    [torn_header, changed_header, arrays_cut_short, no_arrays, no_register, torn_register],
    ids=lambda damage: damage.__name__,
)
def test_a_damaged_state_is_passed_over(kept: tuple[Runs, int], read: list[tuple[int, int]], damage: Damage) -> None:
    """It is a cache: the log is read from its beginning, and the decisions are right."""
    runs, _ = kept
    for state in states(runs):
        damage(state)
    runs.drain()
    assert min(start for start, _ in read) == 0
    assert {a for a, (verdict, _) in runs.last().items() if verdict != "permit"} == {"held"}


def test_a_state_of_other_rules_is_passed_over(kept: tuple[Runs, int], read: list[tuple[int, int]]) -> None:
    """A dataset declared since is no part of it."""
    runs, _ = kept
    runs.declare("search", "service.search")
    runs.apply()
    runs.drain()
    assert min(start for start, _ in read) == 0
    assert runs.last("search") == runs.last("radio")


def test_a_state_of_another_log_is_passed_over(kept: tuple[Runs, int], tmp_path: Path) -> None:
    """Kept states lie under the identity of their log: those of another workspace are not looked at."""
    runs, _ = kept
    other = Runs(tmp_path / "other")
    other.rights(*(withdrawn(account) for account in ASSETS.values()), *BEFORE)
    shutil.copytree(runs.root / ".snapshots", other.root / ".snapshots")
    other.content(*(published(asset, account) for asset, account in ASSETS.items()))
    other.drain()
    assert other.last()["his"] == ("deny", "consent.withdrawn")


def test_few_events_are_not_worth_a_file(tmp_path: Path) -> None:
    """Below the limit no state is written."""
    runs = Runs(tmp_path / "ws")
    runs.drain()
    assert states(runs) == []

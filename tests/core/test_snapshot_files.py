"""A rights snapshot as a file: mapped, not parsed; checked, not guessed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gatekeeper.core.policy import read_policy
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.snapshot.keys import STABLE_HASH, KeyHash
from gatekeeper.core.snapshot.storage import ForeignSnapshot, parts_of, snapshot_of
from gatekeeper.core.use import Use
from gatekeeper.edges.snapshots import ARRAYS_NAME, HEADER_NAME, open_snapshot, save_snapshot
from tests.core.comparing import (
    SEED,
    batch_of,
    by_kernel,
    compiled,
    disagreements,
    records_of,
    shipped_policy,
    uses_of,
    world_policy,
)
from tests.worlds import World, random_world


@pytest.fixture(scope="module")
def world() -> World:
    return random_world(random.Random(77), n_events=200, n_assets=16)


@pytest.fixture
def saved(world: World, tmp_path: Path) -> Path:
    """A folder with a snapshot of the whole world."""
    save_snapshot(snapshot_of_world(world), tmp_path / "snapshot")
    return tmp_path / "snapshot"


def snapshot_of_world(world: World, position: int | None = None) -> Snapshot:
    end = len(world.rights) if position is None else position
    records = records_of(world, world_policy())
    return compiled(records, end, world.instants[0], world=world, policy=world_policy())


def test_a_saved_snapshot_decides_the_same(world: World, tmp_path: Path) -> None:
    """Saved at any position and opened again, a snapshot decides as the reference does."""
    folder = tmp_path / "snapshot"

    def through_a_file(records: Any, position: int, instant_us: int) -> Snapshot:
        save_snapshot(compiled(records, position, instant_us, world=world, policy=world_policy()), folder)
        return open_snapshot(folder, world_policy(), uses_of(world))

    compared, differ = disagreements(world, world_policy(), through_a_file)
    assert compared > 0
    assert differ == []


def test_an_opened_snapshot_knows_where_it_stands(world: World, saved: Path) -> None:
    """Position, instant, uses and seed are the saved snapshot's."""
    opened, original = open_snapshot(saved, world_policy(), uses_of(world)), snapshot_of_world(world)
    assert (opened.position, opened.instant_us, opened.uses, opened.seed) == (
        original.position,
        original.instant_us,
        original.uses,
        original.seed,
    )
    assert opened.next_change_us == original.next_change_us


def test_arrays_are_mapped_and_written_to_privately(world: World, saved: Path) -> None:
    """Opening reads no array; moving the opened snapshot alters no byte of the file."""
    before = (saved / ARRAYS_NAME).read_bytes()
    opened = open_snapshot(saved, world_policy(), uses_of(world))
    for level in opened.levels:
        for name, array in level.arrays().items():
            assert _is_mapped(array) or array.size == 0, name
    for instant_us in (*world.instants, 0, 2**61):
        opened.at(instant_us)
    opened.advance(records_of(world, world_policy()), 10_000)
    by_kernel(batch_of(world.content), opened)
    assert (saved / ARRAYS_NAME).read_bytes() == before


def _is_mapped(array: Any) -> bool:
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    return array is not None


def test_an_event_that_was_saved_as_applied_counts_once(world: World, saved: Path) -> None:
    """A second delivery after the restart is still the second delivery."""
    records = records_of(world, world_policy())
    opened = open_snapshot(saved, world_policy(), uses_of(world))
    before = by_kernel(batch_of(world.content), opened)
    size = opened.position
    again = [_moved(record, size + n) for n, record in enumerate(records) if hasattr(record, "id")]
    opened.advance(again, size + len(again))
    opened.position = size
    assert by_kernel(batch_of(world.content), opened) == before


def _moved(record: Any, position: int) -> Any:
    return type(record)(position, record.type, record.time_us, record.source, record.id, record.data)


def test_saving_again_replaces(world: World, saved: Path) -> None:
    """The folder holds the newest snapshot; what an unfinished save left beside it is no hindrance."""
    beside = saved.with_name(saved.name + ".partial")
    beside.mkdir()
    (beside / ARRAYS_NAME).write_bytes(b"half")
    save_snapshot(snapshot_of_world(world, 10), saved)
    assert open_snapshot(saved, world_policy(), uses_of(world)).position == 10
    assert not beside.exists()


def test_a_mapped_snapshot_may_be_saved_over_itself(world: World, saved: Path) -> None:
    """A worker opens its snapshot, moves on, and keeps it in the same folder."""
    opened = open_snapshot(saved, world_policy(), uses_of(world))
    before = by_kernel(batch_of(world.content), opened)
    save_snapshot(opened, saved)
    assert by_kernel(batch_of(world.content), opened) == before
    assert by_kernel(batch_of(world.content), open_snapshot(saved, world_policy(), uses_of(world))) == before


def test_an_empty_snapshot_can_be_kept(tmp_path: Path) -> None:
    """A log without events is a state too."""
    uses = {"a": Use("training")}
    save_snapshot(Snapshot.compile([], 0, world_policy(), uses, 5, seed=SEED), tmp_path / "s")
    assert open_snapshot(tmp_path / "s", world_policy(), uses).position == 0


def _with_header(alter: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        body = json.loads((folder / HEADER_NAME).read_text())
        alter(body)
        (folder / HEADER_NAME).write_text(json.dumps(body))

    return damage


DAMAGES = {
    "no folder": (lambda f: [p.unlink() for p in f.iterdir()] and f.rmdir(), "cannot be read"),
    "no header": (lambda f: (f / HEADER_NAME).unlink(), "cannot be read"),
    "no arrays": (lambda f: (f / ARRAYS_NAME).unlink(), "no arrays.bin"),
    "header cut": (lambda f: (f / HEADER_NAME).write_bytes((f / HEADER_NAME).read_bytes()[:-7]), "cannot be read"),
    "header empty": (lambda f: (f / HEADER_NAME).write_bytes(b"{}"), "cannot be read"),
    "arrays cut": (lambda f: (f / ARRAYS_NAME).write_bytes((f / ARRAYS_NAME).read_bytes()[:-9]), "cut short"),
    "other format": (_with_header(lambda b: b["header"].update(format="gatekeeper-rights-snapshot/0")), "format"),
    "position altered": (_with_header(lambda b: b["header"].update(position=3)), "checksum"),
    "checksum altered": (_with_header(lambda b: b.update(checksum="0" * 64)), "checksum"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_snapshot_is_refused(damage: str, world: World, saved: Path) -> None:
    """What is missing, cut or altered is refused by name, and the caller is told to compile it again."""
    harm, named = DAMAGES[damage]
    harm(saved)
    with pytest.raises(ForeignSnapshot, match=named) as refused:
        open_snapshot(saved, world_policy(), uses_of(world))
    assert "compile it again" in refused.value.do


def test_an_altered_byte_is_found_when_asked_for(world: World, saved: Path) -> None:
    """``verify`` compares every array with the digest that was taken when it was written."""
    open_snapshot(saved, world_policy(), uses_of(world), verify=True)
    content = bytearray((saved / ARRAYS_NAME).read_bytes())
    content[len(content) // 2] ^= 1
    (saved / ARRAYS_NAME).write_bytes(content)
    with pytest.raises(ForeignSnapshot, match="digest"):
        open_snapshot(saved, world_policy(), uses_of(world), verify=True)


def test_another_policy_is_refused(world: World, saved: Path) -> None:
    """A snapshot is specialised for its policy."""
    with pytest.raises(ForeignSnapshot, match="policy"):
        open_snapshot(saved, read_policy(shipped_policy()), uses_of(world))


def test_other_uses_are_refused(world: World, saved: Path) -> None:
    """A snapshot is specialised for its uses, by name."""
    uses = uses_of(world)
    for other in (
        {**uses, "more": Use("training")},
        dict(list(uses.items())[1:]),
        {f"{n}x": u for n, u in uses.items()},
    ):
        with pytest.raises(ForeignSnapshot, match="uses"):
            open_snapshot(saved, world_policy(), other)


def test_another_hash_is_refused(world: World) -> None:
    """Rows found by one hash cannot be found by another."""
    header, arrays = parts_of(snapshot_of_world(world))
    with pytest.raises(ForeignSnapshot, match="hash"):
        snapshot_of(header, arrays, world_policy(), uses_of(world), KeyHash("another/1", STABLE_HASH.of))


def test_a_snapshot_made_by_other_readers_is_refused(world: World) -> None:
    """Rows of reservations were read into it: other readers may read them otherwise."""
    header, arrays = parts_of(snapshot_of_world(world))
    with pytest.raises(ForeignSnapshot, match="readers"):
        snapshot_of({**header, "readers": header["readers"] + 1}, arrays, world_policy(), uses_of(world))

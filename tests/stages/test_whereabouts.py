"""Which files may hold an asset: too many is allowed, too few never; and only those are opened."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from gatekeeper.core.asset import asset_of
from gatekeeper.core.tables import CONTENT_SCHEMA
from gatekeeper.edges.delta import Lake
from gatekeeper.edges.delta_append import AppendTable
from gatekeeper.edges.kept_hashes import KeptHashes
from gatekeeper.errors import Unavailable
from gatekeeper.stages.sweep import latest
from gatekeeper.stages.sweep.whereabouts import Whereabouts
from tests.worlds import World, random_world

FILES = 6


def filled(lake: Lake, world: World) -> AppendTable:
    """The world's content in a few files."""
    table = lake.open("catalog")
    for n in range(FILES):
        table.append(pa.Table.from_pylist(world.content[n::FILES], schema=CONTENT_SCHEMA), {}, {})
        table.refresh()
    return table


@pytest.mark.parametrize("seed", range(4))
def test_every_asset_that_answers_to_a_subject_is_found(seed: int, tmp_path: Path) -> None:
    """On random worlds, for subjects of every kind alone and together: the files named hold all of them."""
    world = random_world(random.Random(seed), n_events=5, n_assets=40)
    table = filled(Lake(tmp_path), world)
    where = Whereabouts(table, KeptHashes(tmp_path / "kept"))
    answering: dict[str, set[str]] = {}
    for row in world.content:
        for subject in asset_of(row).subjects:
            answering.setdefault(subject, set()).add(row["asset_id"])
    asked = [[subject] for subject in answering] + [sorted(answering)[:3], sorted(answering)]
    everywhere = dict.fromkeys(range(4), 10**6)
    for subjects in asked:
        paths = where.of_subjects(subjects)
        found = latest.assets_of(table, everywhere, subjects, paths).to_pylist()
        assert set(found) == set().union(*(answering[subject] for subject in subjects))
        assets = pa.array(sorted(found))
        everything = latest.latest_of(table, everywhere, assets, table.paths())
        narrowed = latest.latest_of(table, everywhere, assets, where.of_assets(assets))
        assert set(where.likely(subjects)) == set(paths)
        assert {p: o.tolist() for p, o in narrowed.items()} == {p: o.tolist() for p, o in everything.items()}


def test_files_without_the_subject_are_not_opened(tmp_path: Path) -> None:
    """A damaged file that cannot hold it costs nothing once its hashes are kept; nobody's subject names no file."""
    world = random_world(random.Random(9), n_events=5, n_assets=40)
    table, kept = filled(Lake(tmp_path), world), KeptHashes(tmp_path / "kept")
    where = Whereabouts(table, kept)
    assert where.of_subjects(["party:nobody-at-all"]) == []
    asset = world.content[0]["asset_id"]
    paths = where.of_subjects([f"asset:{asset}"])
    assert 0 < len(paths) < FILES
    for path in set(table.paths()) - set(paths):
        (tmp_path / "catalog" / path).write_bytes(b"torn")
    assert latest.assets_of(table, {0: 10**6, 1: 10**6}, [f"asset:{asset}"], paths).to_pylist() == [asset]
    with pytest.raises(Unavailable):
        table.scan(["asset_id"])


def test_who_only_looks_takes_what_nobody_has_looked_through_for_possible(tmp_path: Path) -> None:
    """And writes nothing."""
    world = random_world(random.Random(3), n_events=5, n_assets=40)
    table = filled(Lake(tmp_path), world)
    where = Whereabouts(table, KeptHashes(tmp_path / "kept"))
    assert where.likely(["party:nobody-at-all"]) == table.paths()
    assert not (tmp_path / "kept").exists()
    where.of_subjects(["party:nobody-at-all"])
    assert where.likely(["party:nobody-at-all"]) == []


def test_what_was_merged_is_worked_out_anew(tmp_path: Path) -> None:
    """Other files, the same answer; what was kept of the old ones is gone."""
    world = random_world(random.Random(5), n_events=5, n_assets=40)
    table = filled(Lake(tmp_path), world)
    where = Whereabouts(table, KeptHashes(tmp_path / "kept"))
    subjects = [f"account:{world.content[0]['account_id']}"]
    before = latest.assets_of(table, {0: 10**6, 1: 10**6}, subjects, where.of_subjects(subjects))
    assert table.compact() > 0
    after = latest.assets_of(table, {0: 10**6, 1: 10**6}, subjects, where.of_subjects(subjects))
    assert set(before.to_pylist()) == set(after.to_pylist())
    assert len(list((tmp_path / "kept").iterdir())) == len(table.paths())

"""Looking for assets in two partitions, on a real catalogue: what one gate has seen, the others know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from gatekeeper.core.layout import CATALOG, STRAYS_APP
from gatekeeper.edges.delta import Lake
from gatekeeper.stages.gate.strays import Strays
from tests.support.lake_rows import content


def home(asset_ids: pa.StringArray) -> np.ndarray:
    """``a0`` lives in partition 0, ``b1`` in 1."""
    return np.array([int(asset[-1]) for asset in asset_ids.to_pylist()], np.int32)


def look(strays: Strays, *events: tuple[str, int]) -> tuple[list[bool], bool]:
    """(asset, partition) → which conflict, and whether a new stray is among them."""
    conflicting, _, new = strays.look(content([a for a, _ in events], [(p, n) for n, (_, p) in enumerate(events)]))
    return conflicting.tolist(), new


def commit(lake: Lake, *events: tuple[str, int], strays: int | None = None) -> None:
    rows = content([a for a, _ in events], [(p, n) for n, (_, p) in enumerate(events)])
    lake.open(CATALOG).append(rows, {} if strays is None else {STRAYS_APP: strays}, {})


def test_both_orders_in_one_batch(tmp_path: Path) -> None:
    """Every event of the asset in the batch conflicts, whichever partition comes first."""
    strays = Strays(Lake(tmp_path).open(CATALOG), home)
    events = (("a0", 0), ("b0", 1), ("a0", 1), ("b0", 0), ("c0", 0))
    assert look(strays, *events) == ([True, True, True, True, False], True)


def test_a_stray_alone_does_not_conflict(tmp_path: Path) -> None:
    """One partition only, though the wrong one: the order of its events is known."""
    lake = Lake(tmp_path)
    strays = Strays(lake.open(CATALOG), home)
    assert look(strays, ("a0", 1)) == ([False], True)
    commit(lake, ("a0", 1), strays=0)
    assert look(strays, ("a0", 1)) == ([False], False)


def test_what_the_catalogue_holds_counts(tmp_path: Path) -> None:
    """The home event came long before, and nobody watched for it."""
    lake = Lake(tmp_path)
    strays = Strays(lake.open(CATALOG), home)
    commit(lake, ("a0", 0), ("b0", 0))
    assert look(strays, ("a0", 1), ("b0", 0)) == ([True, False], True)


def test_what_another_gate_committed_is_seen(tmp_path: Path) -> None:
    """The counter of strays moved: the home event that comes now conflicts, for a running gate and for a new one."""
    lake = Lake(tmp_path)
    running = Strays(lake.open(CATALOG), home)
    assert look(running, ("a0", 0)) == ([False], False)
    commit(lake, ("a0", 1), strays=0)
    for strays in (running, Strays(lake.open(CATALOG), home)):
        assert look(strays, ("a0", 0)) == ([True], False)


def test_a_stray_is_new_until_the_catalogue_holds_it(tmp_path: Path) -> None:
    """The slice that held it was dropped: read again, it is told to the others again, who have heard nothing of it."""
    lake = Lake(tmp_path)
    strays = Strays(lake.open(CATALOG), home)
    assert look(strays, ("a0", 1)) == ([False], True)
    assert look(strays, ("a0", 1)) == ([False], True)
    commit(lake, ("a0", 1), strays=0)
    assert look(strays, ("a0", 1)) == ([False], False)


def test_one_partition_has_no_strays(tmp_path: Path) -> None:
    """A file, or a topic with one partition: nothing is looked up."""
    assert look(Strays(Lake(tmp_path).open(CATALOG), None), ("a0", 0), ("a1", 0)) == ([False, False], False)

"""The fold as a function of decisions in commit order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.asset_hash import asset_hash
from gatekeeper.core.fold import (
    Batch,
    FoldLimits,
    Handed,
    Waiting,
    batch_of,
    commit_order,
    due,
    last_of_each,
    net,
)
from gatekeeper.core.tables import DATASET_SCHEMA
from tests.support.lake_rows import content

VERSIONS = st.lists(st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), max_size=6), max_size=6)


def batches(versions: list[list[tuple[str, bool]]], first: int = 1) -> list[Batch]:
    made, offset = [], 0
    for number, decided in enumerate(versions):
        events = content([a for a, _ in decided], [(0, offset + i) for i in range(len(decided))])
        permit = np.array([p for _, p in decided], np.bool_)
        position, hashes = np.full(len(decided), number, np.int64), asset_hash(events["asset_id"])
        made.append(batch_of(Handed(first + number, events, permit, position, hashes)))
        offset += len(decided)
    return made


def rows(table: pa.Table) -> dict[str, tuple[str, int]]:
    found = {row["asset_id"]: (row["title"], row["rights_position"]) for row in table.to_pylist()}
    assert len(found) == table.num_rows
    return found


@given(VERSIONS)
def test_the_last_decision_of_an_asset_is_the_truth(versions: list[list[tuple[str, bool]]]) -> None:
    """Along versions, then offsets: a last permit is a row with its own event's payload, anything else is none."""
    expected, offset = dict[str, tuple[str, int]](), 0
    for number, decided in enumerate(versions):
        for asset, permit in decided:
            expected.pop(asset, None)
            if permit:
                expected[asset] = (f"{asset} at 0:{offset}", number)
            offset += 1
    assert rows(net(batches(versions))) == expected


def test_a_permit_and_then_a_denial_leave_no_row() -> None:
    """Also within one version: what was permitted for a moment never enters the table."""
    assert rows(net(batches([[("a", True), ("a", False)]]))) == {}
    assert rows(net(batches([[("a", True)], [("a", False)]]))) == {}


def test_a_permit_after_a_permit_replaces_it() -> None:
    """The row is the newer event's payload at the newer rights position."""
    assert rows(net(batches([[("a", True)], [("a", True)]]))) == {"a": ("a at 0:1", 1)}


def test_a_missing_version_is_never_folded_over() -> None:
    """The version left out could hold a no."""
    first, second = batches([[("a", True)], [("a", True)]])
    with pytest.raises(ValueError, match="decisions 2 to 3 are missing"):
        net([first, replace(second, after=3, through=4)])


def test_versions_count_before_offsets() -> None:
    """A sweep's decision about an old event comes after the gate's about a newer one."""
    version, partition, offset = np.array([2, 1, 1]), np.array([0, 0, 0]), np.array([0, 5, 3])
    assert commit_order(version, partition, offset).tolist() == [2, 1, 0]


@given(st.lists(st.text(max_size=2), max_size=40), st.integers(0, 40))
def test_the_last_of_each_is_found_whatever_the_chunks(ids: list[str], cut: int) -> None:
    """Each asset once, at its last place, in order."""
    found = last_of_each(pa.chunked_array([ids[:cut], ids[cut:]], pa.string()))
    assert found.tolist() == sorted({asset: place for place, asset in enumerate(ids)}.values())


def test_a_batch_of_few_permits_holds_their_payload_alone() -> None:
    """What was denied is remembered by its id; its payload is let go where that frees the larger part."""
    (batch,) = batches([[("a", False), ("b", True), ("c", False)]])
    assert batch.rows.schema == DATASET_SCHEMA
    assert batch.rows["asset_id"].to_pylist() == ["b"]
    assert batch.row.tolist() == [-1, 0, -1]
    assert batch.asset_id.to_pylist() == ["a", "b", "c"]


LIMITS = FoldLimits(lag_min_s=1, lag_max_s=5, share_max=0.1, rewritten_per_row_max=1, pending_bytes_max=1000)


def waiting(**facts: float) -> Waiting:
    calm = {"decisions": 10, "versions": 1, "bytes": 10, "rewritten_rows": 0, "age_s": 2.0, "last_step_s": 0.0}
    return Waiting(**{**calm, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"versions": 0, "bytes": 5000, "age_s": 99}, False),
        ({"age_s": 0.5}, False),
        ({"age_s": 0.5, "bytes": 1001}, True),
        ({}, True),
        ({"rewritten_rows": 10}, True),
        ({"rewritten_rows": 11}, False),
        ({"rewritten_rows": 11, "age_s": 5.0}, True),
        ({"rewritten_rows": 11, "age_s": 5.0, "last_step_s": 0.6}, False),
        ({"rewritten_rows": 11, "age_s": 6.0, "last_step_s": 0.6}, True),
        ({"rewritten_rows": 11, "last_step_s": 60, "bytes": 1001}, True),
    ],
    ids=str,
)
def test_when_to_fold(facts: dict[str, float], expected: bool) -> None:
    """Nothing waits longer than it must, nothing is rewritten for few rows too often, memory is bounded."""
    assert due(waiting(**facts), LIMITS) is expected

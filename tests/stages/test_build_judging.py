"""Blocks of joined rows: no asset spans two, and what is refused is refused for the first thing that is wrong."""

from __future__ import annotations

import random
from itertools import pairwise

import pyarrow as pa
import pytest

from gatekeeper.core.policy import read_policy
from gatekeeper.core.selection import read_columns, read_selection
from gatekeeper.core.use import read_declaration
from gatekeeper.edges.sorted_rows import NOT_IN_CATALOG as JOIN_NOT_IN_CATALOG
from gatekeeper.edges.sorted_rows import SUPERSEDED as JOIN_SUPERSEDED
from gatekeeper.edges.sorted_rows import joined_schema
from gatekeeper.edges.yaml_files import read_yaml
from gatekeeper.stages.build.judging import Judged, judge, whole_assets
from gatekeeper.stages.build.values import NOT_IN_CATALOG, SUPERSEDED, Wanted
from tests.test_schemas import SHIPPED

POLICY = read_policy(read_yaml(SHIPPED / "policy" / "policy.yaml"))


def wanted(**declared: object) -> Wanted:
    document = {"name": "d", "purpose": "training.analytical", "columns": ["title"], **declared}
    declaration = read_declaration(document, POLICY.purposes)
    return Wanted("1", declaration, POLICY, read_selection(document), read_columns(document), "gatekeeper test")


def joined(*rows: tuple[str, str | None]) -> pa.Table:
    """Rows (asset id, problem) as the join gives them; a row's place is its number."""
    schema = joined_schema(wanted(where={"title": "x"}).event_columns)
    made = [
        {
            "row_asset_id": asset,
            "row_partition": 0,
            "row_offset": number,
            "problem": problem,
            "asset_id": asset,
            "partition": 0,
            "offset": number,
            "title": asset,
            "conflicting": False,
        }
        for number, (asset, problem) in enumerate(rows)
    ]
    return pa.Table.from_pylist(made, schema=schema)


def judged(rows: pa.Table, verdict: str = "permit", **declared: object) -> Judged:
    def decide(events: pa.Table) -> pa.RecordBatch:
        said = {"verdict": verdict, "reason": "terms.permit", "holder": "account:n", "evidence": "e"}
        return pa.record_batch({name: pa.array([text] * events.num_rows, pa.string()) for name, text in said.items()})

    return judge(rows, wanted(**declared), decide)


def reasons(found: Judged) -> list[tuple[str, str, str]]:
    return [(row["asset_id"], row["verdict"], row["reason"]) for row in found.refused.to_pylist()]


def test_a_row_with_a_problem_is_refused_whatever_the_kernel_says() -> None:
    """And by its own name, also beside a sound row of the same asset."""
    found = judged(joined(("a", "not_in_catalog"), ("b", None), ("b", "superseded"), ("c", None)))
    assert reasons(found) == [("a", "deny", "not_in_catalog"), ("b", "hold", "superseded")]
    assert found.rows["asset_id"].to_pylist() == ["b", "c"]


def test_sound_rows_of_one_asset_are_all_refused() -> None:
    """Two of them or more: nobody can say which is right."""
    found = judged(joined(("a", None), ("b", None), ("b", None), ("b", None), ("c", None)))
    assert reasons(found) == [("b", "deny", "duplicate")] * 3
    assert found.rows["asset_id"].to_pylist() == ["a", "c"]


@pytest.mark.parametrize("verdict", ["deny", "hold"])
def test_only_a_permit_enters(verdict: str) -> None:
    """What is no permit goes aside to be compared with the record."""
    found = judged(joined(("a", None), ("b", None)), verdict)
    assert found.rows.num_rows == 0
    assert reasons(found) == [("a", verdict, "terms.permit"), ("b", verdict, "terms.permit")]
    assert found.suspects["asset_id"].to_pylist() == ["a", "b"]


def test_where_is_asked_of_permitted_rows_only() -> None:
    """A row that is not permitted is refused for that, selected or not; what is left out is no suspect."""
    rows = joined(("a", None), ("b", None))
    assert reasons(judged(rows, where={"title": "b"})) == [("a", "permit", "not_selected")]
    assert judged(rows, where={"title": "b"}).suspects.num_rows == 0
    assert reasons(judged(rows, "deny", where={"title": "b"})) == [
        ("a", "deny", "terms.permit"),
        ("b", "deny", "terms.permit"),
    ]


def test_no_rows_are_judged_as_none() -> None:
    """With all columns."""
    found = judged(joined())
    assert (found.rows.num_rows, found.refused.num_rows, found.suspects.num_rows) == (0, 0, 0)
    assert found.rows.schema.names == ["asset_id", "title", "partition", "offset", "reason", "evidence"]


def test_the_join_and_the_stage_call_problems_the_same() -> None:
    assert (JOIN_NOT_IN_CATALOG, JOIN_SUPERSEDED) == (NOT_IN_CATALOG, SUPERSEDED)


@pytest.mark.parametrize("seed", range(20))
def test_no_asset_spans_two_blocks(seed: int) -> None:
    """However the blocks of the join are cut, and nothing is lost between them."""
    world = random.Random(seed)
    assets = sorted(world.choice("abcde") for _ in range(world.randrange(1, 30)))
    rows = joined(*((asset, None) for asset in assets))
    cuts = sorted(world.randrange(len(assets) + 1) for _ in range(world.randrange(6)))
    pieces = [rows.slice(begin, end - begin) for begin, end in pairwise([0, *cuts, len(assets)])]
    blocks = list(whole_assets(pieces))
    assert pa.concat_tables(blocks).equals(rows)
    held = [set(block["row_asset_id"].to_pylist()) for block in blocks]
    assert sum(map(len, held)) == len(set(assets))

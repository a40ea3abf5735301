"""A dataset's rows beside their catalogue events: what the join says, compared with the rules written out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from gatekeeper.core.layout import CATALOG
from gatekeeper.core.removals import Removals
from gatekeeper.core.tables import CONTENT_SCHEMA, DATA_FIELDS, DATASET_SCHEMA
from gatekeeper.edges.delta import Lake
from gatekeeper.edges.sorted_rows import Files, SortedRows, files_of, joined_schema
from gatekeeper.errors import Unavailable
from tests.support.lake_rows import content

COLUMNS = ("asset_id", "type", "title", "attributes", "interests")


def joining(tmp_path: Path, batch_rows: int = 7) -> SortedRows:
    spill = tmp_path / "spill"
    spill.mkdir(exist_ok=True)
    return SortedRows(spill, 256 * 2**20, 2, batch_rows)


def file_of(tmp_path: Path, name: str, table: pa.Table) -> list[str]:
    path = tmp_path / f"{name}.parquet"
    pq.write_table(table, path, store_schema=False)
    return [str(path)]


def as_dataset(events: pa.Table) -> pa.Table:
    """The rows that a fold would make of events."""
    names = [*(field.name for field in DATA_FIELDS), "partition", "offset"]
    positions = pa.array([7] * events.num_rows, pa.int64())
    return events.select(names).append_column("rights_position", positions).cast(DATASET_SCHEMA)


def joined(tmp_path: Path, rows: Files, events: Files) -> list[dict[str, Any]]:
    tables = list(joining(tmp_path).read(rows, events, COLUMNS))
    assert all(table.schema.equals(joined_schema(COLUMNS)) for table in tables)
    return pa.concat_tables([joined_schema(COLUMNS).empty_table(), *tables]).to_pylist()


def random_events(seed: int) -> pa.Table:
    """Two partitions, few assets, many removals, times in any order."""
    world = random.Random(seed)
    tables = []
    for partition, assets in ((0, "abcdef"), (1, "efgh")):
        ids = [world.choice(assets) for _ in range(40)]
        events = content(ids, [(partition, offset * 3) for offset in range(40)])
        types = [world.choice(["content.published", "content.updated", "content.removed"]) for _ in ids]
        times = pa.array([world.randrange(10) for _ in ids], pa.int64()).cast(CONTENT_SCHEMA.field("time").type)
        tables.append(events.set_column(2, "type", pa.array(types)).set_column(3, "time", times))
    return pa.concat_tables(tables)


def expected(events: pa.Table) -> dict[tuple[int, int], tuple[str | None, int | None, bool]]:
    """Place → (problem, removed_by, conflicting), worked out row by row."""
    rows = events.to_pylist()
    found = {}
    for partition in (0, 1):
        mine = events.filter(pa.compute.equal(events["partition"], partition))
        for row, removed_by in zip(mine.to_pylist(), Removals().covering(mine).to_pylist(), strict=True):
            of_asset = [other for other in rows if other["asset_id"] == row["asset_id"]]
            conflicting = len({other["partition"] for other in of_asset}) > 1
            later = any(other["offset"] > row["offset"] for other in of_asset)
            problem = "superseded" if later and not conflicting else None
            found[partition, row["offset"]] = (problem, removed_by, conflicting)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_the_join_knows_of_an_event_what_the_stream_knows(tmp_path: Path, seed: int) -> None:
    """Removals, two partitions, later events: of an asset's latest event exactly as the gate has it."""
    events = random_events(seed)
    rows = joined(tmp_path, file_of(tmp_path, "rows", as_dataset(events)), file_of(tmp_path, "events", events))
    known = expected(events)
    assert len(rows) == events.num_rows
    for row in rows:
        problem, removed_by, conflicting = known[row["row_partition"], row["row_offset"]]
        assert (row["problem"], row["conflicting"]) == (problem, conflicting)
        if problem is None and not conflicting:
            assert row["removed_by"] == removed_by


def edited(events: pa.Table, **columns: Sequence[Any]) -> pa.Table:
    rows = as_dataset(events)
    for name, values in columns.items():
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, name, pa.array(values, rows.schema.field(name).type))
    return rows


@pytest.mark.parametrize(
    "change",
    [
        {"asset_id": ["z"]},
        {"offset": [8]},
        {"partition": [1]},
        {"title": ["other"]},
        {"title": [None]},
        {"account_id": ["other"]},
        {"interests": [[]]},
        {"interests": [[{"party_id": "q", "role": "recording"}]]},
        {"attributes": [[("bpm", "121")]]},
        {"attributes": [None]},
        {"extra": ["{}"]},
    ],
)
def test_a_row_that_is_not_its_event_is_not_in_the_catalogue(tmp_path: Path, change: dict[str, Any]) -> None:
    """Another asset, place or payload, in whichever column."""
    events = content(["a"], [(0, 3)])
    [row] = joined(tmp_path, file_of(tmp_path, "rows", edited(events, **change)), file_of(tmp_path, "events", events))
    assert row["problem"] == "not_in_catalog"


def test_rows_come_by_asset_id_as_bytes(tmp_path: Path) -> None:
    """Whatever the language: capitals before small letters, and beyond ASCII by UTF-8."""
    ids = ["b", "a", "B", "é", "z", "ß", "10", "9", "𝄞", "a b"]
    events = content(ids, [(0, offset) for offset in range(len(ids))])
    rows = joined(tmp_path, file_of(tmp_path, "rows", as_dataset(events)), file_of(tmp_path, "events", events))
    assert [row["row_asset_id"] for row in rows] == sorted(ids, key=str.encode)
    assert all(row["title"] == f"{row['asset_id']} at 0:{row['row_offset']}" for row in rows)


def test_an_empty_table_has_no_rows(tmp_path: Path) -> None:
    """Of either: a lake's table without files."""
    events = content(["a"], [(0, 0)])
    assert joined(tmp_path, [], file_of(tmp_path, "events", events)) == []
    [row] = joined(tmp_path, file_of(tmp_path, "rows", as_dataset(events)), [])
    assert row["problem"] == "not_in_catalog"


def test_files_that_only_pyarrow_can_open_give_the_same(tmp_path: Path) -> None:
    """As those of an object store do."""
    events = random_events(9)
    files = file_of(tmp_path, "rows", as_dataset(events)), file_of(tmp_path, "events", events)
    opened = ds.dataset(files[0], schema=DATASET_SCHEMA), ds.dataset(files[1], schema=CONTENT_SCHEMA)
    assert joined(tmp_path, *opened) == joined(tmp_path, *files)


def test_a_file_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    """Never fewer rows."""
    with pytest.raises(Unavailable):
        joined(tmp_path, [str(tmp_path / "gone.parquet")], [])


@pytest.mark.parametrize("name", ["lake", "la ke", "la[k]e", "l*ke"])
def test_a_lake_may_lie_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    """Also one that looks like a pattern."""
    root = tmp_path / name
    events = content(["a"], [(0, 0)])
    Lake(root).open(CATALOG).append(events, {}, {})
    found = joined(
        tmp_path, file_of(tmp_path, "rows", as_dataset(events)), files_of(Lake(root).open(CATALOG), str(root))
    )
    assert [row["problem"] for row in found] == [None]

"""Reading a lake: by place, by version, by dataset; real Delta tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from gatekeeper.core.commits import Refused
from gatekeeper.core.tables import DECISIONS_SCHEMA, RIGHTS_SCHEMA
from gatekeeper.edges.delta import Lake
from gatekeeper.edges.delta_append import AppendTable
from gatekeeper.errors import Unavailable
from gatekeeper.stages.reading import events_of
from tests.support.lake_rows import content, decisions, names


@pytest.fixture(params=["directory", "uri"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """The same tables through a path and through deltalake's object store."""
    return Lake(tmp_path if request.param == "directory" else tmp_path.as_uri())


def add(table: AppendTable, rows: pa.Table) -> None:
    table.append(rows, {}, {})
    table.refresh()


def filled(lake: Lake, files: int = 4, rows: int = 10) -> AppendTable:
    """Files of two partitions with ascending offsets."""
    table = lake.open("catalog")
    for file in range(files):
        places = [(n % 2, file * rows + n) for n in range(rows)]
        add(table, content([f"a{offset}" for _, offset in places], places))
    return table


def test_a_range_leaves_out_its_base_and_holds_its_last(lake: Lake) -> None:
    """``(after, through]`` of one partition, by offset, whatever files it spans."""
    found = filled(lake).read_range(1, 7, 25, ["offset", "partition"])
    assert found.to_pydict() == {"offset": list(range(9, 26, 2)), "partition": [1] * 9}


def test_a_range_without_rows_is_an_empty_table_of_its_columns(lake: Lake) -> None:
    """Also in a table without files."""
    table = lake.open("catalog")
    assert table.read_range(0, -1, 100, ["asset_id"]).schema == pa.schema([("asset_id", pa.string())])
    assert filled(lake).read_range(5, -1, 100).num_rows == 0


def test_files_that_cannot_hold_a_row_are_not_opened(lake: Lake, tmp_path: Path) -> None:
    """The log entry's least and greatest offset tell: a damaged file out of range costs nothing."""
    table = filled(lake)
    (needed,) = table.paths({"partition": (0, 0), "offset": (12, 14)})
    for path in set(table.paths()) - {needed}:
        (tmp_path / "catalog" / path).write_bytes(b"torn")
    assert table.read_range(0, 11, 14, ["offset"])["offset"].to_pylist() == [12, 14]
    with pytest.raises(Unavailable):
        table.scan(["offset"])


def test_rows_are_found_by_place(lake: Lake) -> None:
    """Each place that has a row gives it once; the others give none."""
    places = {0: np.array([2, 30, 31]), 1: np.array([5, 99]), 7: np.array([1]), 8: np.array([], np.int64)}
    found = filled(lake).rows_at(places, ["asset_id"])
    assert sorted(found["asset_id"].to_pylist()) == ["a2", "a30", "a5"]


def test_a_filter_may_name_columns_that_are_not_read(lake: Lake) -> None:
    """``scan`` gives the columns asked for, of the rows that match."""
    found = filled(lake).scan(["asset_id"], pc.field("offset") < 2)
    assert sorted(found["asset_id"].to_pylist()) == ["a0", "a1"]
    assert found.schema == pa.schema([("asset_id", pa.string())])


def test_rights_are_read_by_position(lake: Lake) -> None:
    """``[first, last]``, in order."""
    table = lake.open("rights")
    rows = [{"position": n, "value": b"{}", "readable": True, "recorded_at": 0} for n in (4, 1, 2, 3)]
    add(table, pa.Table.from_pylist(rows, schema=RIGHTS_SCHEMA))
    assert table.read_positions(2, 3, ["position"])["position"].to_pylist() == [2, 3]


def test_rows_since_a_version_carry_their_version(lake: Lake) -> None:
    """``(version, through]``, of one dataset, with columns whose names are words of SQL."""
    table = lake.open("decisions")
    for version in range(1, 5):
        events = content([f"a{version}"], [(0, version)])
        add(table, pa.concat_tables([decisions(events, [True], "d"), decisions(events, [False], "other")]))
    found = table.read_since(1, 3, ["partition", "offset", "verdict"], "d").sort_by("offset")
    assert found.to_pydict() == {
        "partition": [0, 0],
        "offset": [2, 3],
        "verdict": ["permit", "permit"],
        "_commit_version": [2, 3],
    }
    assert [str(kind) for kind in found.schema.types] == ["int32", "int64", "string", "int64"]
    assert table.read_since(3, 4).num_rows == 2
    assert table.read_since(3, 4).drop_columns("_commit_version").schema == DECISIONS_SCHEMA


def test_nothing_since_the_newest_version(lake: Lake) -> None:
    """And a version without rows gives none."""
    table = lake.open("decisions")
    assert table.read_since(0, 0).num_rows == 0
    table.commit((), {"app": 1}, {})
    table.refresh()
    assert table.read_since(0, 1, ["offset"]).num_rows == 0


def test_compaction_is_invisible_to_who_follows_the_versions(lake: Lake) -> None:
    """Its version has no rows, and those of the versions before are read as they were."""
    table = lake.open("decisions")
    for version in range(1, 4):
        add(table, decisions(content([f"a{version}"], [(0, version)]), [True]))
    other = lake.open("decisions")
    assert table.compact() == 2
    assert table.version == 4
    assert isinstance(other.commit((), {}, {}), Refused)
    assert len(table.paths()) == 1
    assert table.read_since(3, 4).num_rows == 0
    assert table.read_since(0, 4, ["offset"]).sort_by("offset")["_commit_version"].to_pylist() == [1, 2, 3]
    assert sorted(table.read_range(0, -1, 9, ["offset"])["offset"].to_pylist()) == [1, 2, 3]


def test_a_log_that_no_longer_reaches_back_is_an_error(lake: Lake, tmp_path: Path) -> None:
    """A version that cannot be read is never taken for one without rows: it could hold a no."""
    table = lake.open("decisions")
    for version in range(1, 4):
        add(table, decisions(content([f"a{version}"], [(0, version)]), [True]))
    table.delta.create_checkpoint()
    (tmp_path / "decisions" / "_delta_log" / f"{2:020d}.json").unlink()
    with pytest.raises(Unavailable, match="versions 1 to 3"):
        lake.open("decisions").read_since(0, 3)


def test_the_lake_lists_its_dataset_tables(lake: Lake) -> None:
    """Declared or not, a table that is there is named."""
    assert lake.datasets() == frozenset()
    lake.dataset("voice-2")
    lake.dataset("rights")
    assert lake.datasets() == {"voice-2", "rights"}


def test_a_new_dataset_begins_where_decisions_stand(lake: Lake) -> None:
    """No decision before its creation is about it, every one after is of a later version."""
    table = lake.open("decisions")
    add(table, decisions(content(list(names(3)), [(0, n) for n in range(3)]), [True] * 3, "older"))
    assert lake.dataset("d").folded == 1
    add(table, decisions(content(["x"], [(0, 9)]), [True], "d"))
    assert lake.dataset("d").folded == 1


def with_filters(table: AppendTable, root: Path) -> bool:
    """Whether every row group of every file of the table carries a Bloom filter on the asset id."""
    files = [pq.ParquetFile(root / table.name / path).metadata for path in table.paths()]
    groups = [file.row_group(n) for file in files for n in range(file.num_row_groups)]
    columns = [group.column(n) for group in groups for n in range(group.num_columns)]
    filters = [column.bloom_filter_length for column in columns if column.path_in_schema == "asset_id"]
    return bool(filters) and all(filters)


@pytest.mark.parametrize("merged", [False, True])
def test_one_asset_is_looked_up_whatever_files_hold_it(lake: Lake, tmp_path: Path, merged: bool) -> None:
    """All of its rows, of no other asset; strange ids too; files carry Bloom filters, and merged ones as well."""
    table, strange = lake.open("decisions"), 'o\'brien "x" -- ü'
    for n in range(4):
        places = [(0, 3 * n + k) for k in range(3)]
        add(table, decisions(content([f"a{n}", "again", strange], places), [True] * 3))
    if merged:
        assert table.compact() == 3
    assert with_filters(table, tmp_path)
    for asset, offsets in (("again", [1, 4, 7, 10]), (strange, [2, 5, 8, 11]), ("a2", [6]), ("nobody", [])):
        found = table.look_up("asset_id", asset, ("asset_id", "offset", "decided_at"))
        assert sorted(found["offset"].to_pylist()) == offsets
        assert set(found["asset_id"].to_pylist()) <= {asset}
    assert found.schema == pa.schema([DECISIONS_SCHEMA.field(name) for name in ("asset_id", "offset", "decided_at")])
    assert events_of(filled(lake), "a7")["offset"].to_pylist() == [7]

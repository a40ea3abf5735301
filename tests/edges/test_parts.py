"""Parquet parts: the same rows give the same bytes, and files are cut where they should be."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gatekeeper.edges.parts import PartLimits, PartsWriter

SCHEMA = pa.schema([("asset_id", pa.string()), ("genres", pa.list_(pa.string()))])


def rows(count: int) -> pa.Table:
    ids = [f"a{number:06d}" for number in range(count)]
    return pa.table({"asset_id": ids, "genres": [["jazz", i[-1]] for i in ids]}, schema=SCHEMA)


def written(folder: Path, table: pa.Table, cuts: Sequence[int], limits: PartLimits) -> list[Path]:
    """The table added in pieces that end at ``cuts``."""
    folder.mkdir()
    writer = PartsWriter(lambda number: folder / f"{number}.parquet", SCHEMA, "asset_id", limits)
    begin = 0
    for end in (*cuts, table.num_rows):
        writer.add(table.slice(begin, end - begin))
        begin = end
    writer.close()
    assert writer.rows == [pq.read_metadata(path).num_rows for path in writer.paths]
    return writer.paths


@pytest.mark.parametrize("cuts", [(1,), (2999,), (0, 0, 7, 7, 500, 1001, 1002), tuple(range(0, 3000, 13))])
def test_the_bytes_do_not_show_how_the_rows_arrived(tmp_path: Path, cuts: tuple[int, ...]) -> None:
    """Not in which pieces, and not when: row groups and files end at row counts alone."""
    limits = PartLimits(rows_per_file_max=1000, row_group_rows=300)
    digests = [
        [hashlib.sha256(path.read_bytes()).hexdigest() for path in written(tmp_path / name, rows(3000), pieces, limits)]
        for name, pieces in (("once", ()), ("pieces", cuts))
    ]
    assert digests[0] == digests[1]


@pytest.mark.parametrize(("count", "per_file"), [(0, 10), (1, 10), (9, 10), (10, 10), (11, 10), (30, 10), (5, 1)])
def test_files_hold_as_many_rows_as_they_may(tmp_path: Path, count: int, per_file: int) -> None:
    """All but the last are full; without rows there is one empty file, with its columns."""
    paths = written(tmp_path / "parts", rows(count), (count // 2,), PartLimits(per_file, row_group_rows=4))
    sizes = [pq.read_metadata(path).num_rows for path in paths]
    assert sum(sizes) == count
    assert sizes[:-1] == [per_file] * (len(sizes) - 1)
    assert len(sizes) == max(1, -(-count // per_file))
    assert pa.concat_tables([pq.read_table(path) for path in paths]).equals(rows(count))


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "lz4", "brotli", "none"])
def test_every_compression_a_declaration_may_name_can_be_read(tmp_path: Path, compression: str) -> None:
    """By a reader that is not the writer's."""
    [path] = written(tmp_path / "parts", rows(50), (), PartLimits(compression=compression))
    assert duckdb.sql(f"SELECT count(DISTINCT asset_id) FROM read_parquet('{path}')").fetchall() == [(50,)]


def test_a_reader_finds_an_asset_without_reading_the_rest(tmp_path: Path) -> None:
    """Sorted by asset id, with statistics, a page index, and a Bloom filter that says no for ids that are not there."""
    [path] = written(tmp_path / "parts", rows(1000), (), PartLimits(row_group_rows=250))
    metadata = pq.read_metadata(path)
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [250] * 4
    group = metadata.row_group(0)
    assert [column.column_index for column in group.sorting_columns] == [0]
    column = group.column(0)
    assert (column.statistics.min, column.statistics.max) == ("a000000", "a000249")
    assert column.has_offset_index
    assert column.has_column_index
    asked = f"SELECT bloom_filter_excludes FROM parquet_bloom_probe('{path}', 'asset_id', 'a000100x')"
    assert duckdb.sql(asked).fetchall() == [(True,)] * 4

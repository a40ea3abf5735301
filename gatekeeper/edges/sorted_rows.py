"""A dataset table's rows beside their catalogue events, by asset id, with DuckDB: a join and a sort larger than memory.

Why DuckDB: hash join, aggregation and sort all spill to ``folder`` under one memory limit, and it reads the tables'
Parquet files by path. Nothing is decided here; a row only arrives with what the catalogue says of it.

Per row (``JOINED``): its own place; ``problem``, null when it is the very event it claims to be, otherwise
``not_in_catalog`` (no event there, or another asset's, or another payload) or ``superseded`` (the asset has a later
event); the columns of the event asked for; ``removed_by`` and ``conflicting`` as the stream knows them (design §4, §5).
Payloads are compared by a 64-bit hash on both sides: what is published and decided is the catalogue's in any case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from gatekeeper.core.removals import REMOVED
from gatekeeper.core.tables import CONTENT_SCHEMA, DATA_FIELDS, DATASET_SCHEMA
from gatekeeper.edges.delta_table import Handle
from gatekeeper.errors import Unavailable

ROW_FIELDS = (
    pa.field("row_asset_id", pa.string()),
    pa.field("row_partition", pa.int32()),
    pa.field("row_offset", pa.int64()),
    pa.field("problem", pa.string()),
)
STREAM_FIELDS = (pa.field("removed_by", pa.int64()), pa.field("conflicting", pa.bool_()))
Files: TypeAlias = Sequence[str] | ds.Dataset
"""Paths of local files; or a dataset where only pyarrow can open them: an object store with credentials of its own."""
_GLOB = frozenset("*?[]{}")
"""A folder's name with one of these is a pattern to DuckDB."""
NOT_IN_CATALOG, SUPERSEDED = "not_in_catalog", "superseded"


@dataclass(frozen=True)
class SortedRows:
    """``folder`` must exist and is where DuckDB spills. ``memory_bytes_max`` is its share, not the process's."""

    folder: Path
    memory_bytes_max: int
    threads: int
    batch_rows: int

    def read(self, dataset: Files, catalog: Files, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Parquet files → tables of at most ``batch_rows`` rows, ascending by the row's asset id (as UTF-8
        bytes), partition and offset. ``columns`` are content columns. Raises ``Unavailable``.
        """
        schema = joined_schema(columns)
        try:
            with duckdb.connect(config=self._config()) as database:
                _view(database, "dataset_rows", dataset, DATASET_SCHEMA)
                _view(database, "catalog_rows", catalog, CONTENT_SCHEMA)
                for batch in database.sql(_query(columns)).to_arrow_reader(self.batch_rows):
                    yield pa.Table.from_batches([batch]).rename_columns(schema.names).cast(schema)
        except duckdb.Error as problem:
            do = "look after the lake and the space for temporary files, then build again: nothing was published"
            raise Unavailable(f"joining the dataset with the catalogue: {problem}", do) from problem

    def _config(self) -> dict[str, str | bool | int | float | list[str]]:
        return {
            "memory_limit": f"{self.memory_bytes_max // 2**20}MiB",
            "threads": self.threads,
            "temp_directory": str(self.folder),
            "autoinstall_known_extensions": False,
            "TimeZone": "UTC",
        }


def joined_schema(columns: Sequence[str]) -> pa.Schema:
    """The columns ``read`` gives, in their order and types."""
    return pa.schema([*ROW_FIELDS, *(CONTENT_SCHEMA.field(name) for name in columns), *STREAM_FIELDS])


def files_of(handle: Handle, root: str) -> Files:
    """A loaded table's data files, as they are best read. ``root`` is the lake's: a folder, or a URI."""
    paths = handle.paths()
    if "://" in root or _GLOB & set(root):
        return ds.dataset(paths, schema=handle.spec.schema, format="parquet", filesystem=handle.store.files)
    return [str(Path(root) / handle.name / path) for path in paths]


def _view(database: duckdb.DuckDBPyConnection, name: str, files: Files, schema: pa.Schema) -> None:
    if isinstance(files, ds.Dataset):
        database.register(name, files)
    elif files:
        database.read_parquet(list(files), hive_partitioning=False).create_view(name)
    else:
        database.register(name, schema.empty_table())


def _query(columns: Sequence[str]) -> str:
    payload = ", ".join(_name(field.name) for field in DATA_FIELDS)
    wanted = "".join(f"c.{_name(column)} AS {_name('event_' + column)}, " for column in columns)
    return f"""
WITH rows AS (SELECT asset_id, "partition", "offset", hash({payload}) AS payload FROM dataset_rows),
events AS (SELECT *, hash({payload}) AS payload FROM catalog_rows),
assets AS (
    SELECT asset_id, max("offset") AS latest, min("partition") <> max("partition") AS conflicting
    FROM catalog_rows GROUP BY asset_id),
removals AS (
    SELECT DISTINCT ON (asset_id, "partition") asset_id, "partition", "offset", "time"
    FROM catalog_rows WHERE type = '{REMOVED}' ORDER BY asset_id, "partition", "time" DESC, "offset")
SELECT
    d.asset_id AS row_asset_id, d."partition" AS row_partition, d."offset" AS row_offset,
    CASE WHEN c."offset" IS NULL OR c.payload <> d.payload THEN '{NOT_IN_CATALOG}'
         WHEN NOT a.conflicting AND c."offset" < a.latest THEN '{SUPERSEDED}' END AS problem,
    {wanted}
    CASE WHEN c.type = '{REMOVED}' THEN c."offset"
         WHEN r."time" >= c."time" AND r."offset" < c."offset" THEN r."offset" END AS removed_by,
    coalesce(a.conflicting, false) AS conflicting
FROM rows d
LEFT JOIN events c ON c."partition" = d."partition" AND c."offset" = d."offset" AND c.asset_id = d.asset_id
LEFT JOIN assets a ON a.asset_id = d.asset_id
LEFT JOIN removals r ON r.asset_id = d.asset_id AND r."partition" = d."partition"
ORDER BY d.asset_id, d."partition", d."offset"
"""  # noqa: S608 - every name is a constant of core.tables


def _name(column: str) -> str:
    return f'"{column}"'

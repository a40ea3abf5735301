"""Candidates written by hand from a real dataset table, in the agreed format, and spoilt at will."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gatekeeper.core.layout import Build, build, build_name
from gatekeeper.core.manifest import Basis, Counts, FileEntry, Manifest, manifest_bytes
from gatekeeper.core.tables import DATA_FIELDS
from gatekeeper.core.times import parse_instant
from gatekeeper.edges.delta import Lake
from gatekeeper.wiring.workspace import open_workspace


def rows_of(root: Path, dataset: str) -> pa.Table:
    """The dataset's rows as a part holds them."""
    table = Lake(root / "lake").dataset(dataset)
    rows = table.read(table.paths({})).sort_by("asset_id")
    rows = rows.select([*(f.name for f in DATA_FIELDS), "partition", "offset"])
    for name, value in (("reason", "terms.permit"), ("evidence", "rights:0@1#000000000000")):
        rows = rows.append_column(name, pa.array([value] * rows.num_rows, pa.string()))
    return rows


def write_candidate(
    root: Path,
    dataset: str,
    version: str = "v1",
    *,
    rows: pa.Table | None = None,
    refused: Sequence[Mapping[str, Any]] = (),
    now: str = "2025-06-20T12:00:00Z",
    rows_per_part: int = 1000,
    **manifest: Any,
) -> Path:
    """A candidate of these rows (default: the dataset's). ``manifest`` replaces fields of its manifest."""
    opened = open_workspace(root, root, lambda: parse_instant(now))
    rules = opened.rules()
    declared = next(d for d in rules.declarations if d.name == dataset)
    rows = rows_of(root, dataset) if rows is None else rows
    folder = root / build(Build(dataset, version))
    (folder / "data").mkdir(parents=True)
    files = []
    for number, start in enumerate(range(0, max(1, rows.num_rows), rows_per_part)):
        name = f"data/part-{number:05d}.parquet"
        part = rows.slice(start, rows_per_part)
        pq.write_table(part, folder / name)
        files.append(entry(folder, name, part.num_rows))
    (folder / "refused.jsonl").write_text("".join(json.dumps(row) + "\n" for row in refused))
    files.append(entry(folder, "refused.jsonl"))
    reasons = rows["reason"].to_pylist() if "reason" in rows.column_names else []
    made = Manifest(
        build=build_name(dataset, version),
        dataset=dataset,
        version=version,
        declaration=dict(declared.document),
        declaration_digest=declared.digest,
        purpose=declared.use.purpose,
        territories=tuple(sorted(declared.use.territories)),
        model=declared.use.model,
        basis=Basis(opened.rights(rules.policy).position, rules.policy.digest, now, None, {}),
        rows=rows.num_rows,
        schema={field.name: str(field.type) for field in rows.schema},
        files=tuple(files),
        counts=Counts(_counted(reasons), {}, _counted([row["reason"] for row in refused])),
        tool="test",
    )
    (folder / "manifest.json").write_bytes(manifest_bytes(replace(made, **manifest)))
    return folder


def entry(folder: Path, name: str, rows: int | None = None) -> FileEntry:
    data = (folder / name).read_bytes()
    return FileEntry(name, hashlib.sha256(data).hexdigest(), len(data), rows)


def refusal(asset_id: str, reason: str, *, forged: bool = False) -> dict[str, Any]:
    """A line of ``refused.jsonl``."""
    place = {"partition": 0, "offset": 0, "holder": None, "evidence": "none"}
    return {"asset_id": asset_id, "verdict": "deny", "reason": reason, "forged": forged, **place}


def with_values(rows: pa.Table, column: str, values: Mapping[str, Any]) -> pa.Table:
    """The rows with other values in a column, by asset id."""
    ids, old = rows["asset_id"].to_pylist(), rows[column].to_pylist()
    new = [values.get(asset, value) for asset, value in zip(ids, old, strict=True)]
    at = rows.schema.get_field_index(column)
    return rows.set_column(at, column, pa.array(new, rows.schema.field(column).type))


def _counted(reasons: Sequence[str]) -> dict[str, int]:
    return {reason: list(reasons).count(reason) for reason in sorted(set(reasons))}

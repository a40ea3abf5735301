"""What expectations are held against besides the rows: files, columns, refusals, and numbers about the whole candidate.

A frame is a small table with our own findings in the column ``finding``, empty where nothing was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core import media
from gatekeeper.core.manifest import MANIFEST, REFUSED, Manifest
from gatekeeper.core.screening import NO_FINDING, named_like_a_secret
from gatekeeper.core.suites import Screening
from gatekeeper.core.tables import DATA_FIELDS

NOT_SELECTED = "not_selected"
PLACE_COLUMNS = ("partition", "offset", "reason", "evidence")
"""What every part has after the declared columns."""


class Unjudgeable(Exception):
    """Something is missing without which nothing can be said; the message holds no content."""


@dataclass(frozen=True)
class FileSeen:
    """A file as it is: ``sha256`` is None when it is not there; ``columns`` and ``rows`` only of a readable part."""

    path: str
    sha256: str | None
    bytes: int = 0
    rows: int | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Released:
    """The last release. ``asset_ids`` reads them, in arrays."""

    manifest: Manifest
    asset_ids: Callable[[], Iterator[pa.Array]]


@dataclass
class Counted:
    """What was met while looking: rows of the parts by reason, their assets, the assets that were refused."""

    rows: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    assets: list[pa.ChunkedArray] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def add(self, rows: pa.Table) -> None:
        self.rows += rows.num_rows
        self.assets.append(rows["asset_id"])
        if "reason" in rows.column_names:
            for row in pc.value_counts(rows["reason"]).to_pylist():
                self.reasons[str(row["values"])] += row["counts"]


def files(manifest: Manifest, seen: Sequence[FileSeen], counted: Counted) -> pa.Table:
    """A row for each file, the manifest first."""
    there, listed = {file.path: file for file in seen}, {entry.path: entry for entry in manifest.files}
    rows = [(MANIFEST, _manifest(manifest, counted))]
    rows += [(path, _file(there.get(path), listed.get(path))) for path in sorted(there.keys() | listed.keys())]
    return pa.table(
        {
            "path": [path for path, _ in rows],
            "finding": pa.array([f"{path} {found}" if found else NO_FINDING for path, found in rows], pa.string()),
        }
    )


def _manifest(manifest: Manifest, counted: Counted) -> str:
    if manifest.release is not None:
        return "is a release's already"
    if sum(file.rows or 0 for file in manifest.files) != manifest.rows or counted.rows != manifest.rows:
        return f"says {manifest.rows} rows, the parts hold {counted.rows}"
    if dict(manifest.counts.permitted) != dict(counted.reasons):
        return "counts other reasons than the parts hold"
    if media.copies(manifest.declaration) != (manifest.media is not None):
        return "lists media that the declaration does not copy, or none though it does"
    if REFUSED not in {file.path for file in manifest.files}:
        return f"does not list {REFUSED}"
    return NO_FINDING


def _file(seen: FileSeen | None, listed: Any) -> str:
    if listed is None:
        return "is not in the manifest"
    if seen is None or seen.sha256 is None:
        return "is missing"
    if seen.sha256 != listed.sha256.removeprefix("sha256:"):
        return "has another SHA-256"
    if seen.bytes != listed.bytes:
        return f"has {seen.bytes} bytes, not {listed.bytes}"
    return NO_FINDING if seen.rows == listed.rows else f"has {seen.rows} rows, not {listed.rows}"


def columns(manifest: Manifest, seen: Sequence[FileSeen], names: Sequence[str]) -> pa.Table:
    """A row for each column that is in a part, in the manifest or declared."""
    declared = manifest.declaration.get("columns") or [f.name for f in DATA_FIELDS]
    of_media = [media.AUDIO] if media.copies(manifest.declaration) else []
    required = list(dict.fromkeys(["asset_id", *declared, *of_media, *PLACE_COLUMNS]))
    parts = [file.columns for file in seen if file.columns is not None]
    everywhere = list(dict.fromkeys([*required, *manifest.schema, *(name for part in parts for name in part)]))
    screening = Screening(tuple(names))

    def finding(name: str) -> str:
        if name not in required:
            return f"column {name} is not declared"
        if not parts or name not in manifest.schema or any(name not in part for part in parts):
            return f"column {name} is missing"
        return (
            f"column {name} is named like a secret or a person" if named_like_a_secret(name, screening) else NO_FINDING
        )

    return pa.table({"column": everywhere, "finding": pa.array([finding(n) for n in everywhere], pa.string())})


def refused(manifest: Manifest, lines: Iterable[bytes], counted: Counted) -> pa.Table:
    """A row for the file, then one for each of its lines that is forged, cannot be read, or lost its media."""
    reasons: Counter[str] = Counter()
    found: list[tuple[str | None, str]] = []
    without: list[tuple[str | None, str]] = []
    for number, line in enumerate(lines, 1):
        row = _refusal(line)
        if row is None:
            found.append((None, f"{REFUSED} line {number} is malformed"))
            continue
        reasons[row["reason"]] += 1
        if row["reason"] != NOT_SELECTED:
            counted.refused.append(row["asset_id"])
        if row["forged"]:
            found.append((row["asset_id"], f"forged row ({row['reason']})"))
        elif row["reason"] in media.REASONS:
            without.append((row["asset_id"], row["reason"]))
    same = dict(reasons) == {reason: n for reason, n in manifest.counts.refused.items() if n}
    found.insert(0, (None, NO_FINDING if same else f"{REFUSED} has other counts than the manifest"))
    return pa.table(
        {
            "asset_id": pa.array([asset for asset, _ in (*found, *without)], pa.string()),
            "finding": pa.array([*(why for _, why in found), *(NO_FINDING for _ in without)], pa.string()),
            "finding.media": pa.array([*(NO_FINDING for _ in found), *(why for _, why in without)], pa.string()),
        }
    )


def _refusal(line: bytes) -> Mapping[str, Any] | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(row, dict) or type(row.get("forged")) is not bool:
        return None
    return row if isinstance(row.get("reason"), str) and isinstance(row.get("asset_id"), str | None) else None


def facts(manifest: Manifest, position: int, rules_changed: int, counted: Counted) -> dict[str, Any]:
    """Numbers about the candidate; positions count rights events."""
    behind = position - manifest.basis.rights_position
    return {
        "rows": counted.rows,
        "rules_changed": rules_changed,
        "rights_behind": max(0, behind),
        "rights_ahead": max(0, -behind),
    }


def compared(released: Released | None, not_permitted: pa.Array, counted: Counted) -> dict[str, Any]:
    """Against the last release, 0 where there is none: the share of its rows that are gone without a refusal that
    explains it, and the share of rows (of the one that has fewer) that are permitted for other reasons.
    """
    if released is None or not released.manifest.rows:
        return {"unexplained_loss": 0.0, "reason_shift": 0.0}
    here = pa.chunked_array([chunk for column in counted.assets for chunk in column.chunks], pa.string())
    explained = pa.concat_arrays([_strings(not_permitted), pa.array(counted.refused, pa.string())])
    lost = 0
    for ids in released.asset_ids():
        gone = ids.filter(pc.invert(pc.is_in(ids, value_set=here)))
        lost += len(gone) - (pc.sum(pc.is_in(gone, value_set=explained)).as_py() or 0)
    return {
        "unexplained_loss": lost / released.manifest.rows,
        "reason_shift": _shift(counted.reasons, released.manifest.counts.permitted),
    }


def _strings(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    return (
        pa.concat_arrays(array.chunks)
        if isinstance(array, pa.ChunkedArray) and array.num_chunks
        else pa.array(array.to_pylist(), pa.string())
    )


def _shift(here: Mapping[str, int], before: Mapping[str, int]) -> float:
    """Total variation distance between two mixes: 0 for the same shares, 1 when they have nothing in common."""
    total, total_before = sum(here.values()), sum(before.values())
    if not total or not total_before:
        return 0.0
    reasons = here.keys() | before.keys()
    return sum(abs(here.get(r, 0) / total - before.get(r, 0) / total_before) for r in reasons) / 2

"""A rightsholder's answer: which of my recordings are in which datasets and releases, why, and what I can do.

Rules of this file: recordings that answer to the party or account are counted by the last decision on record; what can
be done is said for one example of each answer, by the reference implementation, as ``explain`` says it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.stages.reading import ReadableTable, last_decisions
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.trace.membership import Published, rows_among

COLUMNS = ("verdict", "reason", "holder", "evidence", "rights_position")

Advise = Callable[[str, str], tuple[str, ...]]
"""(dataset, asset id) → what the holder can do, in sentences."""


@dataclass(frozen=True)
class Answer:
    """Recordings of one dataset with one answer. ``holder`` is whose interest decided, ``example`` one of them."""

    dataset: str
    verdict: str
    reason: str
    holder: str | None
    recordings: int
    example: str
    can_do: tuple[str, ...]


@dataclass(frozen=True)
class Inside:
    """Recordings in one release. ``recalled`` of them must not be used any more."""

    release: str
    latest: bool
    recordings: int
    recalled: int
    reasons: Mapping[str, int]
    models: tuple[str, ...]


@dataclass(frozen=True)
class Recording:
    """One recording: its last decision for each dataset, and the releases that hold it (``recalled`` or not)."""

    asset_id: str
    title: str | None
    decisions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    releases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Holding:
    """Everything about one subject, ``party:P`` or ``account:A``."""

    subject: str
    recordings: tuple[Recording, ...]
    answers: tuple[Answer, ...]
    releases: tuple[Inside, ...]


def holding(
    subject: str,
    asset_ids: Sequence[str],
    catalog: ReadableTable,
    decisions: ReadableTable | None,
    store: ReleaseStore,
    releases: Sequence[Published],
    models: Callable[[Published], Sequence[str]],
    latest: Callable[[str], str | None],
    advise: Advise,
) -> Holding:
    """``models``: those declared for a release; ``latest``: dataset → the release its readers get."""
    ids = pa.array(asset_ids, pa.string())
    rows = _last(decisions, ids)
    known = {asset: Recording(asset, title, {}, {}) for asset, title in _titles(catalog, ids).items()}
    known |= {asset: Recording(asset, None, {}, {}) for asset in asset_ids if asset not in known}
    decided = {asset: dict[str, Mapping[str, Any]]() for asset in asset_ids}
    for row in rows.to_pylist():
        decided[row["asset_id"]][row["dataset"]] = {name: row[name] for name in COLUMNS}
    held = {asset: dict[str, Mapping[str, Any]]() for asset in asset_ids}
    inside = []
    for one in releases:
        found = rows_among(store, one.manifest, asset_ids).to_pylist() if asset_ids and one.manifest.rows else []
        for row in found:
            recall = one.recalled_by(row["asset_id"])
            told = {"reason": row["reason"], "evidence": row["evidence"], "recalled": recall}
            held[row["asset_id"]][one.manifest.name] = told
        if found:
            is_latest = latest(one.manifest.dataset) == one.manifest.name
            recalled = sum(held[row["asset_id"]][one.manifest.name]["recalled"] is not None for row in found)
            reasons = Counter(row["reason"] for row in found)
            inside.append(Inside(one.manifest.name, is_latest, len(found), recalled, dict(reasons), tuple(models(one))))
    recordings = [Recording(asset, known[asset].title, decided[asset], held[asset]) for asset in sorted(asset_ids)]
    return Holding(subject, tuple(recordings), tuple(_answers(rows, advise)), tuple(inside))


def _last(decisions: ReadableTable | None, ids: pa.Array) -> pa.Table:
    names = ("asset_id", "dataset", *COLUMNS)
    if decisions is None or not len(ids):
        return pa.table({name: pa.array([], pa.string()) for name in names})
    rows = last_decisions(decisions, COLUMNS)
    return rows.filter(pc.is_in(rows["asset_id"], value_set=ids)).select(list(names))


def _titles(catalog: ReadableTable, ids: pa.Array) -> dict[str, str | None]:
    """Of the latest event of each."""
    rows = catalog.scan(["asset_id", "title", "offset"], pc.field("asset_id").isin(ids)).sort_by("offset")
    return dict(zip(rows["asset_id"].to_pylist(), rows["title"].to_pylist(), strict=True))


def _answers(rows: pa.Table, advise: Advise) -> list[Answer]:
    keys = ["dataset", "verdict", "reason", "holder"]
    grouped = rows.group_by(keys).aggregate([("asset_id", "count"), ("asset_id", "min")]).to_pylist()
    grouped.sort(key=lambda row: (row["dataset"], -row["asset_id_count"], row["reason"], row["holder"] or ""))
    advised: dict[tuple[str, str], tuple[str, ...]] = {}
    found = []
    for row in grouped:
        example = row["asset_id_min"]
        # one explanation for each reason: the holders of a label's recordings are told the same
        key = (row["dataset"], row["reason"])
        if key not in advised:
            advised[key] = advise(row["dataset"], example)
        told = (row["dataset"], row["verdict"], row["reason"], row["holder"])
        found.append(Answer(*told, row["asset_id_count"], example, advised[key]))
    return found

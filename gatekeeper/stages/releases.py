"""``gatekeeper releases``: what is published, and how two releases of a dataset differ, by reason and rightsholder."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.layout import build_name
from gatekeeper.core.manifest import REFUSED, Manifest
from gatekeeper.core.recalls import Recall
from gatekeeper.stages.latest import folder_of, latest_of, manifest_of
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.release_reading import names, recalled_ids, recalls_of, rows_of

EXAMPLES_MAX = 3
UNKNOWN = "unknown"

Recorded = Callable[[str], Mapping[str, tuple[str, str | None]]]
"""Dataset → for each asset the reason and holder of its last recorded decision."""


@dataclass(frozen=True)
class Line:
    """One release in the list. ``problem`` where its manifest cannot be read; ``recalled`` is None for all its rows."""

    release: str
    rows: int
    published: str
    rights_position: int
    approved_by: str | None
    latest: bool
    recalled: int | None
    problem: str = ""


def listed(store: ReleaseStore, dataset: str | None) -> list[Line]:
    """Every release, of one dataset or all, in order of their names."""
    latest: dict[str, str | None] = {}
    lines = []
    for name, version in names(store):
        if dataset not in (None, name):
            continue
        if name not in latest:
            pointed = latest_of(store, name)
            latest[name] = None if pointed is None else pointed.version
        try:
            manifest = manifest_of(store, name, version)
        except ValueError as problem:
            lines.append(Line(build_name(name, version), 0, "", -1, None, False, 0, str(problem)))
            continue
        if manifest is not None:
            lines.append(_line(store, manifest, latest[name] == version))
    return lines


def _line(store: ReleaseStore, manifest: Manifest, is_latest: bool) -> Line:
    published, recalled = manifest.release, recalled_ids(recalls_of(store, manifest))
    return Line(
        release=manifest.name,
        rows=manifest.rows,
        published=published.instant if published else "",
        rights_position=published.rights_position if published else -1,
        approved_by=published.approval.by if published and published.approval else None,
        latest=is_latest,
        recalled=None if recalled is None else len(recalled),
    )


@dataclass(frozen=True)
class Shown:
    """One release with its recalls."""

    manifest: Manifest
    recalls: tuple[Recall, ...]


@dataclass(frozen=True)
class Group:
    """Rows that came (``in``) or went (``out``) for one reason and holder, with examples."""

    way: str
    reason: str
    holder: str | None
    rows: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """``changed`` are assets in both whose content event is another one now."""

    before: str
    after: str
    kept: int
    changed: int
    groups: tuple[Group, ...]

    def count(self, way: str) -> int:
        return sum(group.rows for group in self.groups if group.way == way)


def diff(
    store: ReleaseStore, before: Manifest, after: Manifest, recorded: Recorded, of_after: ReleaseStore | None = None
) -> Difference:
    """Rows in and out between two releases of any dataset. ``of_after`` is where ``after`` is, where that is elsewhere.

    Why a row went: as the later build refused it; else the last decision on record. Why one came: its permit.
    """
    later = of_after or store
    old, new = _keys(store, before), _keys(later, after)
    was = pc.index_in(new["asset_id"], value_set=old["asset_id"])
    both = new.filter(pc.is_valid(was))
    places = old.take(was.drop_null())
    changed = pc.invert(
        pc.and_(pc.equal(both["partition"], places["partition"]), pc.equal(both["offset"], places["offset"]))
    )
    gone = old.filter(pc.invert(pc.is_in(old["asset_id"], value_set=new["asset_id"])))
    come = new.filter(pc.is_null(was))
    decisions = recorded(after.dataset) if gone.num_rows or come.num_rows else {}
    refused = _refused(later, after)
    why_out = {a: refused.get(a) or decisions.get(a, (UNKNOWN, None)) for a in gone["asset_id"].to_pylist()}
    reasons = zip(come["asset_id"].to_pylist(), come["reason"].to_pylist(), strict=True)
    why_in = {a: (reason, decisions.get(a, (UNKNOWN, None))[1]) for a, reason in reasons}
    groups = (*_groups("out", why_out), *_groups("in", why_in))
    return Difference(before.name, after.name, both.num_rows, int(pc.sum(changed).as_py() or 0), groups)


def _keys(store: ReleaseStore, manifest: Manifest) -> pa.Table:
    pieces = list(rows_of(store, manifest, ["asset_id", "partition", "offset", "reason"]))
    empty = {"asset_id": pa.string(), "partition": pa.int32(), "offset": pa.int64(), "reason": pa.string()}
    return pa.concat_tables([pa.schema(list(empty.items())).empty_table(), *pieces]).combine_chunks()


def _refused(store: ReleaseStore, manifest: Manifest) -> dict[str, tuple[str, str | None]]:
    data = store.read(f"{folder_of(manifest.dataset, manifest.version)}/{REFUSED}") or b""
    lines: list[dict[str, Any]] = [json.loads(line) for line in data.splitlines()]
    return {line["asset_id"]: (line["reason"], line.get("holder")) for line in lines}


def _groups(way: str, why: Mapping[str, tuple[str, str | None]]) -> list[Group]:
    counts = Counter(why.values())
    examples: dict[tuple[str, str | None], list[str]] = {}
    for asset, reason in why.items():
        if len(found := examples.setdefault(reason, [])) < EXAMPLES_MAX:
            found.append(asset)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or ""))
    return [Group(way, reason[0], reason[1], n, tuple(examples[reason])) for reason, n in ordered]

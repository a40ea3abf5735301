"""The whole life of one asset: events, decisions, tables, releases, recalls, and the same recording under other ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.times import format_instant
from gatekeeper.stages.reading import ReadableTable, decisions_of, events_of
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.row_decisions import CatalogTable
from gatekeeper.stages.trace.membership import Member, Mention, Published, members, mentions
from gatekeeper.stages.trace.subjects import Where, shared_identities

TOLD_OF_A_DECISION = ("dataset", "verdict", "reason", "holder", "evidence", "driver", "rights_position", "policy")


@dataclass(frozen=True)
class Lake:
    """What is asked. ``decisions`` is None where nothing was decided yet; ``row``: (dataset, asset id) → its row in the
    dataset's table, None where it is not in it; ``where`` are the catalogue's files that may hold a subject.
    """

    catalog: CatalogTable
    decisions: ReadableTable | None
    datasets: Sequence[str]
    row: Callable[[str, str], Mapping[str, Any] | None]
    where: Where


@dataclass(frozen=True)
class Copy:
    """The same recording under another id. ``last``: dataset → verdict and reason of its last decision."""

    asset_id: str
    shares: str
    value: str
    last: Mapping[str, Mapping[str, Any]]
    releases: tuple[str, ...]


@dataclass(frozen=True)
class Life:
    """``events`` by partition and offset, ``decisions`` in commit order; ``tables``: dataset → the row's place."""

    asset_id: str
    title: str | None
    events: tuple[Mapping[str, Any], ...]
    decisions: tuple[Mapping[str, Any], ...]
    tables: Mapping[str, Mapping[str, Any] | None]
    releases: tuple[Member, ...]
    recalls: tuple[Mention, ...]
    copies: tuple[Copy, ...]

    @property
    def known(self) -> bool:
        """Whether anything at all is known of it."""
        return bool(self.events or self.decisions or self.releases)


def life_of(asset_id: str, lake: Lake, store: ReleaseStore, releases: Sequence[Published]) -> Life:
    """Everything the logs' tables and the releases say of an asset."""
    events = events_of(lake.catalog, asset_id)
    rows = events.to_pylist()
    return Life(
        asset_id=asset_id,
        title=rows[-1]["title"] if rows else None,
        events=tuple(_event(row) for row in rows),
        decisions=tuple(decisions(lake.decisions, asset_id)),
        tables={name: lake.row(name, asset_id) for name in lake.datasets},
        releases=tuple(members(store, releases, [asset_id])),
        recalls=tuple(mentions(releases, asset_id)),
        copies=tuple(_copies(events, lake, store, releases)),
    )


def decisions(table: ReadableTable | None, asset_id: str) -> list[dict[str, Any]]:
    """Every decision on an asset in commit order, as JSON has it."""
    return [] if table is None else [_decision(row) for row in decisions_of(table, asset_id).to_pylist()]


def last_by_dataset(told: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Decisions in commit order → the last one of each dataset."""
    return {row["dataset"]: row for row in told}


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    identifiers = row["identifiers"] or {}
    return {
        "event": f"{row['partition']}:{row['offset']}",
        "type": row["type"],
        "time": format_instant(_us(row["time"])),
        "event_id": row["event_id"],
        "source": row["source"],
        "account_id": row["account_id"],
        "interests": row["interests"] or [],
        "isrc": identifiers.get("isrc"),
        "content_sha256": identifiers.get("content_sha256"),
        "catalogs": row["catalogs"] or [],
        "licence": row["licence"],
        "tags": row["tags"] or [],
        "title": row["title"],
    }


def _decision(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: row[name] for name in TOLD_OF_A_DECISION}
    return told | {"event": f"{row['partition']}:{row['offset']}", "decided_at": format_instant(_us(row["decided_at"]))}


def _us(instant: Any) -> int:
    return int(pa.scalar(instant, pa.timestamp("us", tz="UTC")).value)


def _copies(events: pa.Table, lake: Lake, store: ReleaseStore, releases: Sequence[Published]) -> list[Copy]:
    shared = shared_identities(lake.catalog, events, lake.where) if events.num_rows else []
    found = []
    for what, value, asset_id in shared:
        last = last_by_dataset(decisions(lake.decisions, asset_id))
        told = {name: {"verdict": row["verdict"], "reason": row["reason"]} for name, row in last.items()}
        inside = tuple(member.release for member in members(store, releases, [asset_id]))
        found.append(Copy(asset_id, what, value, told, inside))
    return found


def place_of(row: pa.Table) -> Mapping[str, Any] | None:
    """A dataset table's rows of one asset → place and rights position of the row; None where it has none."""
    if not row.num_rows:
        return None
    newest = row.take(pc.sort_indices(row, [("offset", "descending")])).slice(0, 1).to_pylist()[0]
    return {"event": f"{newest['partition']}:{newest['offset']}", "rights_position": newest["rights_position"]}

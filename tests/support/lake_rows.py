"""Small rows for the lake's tables, and a content stream whose fold anyone can work out by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from gatekeeper.core.asset_hash import asset_hash
from gatekeeper.core.commits import Committed
from gatekeeper.core.fold import Handed
from gatekeeper.core.tables import CONTENT_SCHEMA, DECISIONS_SCHEMA
from gatekeeper.edges.delta import Lake

Place = tuple[int, int]
Decision = tuple[str, bool]


def content(assets: Sequence[str], places: Sequence[Place]) -> pa.Table:
    """One event for each asset; the title names its place, so that a payload of another event is seen."""
    rows = [
        {
            "event_id": f"{partition}-{offset}",
            "source": "/tests",
            "type": "content.published",
            "time": 0,
            "topic": "content",
            "partition": partition,
            "offset": offset,
            "asset_id": asset,
            "account_id": "acc",
            "interests": [{"party_id": "p", "role": "recording"}],
            "title": f"{asset} at {partition}:{offset}",
            "attributes": [("bpm", "120")],
        }
        for asset, (partition, offset) in zip(assets, places, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=CONTENT_SCHEMA)


def decisions(events: pa.Table, permits: Sequence[bool], dataset: str = "d", position: int = 7) -> pa.Table:
    """One decision for each event."""
    count = events.num_rows
    same = {
        "dataset": dataset,
        "reason": "terms.permit",
        "holder": "account:acc",
        "evidence": "none",
        "rights_position": position,
        "policy": "sha256:" + "0" * 64,
        "decided_at": 0,
        "driver": "gate",
    }
    columns = {name: events[name] for name in ("event_id", "topic", "partition", "offset", "asset_id")}
    columns["verdict"] = pa.array(["permit" if permit else "deny" for permit in permits], pa.string())
    for name, value in same.items():
        columns[name] = pa.array([value] * count, DECISIONS_SCHEMA.field(name).type)
    return pa.table({name: columns[name] for name in DECISIONS_SCHEMA.names}, schema=DECISIONS_SCHEMA)


@dataclass
class Stream:
    """Commits versions of ``catalog`` and ``decisions``, and knows what each dataset must hold after them."""

    lake: Lake
    dataset: str = "d"
    next_offset: int = 0
    latest: dict[str, Place] = field(default_factory=dict)
    rows: dict[str, tuple[Place, int]] = field(default_factory=dict)

    def version(self, *decided: Decision) -> Handed:
        """New events of one partition, decided in one version."""
        places = [(0, self.next_offset + i) for i in range(len(decided))]
        self.next_offset += len(decided)
        events = content([asset for asset, _ in decided], places)
        self._append("catalog", events)
        self.latest.update(zip([asset for asset, _ in decided], places, strict=True))
        return self._decide(events, [permit for _, permit in decided], position=7)

    def sweep(self, *decided: Decision, position: int = 9) -> Handed:
        """The latest events of assets, decided again in one version."""
        events = content([asset for asset, _ in decided], [self.latest[asset] for asset, _ in decided])
        return self._decide(events, [permit for _, permit in decided], position)

    def other_dataset(self, *decided: Decision) -> None:
        """A version without any decision for our dataset."""
        places = [(1, self.next_offset + i) for i in range(len(decided))]
        self._append("decisions", decisions(content([a for a, _ in decided], places), [p for _, p in decided], "other"))

    def _decide(self, events: pa.Table, permits: Sequence[bool], position: int) -> Handed:
        version = self._append("decisions", decisions(events, permits, self.dataset, position))
        places = zip(events["partition"].to_pylist(), events["offset"].to_pylist(), strict=True)
        for asset, place, permit in zip(events["asset_id"].to_pylist(), places, permits, strict=True):
            self.rows.pop(asset, None)
            if permit:
                self.rows[asset] = (place, position)
        positions = np.full(len(permits), position, np.int64)
        return Handed(version, events, np.array(permits, np.bool_), positions, asset_hash(events["asset_id"]))

    def _append(self, table: str, rows: pa.Table) -> int:
        outcome = self.lake.open(table).append(rows, {}, {})
        assert isinstance(outcome, Committed)
        return outcome.version


def held(lake: Lake, dataset: str = "d") -> dict[str, tuple[Place, int]]:
    """A dataset table: asset → (place, rights position). Fails on a second row, or a payload of another event."""
    table = lake.dataset(dataset)
    rows = table.read(table.paths()).to_pylist()
    found = {row["asset_id"]: ((row["partition"], row["offset"]), row["rights_position"]) for row in rows}
    assert len(found) == len(rows), "an asset has two rows"
    for row in rows:
        assert row["title"] == f"{row['asset_id']} at {row['partition']}:{row['offset']}"
        assert row["attributes"] == [("bpm", "120")]
    return found


def names(count: int, prefix: str = "a") -> Iterable[str]:
    """Distinct asset ids."""
    return [f"{prefix}{number}" for number in range(count)]

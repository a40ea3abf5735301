"""What must be true of a lake after any run whatever (design §1 P3, §5), written apart from the worker: set algebra.

``check`` compares the lake with the logs and returns every violation as one line; no line, no violation. Tables are
read through ``lake_log``, logs through ``raw_logs``; the order of commits is ``oracle_order``'s business, and what a
single decision should have been ``replayed``'s.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.lake_log import Row, exists, rows_now, versions
from tests.support.oracle_order import order
from tests.support.raw_logs import Record
from tests.support.truth import LakeNow, Truth, read_lake

SHOWN_MAX = 3

Replay = Callable[[LakeNow, Truth], Iterable[str]]


def check(root: Path, truth: Truth, replay: Replay = lambda _lake, _truth: ()) -> list[str]:
    """Every violation, none when all is well. The lake must be drained and nobody may be writing."""
    lake = read_lake(root)
    return [
        *_append_only(lake),
        *_dead_letters(lake, truth),
        *_catalog(lake, truth),
        *_decided_once(lake, truth),
        *_rights(lake, truth),
        *_last_offsets(lake, truth),
        *order(lake, truth),
        *(line for dataset in truth.declared for line in _dataset(lake, truth, dataset)),
        *replay(lake, truth),
    ]


def _append_only(lake: LakeNow) -> Iterator[str]:
    for name, entries in lake.tables.items():
        if any(version.removes for version in entries):
            yield f"{name}: a version removes files"
        now = map(_frozen, rows_now(lake.root / name))
        yield from _exactly(f"{name} as read", map(_frozen, lake.rows(name)), now)


def _dead_letters(lake: LakeNow, truth: Truth) -> Iterator[str]:
    rows = lake.rows("dead_letters")
    found = [(r["partition"], r["offset"], r["key"], r["value"]) for r in rows]
    yield from _exactly("dead letters", [tuple(r[:4]) for r in truth.invalid], found)
    yield from (f"a dead letter without a reason: {row}" for row in rows if not row["reason"])


def _catalog(lake: LakeNow, truth: Truth) -> Iterator[str]:
    found = [_told(row, row["event_id"]) for row in lake.rows("catalog")]
    yield from _exactly("catalog", [_told_by(record, truth) for record in truth.valid], found)


def _decided_once(lake: LakeNow, truth: Truth) -> Iterator[str]:
    """One decision for each event and dataset declared below the position it was decided at."""
    gate = [row for row in lake.rows("decisions") if row["driver"] == "gate"]
    position = {(row["partition"], row["offset"]): row["rights_position"] for row in gate}
    expected = [
        (dataset, *place, event["data"]["asset_id"], event["id"])
        for place, event in truth.documents.items()
        for dataset, declared in truth.declared.items()
        if position.get(place, declared + 1) > declared
    ]
    found = [(r["dataset"], r["partition"], r["offset"], r["asset_id"], r["event_id"]) for r in gate]
    yield from _exactly("gate decisions", expected, found)


def _rights(lake: LakeNow, truth: Truth) -> Iterator[str]:
    found = [(row["position"], row["value"]) for row in lake.rows("rights")]
    yield from _exactly("rights", [(r.offset, r.value) for r in truth.rights], found)


def _last_offsets(lake: LakeNow, truth: Truth) -> Iterator[str]:
    """Each table has one application a partition, which stands at the partition's last record."""
    last = {record.partition: record.offset for record in truth.content}
    for name in ("dead_letters", "catalog", "decisions"):
        reached = {app: at for version in lake.tables[name] for app, at in version.txns.items()}
        partitions = [(int(app.rpartition("/")[2]), at) for app, at in reached.items() if app.startswith("content/")]
        yield from _exactly(f"last offsets in {name}", last.items(), partitions)


def _dataset(lake: LakeNow, truth: Truth, dataset: str) -> Iterator[str]:
    """The rows are the assets whose last decision is permit, each with the event and position of that decision."""
    last: dict[str, Row] = {}
    for version in lake.tables["decisions"]:
        mine = [row for row in version.rows if row["dataset"] == dataset]
        last.update((row["asset_id"], row) for row in sorted(mine, key=lambda r: (r["partition"], r["offset"])))
    permits = [(row, (row["partition"], row["offset"])) for row in last.values() if row["verdict"] == "permit"]
    expected = [
        (
            *_told({**truth.documents[place]["data"], "partition": place[0], "offset": place[1]}, ""),
            row["rights_position"],
        )
        for row, place in permits
        if place in truth.documents
    ]
    table = lake.root / "datasets" / dataset
    now = rows_now(table) if exists(table) else []
    yield from _exactly(f"rows of {dataset}", expected, [(*_told(row, ""), row["rights_position"]) for row in now])
    partitions: dict[str, set[int]] = defaultdict(set)
    for (partition, _), event in truth.documents.items():
        partitions[event["data"]["asset_id"]].add(partition)
    yield from (f"{dataset} holds a conflicting asset: {r}" for r in now if len(partitions[r["asset_id"]]) > 1)
    folded = max((v.txns.get("decisions", -1) for v in versions(table)), default=-1) if exists(table) else -1
    if folded != lake.newest:
        yield f"{dataset} has folded {folded} of {lake.newest} versions"


def _told_by(record: Record, truth: Truth) -> tuple[Hashable, ...]:
    event = truth.documents[record.partition, record.offset]
    return _told({**event["data"], "partition": record.partition, "offset": record.offset}, event["id"])


def _told(row: Mapping[str, Any], event_id: str) -> tuple[Hashable, ...]:
    """An event's payload, as far as the tests' events have one; empty lists and absent ones are the same."""
    names = ("partition", "offset", "asset_id", "account_id", "title", "licence")
    lists = tuple(_frozen(row.get(name) or None) for name in ("interests", "tags", "catalogs"))
    return (event_id, *(row.get(name) for name in names), *lists)


def _frozen(value: Any) -> Hashable:
    if isinstance(value, dict):
        return tuple((name, _frozen(value[name])) for name in sorted(value))
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


def _exactly(what: str, expected: Iterable[Hashable], found: Iterable[Hashable]) -> Iterator[str]:
    """Each expected thing once, and nothing else."""
    wanted, got = Counter(expected), Counter(found)
    for kind, surplus in (("missing", wanted - got), ("too many", got - wanted)):
        if surplus:
            yield f"{what}: {surplus.total()} {kind}, such as {dict(surplus.most_common(SHOWN_MAX))}"

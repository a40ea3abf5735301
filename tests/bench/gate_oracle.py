"""What must have come out of a run; one wrong or missing row voids it.

Every event is in the catalogue once and decided once per dataset; dataset rows are the last permits; a sample of assets
is decided again by the reference implementation, from the raw logs; every run decides exactly as the first one did.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.asset import Asset, asset_of
from gatekeeper.core.decision import decide
from gatekeeper.core.layout import CATALOG, DEAD_LETTERS, DECISIONS
from gatekeeper.core.rights import state_of
from gatekeeper.core.times import parse_instant
from gatekeeper.edges.delta import Lake
from gatekeeper.wiring import OpenWorkspace
from tests.bench.stream import content_event, number_of
from tests.support.raw_logs import document_of

SAMPLE_EVERY = 499
LAYERS = ("claim.", "agreement.", "consent.", "reservation.", "licence.", "terms.")
_ANSWER = ["verdict", "reason", "holder", "evidence"]
_PLACE = ["dataset", "partition", "offset"]


class Void(AssertionError):
    """The run does not count: what came out is not what had to."""


@dataclass
class Oracle:
    """One for all runs on the same topics."""

    events: int
    _first: pa.Table | None = field(default=None, repr=False)

    def check(self, opened: OpenWorkspace) -> dict[str, int]:
        """Counts per reason. Raises ``Void``."""
        lake = Lake(opened.workspace.lake)
        decisions = lake.open(DECISIONS).scan([*_PLACE, "asset_id", *_ANSWER, "rights_position", "decided_at"])
        _expect("dead letters", lake.open(DEAD_LETTERS).scan(["offset"]).num_rows, 0)
        _expect("catalogue rows", _distinct(lake.open(CATALOG).scan(["partition", "offset"])), self.events)
        datasets = pc.unique(decisions["dataset"]).to_pylist()
        _expect("datasets", len(datasets), 3)
        _expect("decisions", decisions.num_rows, len(datasets) * self.events)
        _expect("decided places", _distinct(decisions.select(_PLACE)), decisions.num_rows)
        for name in datasets:
            table = lake.dataset(name)
            rows = table.read(list(table.file_rows()), ["asset_id", "partition", "offset"])
            check_last_permits(decisions.filter(pc.equal(decisions["dataset"], name)), rows)
        self._same_as_before(opened, decisions)
        return _reasons(decisions)

    def _same_as_before(self, opened: OpenWorkspace, decisions: pa.Table) -> None:
        """The rights log grows by what each run applies, so the position within ``evidence`` is left out."""
        statement = pc.replace_substring_regex(decisions["evidence"], "@.*", "")
        answers = decisions.select([*_PLACE, *_ANSWER[:-1]]).append_column("statement", statement)
        answers = answers.sort_by([(name, "ascending") for name in _PLACE]).combine_chunks()
        if self._first is None:
            _check_sample(opened, decisions)
            self._first = answers
        elif not answers.equals(self._first):
            raise Void("this run decided otherwise than the first one")


def check_last_permits(decisions: pa.Table, rows: pa.Table) -> None:
    """A dataset's rows against its decisions, in offset order within an asset's one partition. Raises ``Void``."""
    of = decisions.select(["asset_id", "partition", "offset", "verdict"]).sort_by("offset")
    last = of.group_by("asset_id", use_threads=False).aggregate(
        [(c, "last") for c in ("partition", "offset", "verdict")]
    )
    permits = last.filter(pc.equal(last["verdict_last"], "permit"))
    expected = sorted(
        zip(*(permits[c].to_pylist() for c in ("asset_id", "partition_last", "offset_last")), strict=True)
    )
    found = sorted(zip(*(rows[c].to_pylist() for c in ("asset_id", "partition", "offset")), strict=True))
    if expected != found:
        missing, surplus = set(expected) - set(found), set(found) - set(expected)
        raise Void(f"{len(found)} rows, {len(missing)} missing, {len(surplus)} too many: {[*missing, *surplus][:3]}")


def _check_sample(opened: OpenWorkspace, decisions: pa.Table) -> None:
    wanted = list(range(0, decisions.num_rows // 3, SAMPLE_EVERY))
    names = pa.array([content_event(number)[0].decode() for number in wanted])
    rows = decisions.filter(pc.is_in(decisions["asset_id"], value_set=names)).to_pylist()
    catalog = Lake(opened.workspace.lake).open(CATALOG).scan(
        ["event_id", "partition", "offset"], pc.field("asset_id").isin(names)
    )  # fmt: skip
    assets = _assets(catalog.to_pylist())
    rules = opened.rules()
    uses = {declaration.name: declaration.use for declaration in rules.declarations}
    states: dict[int, Any] = {}
    rights = opened.rights(rules.policy)
    for row in rows:
        at = row["rights_position"]
        state = states[at] = states.get(at) or state_of(rights.events, at)
        instant_us = pa.scalar(row["decided_at"], pa.timestamp("us", tz="UTC")).value
        made = decide(assets[row["partition"], row["offset"]], uses[row["dataset"]], state, rules.policy, instant_us)
        answer = (str(made.verdict), made.reason, made.holder, made.evidence)
        if answer != tuple(row[name] for name in _ANSWER):
            raise Void(f"{row} should be {answer}")


def _assets(places: Iterable[dict[str, Any]]) -> dict[tuple[int, int], Asset]:
    """The raw events at these places, with the removal that covers each, worked out apart from the gate."""
    assets: dict[tuple[int, int], Asset] = {}
    removals: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for place in sorted(places, key=lambda p: (p["partition"], p["offset"])):
        document = document_of(content_event(number_of(place["event_id"]))[1])
        data, time_us, offset = document["data"], parse_instant(document["time"]), place["offset"]
        covering = [removal for removal in removals[data["asset_id"]] if removal[0] >= time_us]
        removed_by = min(covering, key=lambda r: (-r[0], r[1]))[1] if covering else None
        if document["type"] == "content.removed":
            removals[data["asset_id"]].append((time_us, offset))
            removed_by = offset
        stream = {"partition": place["partition"], "offset": offset, "removed_by": removed_by}
        assets[place["partition"], offset] = asset_of({**data, **stream})
    return assets


def _reasons(decisions: pa.Table) -> dict[str, int]:
    counted = pc.value_counts(decisions["reason"].combine_chunks())
    reasons = {entry["values"]: entry["counts"] for entry in counted.to_pylist()}
    if unused := [layer for layer in LAYERS if not any(reason.startswith(layer) for reason in reasons)]:
        raise Void(f"no decision came from {unused}")
    return reasons


def _distinct(rows: pa.Table) -> int:
    return int(rows.group_by(rows.column_names).aggregate([]).num_rows)


def _expect(what: str, found: int, expected: int) -> None:
    if found != expected:
        raise Void(f"{found} {what}, expected {expected}")

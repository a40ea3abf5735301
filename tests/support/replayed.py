"""P4: every decision in the lake, made again by the reference implementation on what it says it was made on.

The rights state is rebuilt from the raw log, the asset from the raw event, the rules by their digests; what a removal
covers is worked out here, by looking at every earlier event of the asset. No stage is imported.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from gatekeeper.core.asset import Asset, asset_of
from gatekeeper.core.contracts import Contracts, contracts_of
from gatekeeper.core.decision import Decision, decide
from gatekeeper.core.events import RightsEvent, Unreadable, read_rights_event
from gatekeeper.core.policy import Policy, read_policy
from gatekeeper.core.rights import RightsState
from gatekeeper.core.times import parse_instant
from gatekeeper.core.use import Use, read_declaration
from gatekeeper.edges.shipped import read_schemas
from tests.support.lake_log import Row
from tests.support.truth import LakeNow, Place, Truth

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WRONG_SHOWN_MAX = 5


class Replayed:
    """``oracle.check``'s ``replay`` for the workspace at ``root``. Policies and declarations come from the lake's own
    keeping, by the digests on the rights log."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._uses: dict[tuple[str, str], Use] = {}

    def __call__(self, lake: LakeNow, truth: Truth) -> Iterator[str]:
        wrong = [line for row, made in self._again(lake, truth) if (line := _difference(row, made))]
        yield from wrong[:WRONG_SHOWN_MAX]
        if len(wrong) > WRONG_SHOWN_MAX:
            yield f"… and {len(wrong) - WRONG_SHOWN_MAX} more decisions that replay differently"

    def _again(self, lake: LakeNow, truth: Truth) -> Iterator[tuple[Row, list[Decision]]]:
        assets, state, policy = assets_of(truth), RightsState(), None
        waiting: list[RightsEvent | Unreadable] = []
        rows = [row for row in lake.rows("decisions") if (row["partition"], row["offset"]) in assets]
        for row in sorted(rows, key=lambda r: r["rights_position"]):
            if policy is None or row["policy"] != policy.digest:  # which events can be read depends on the policy
                policy, state = read_policy(self._kept("policy", row["policy"])), RightsState()
                waiting = self._events(lake, truth, policy)[::-1]
            while waiting and waiting[-1].position < row["rights_position"]:
                state.apply(waiting.pop())
            state.position = row["rights_position"]
            if row["dataset"] not in state.datasets:
                yield row, []
                continue
            use, at_us = self._use(state, row["dataset"], policy), microseconds(row["decided_at"])
            found = assets[row["partition"], row["offset"]]
            yield row, [decide(asset, use, state, policy, at_us) for asset in found]

    def _use(self, state: RightsState, dataset: str, policy: Policy) -> Use:
        digest = state.datasets[dataset]
        if (digest, policy.digest) not in self._uses:
            self._uses[digest, policy.digest] = read_declaration(self._kept("dataset", digest), policy.purposes).use
        return self._uses[digest, policy.digest]

    def _kept(self, kind: str, digest: str) -> Any:
        name = f"{digest.removeprefix('sha256:')}.json"
        return json.loads((self._root / "lake" / "kept" / kind / name).read_bytes())

    def _events(self, lake: LakeNow, truth: Truth, policy: Policy) -> list[RightsEvent | Unreadable]:
        recorded = {row["position"]: microseconds(row["recorded_at"]) for row in lake.rows("rights")}
        arrived = {r.offset: recorded.get(r.offset, 0) if r.arrived_us is None else r.arrived_us for r in truth.rights}
        return [
            read_rights_event(r.offset, r.value, arrived[r.offset], policy.purposes, contracts().check_rights)
            for r in truth.rights
        ]


@cache
def contracts() -> Contracts:
    return contracts_of(read_schemas())


def microseconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


def assets_of(truth: Truth) -> dict[Place, list[Asset]]:
    """What each event may have been decided as: one that has events in two partitions may have been found out later."""
    partitions: dict[str, set[int]] = defaultdict(set)
    for (partition, _), event in truth.documents.items():
        partitions[event["data"]["asset_id"]].add(partition)
    plain = _without_conflicts(truth)
    return {
        place: [asset, replace(asset, conflicting=True)] if len(partitions[asset.asset_id]) > 1 else [asset]
        for place, asset in plain.items()
    }


def _without_conflicts(truth: Truth) -> dict[Place, Asset]:
    earlier: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)  # removals: (time, offset)
    assets: dict[Place, Asset] = {}
    for (partition, offset), document in truth.documents.items():
        removals = earlier[partition, document["data"]["asset_id"]]
        time_us = parse_instant(document["time"])
        covering = [removal for removal in removals if removal[0] >= time_us]
        removed_by = min(covering, key=lambda r: (-r[0], r[1]))[1] if covering else None
        if document["type"] == "content.removed":
            removals.append((time_us, offset))
            removed_by = offset
        place = {"partition": partition, "offset": offset, "removed_by": removed_by}
        assets[partition, offset] = asset_of({**document["data"], **place})
    return assets


def _difference(row: Row, made: list[Decision]) -> str | None:
    found = (row["verdict"], row["reason"], row["holder"], row["evidence"], row["policy"])
    again = [(str(d.verdict), d.reason, d.holder, d.evidence, d.policy.digest) for d in made]
    if found in again:
        return None
    instead = again[0] if again else "as no decision: the dataset was not declared"
    return f"{row['dataset']} {row['partition']}:{row['offset']} ({row['asset_id']}): {found}, replayed {instead}"

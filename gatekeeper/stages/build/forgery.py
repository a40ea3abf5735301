"""Which refused rows are forged: no decision on record permits them, or the one that does was never true (P4).

A row is refused without this; it tells a forgery from rights that changed after the decision. The last decision of the
asset for the dataset must be a permit of this very event; where it names today's policy, the reference implementation
repeats it on the rights log as it stood, under the declaration active then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.asset import Asset, asset_of
from gatekeeper.core.decision import decide
from gatekeeper.core.fold import commit_order, last_of_each
from gatekeeper.core.policy import Policy
from gatekeeper.core.rights import RightsState
from gatekeeper.core.use import Use
from gatekeeper.stages.gate.barrier import RightsRead
from gatekeeper.stages.reading import VERSION_COLUMN, ReadableTable

Place = tuple[str, int, int]

SUSPECTS_TOGETHER_MAX = 200_000
"""Each block reads the decisions once and walks through the rights log once."""
VERSIONS_TOGETHER = 200
"""Versions of ``decisions`` read in one step."""
REPLAYED_EVENTS_MAX = 1_000_000
"""Beyond so many rights events the reference state is too large for a build: records are compared, not repeated."""
_COLUMNS = ("asset_id", "partition", "offset", "verdict", "rights_position", "policy", "decided_at")


@dataclass(frozen=True)
class Known:
    """``folded`` is the version of ``decisions`` that the dataset table is the fold of: what came later cannot explain
    its rows. ``events`` is asked only when there is something to repeat; ``use_of`` gives the dataset's use under a
    declaration's digest, None for one the lake does not keep; ``was_active`` says whether it keeps a policy's digest.
    """

    dataset: str
    decisions: ReadableTable
    folded: int
    policy: Policy
    position: int
    events: Callable[[], Sequence[RightsRead]]
    use_of: Callable[[str], Use | None]
    was_active: Callable[[str], bool]


def forged(suspects: Iterator[pa.Table], known: Known) -> frozenset[Place]:
    """Events of refused rows (``SUSPECT_SCHEMA``) → the places of the forged ones."""
    found: set[Place] = set()
    for block in _blocks(suspects):
        rows = block.to_pylist()
        recorded = _last_recorded(known, block["asset_id"])
        to_repeat: list[tuple[Mapping[str, Any], Asset]] = []
        for row in rows:
            record = recorded.get(row["asset_id"])
            if record is None or not _could_be(record, row, known):
                found.add(_place(row))
            elif record["policy"] == known.policy.digest and known.position <= REPLAYED_EVENTS_MAX:
                to_repeat.append((record, replace(asset_of(row), conflicting=False)))
        found |= _not_repeated(to_repeat, known)
    return frozenset(found)


def _place(row: Mapping[str, Any]) -> Place:
    return row["asset_id"], row["partition"], row["offset"]


def _could_be(record: Mapping[str, Any], row: Mapping[str, Any], known: Known) -> bool:
    """Whether the record is a permit of this event that somebody could have given."""
    if record["verdict"] != "permit" or _place(record) != _place(row) or record["rights_position"] > known.position:
        return False
    return record["policy"] == known.policy.digest or known.was_active(record["policy"])


def _blocks(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(t.num_rows for t in held) >= SUSPECTS_TOGETHER_MAX:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _last_recorded(known: Known, assets: pa.ChunkedArray) -> dict[str, dict[str, Any]]:
    """The last decision in commit order, then offset, of each of the assets."""
    wanted, found = pc.unique(assets), {}
    for after in range(0, known.folded, VERSIONS_TOGETHER):
        through = min(after + VERSIONS_TOGETHER, known.folded)
        rows = known.decisions.read_since(after, through, _COLUMNS, known.dataset)
        rows = rows.filter(pc.is_in(rows["asset_id"], value_set=wanted))
        version, partition, offset = (
            rows[name].to_numpy().astype(np.int64) for name in (VERSION_COLUMN, "partition", "offset")
        )
        ordered = rows.take(pa.array(commit_order(version, partition, offset)))
        last = ordered.take(pa.array(last_of_each(ordered["asset_id"])))
        decided_us = last["decided_at"].cast(pa.int64())
        last = last.set_column(last.schema.get_field_index("decided_at"), "decided_at", decided_us)
        found.update({row["asset_id"]: row for row in last.to_pylist()})
    return found


def _not_repeated(records: list[tuple[Mapping[str, Any], Asset]], known: Known) -> set[Place]:
    """Permits on record that the reference does not give on what stood then, walking through the rights log once."""
    if not records:
        return set()
    found, state, events, at = set(), RightsState(), known.events(), 0
    for record, asset in sorted(records, key=lambda pair: int(pair[0]["rights_position"])):
        position = record["rights_position"]
        while at < len(events) and events[at].position < position:
            state.apply(events[at])
            at += 1
        state.position = position
        use = known.use_of(state.datasets.get(known.dataset, ""))
        if state.policy_digest != record["policy"] or use is None or not _says_permit(record, asset, use, state, known):
            found.add((asset.asset_id, asset.partition, asset.offset))
    return found


def _says_permit(record: Mapping[str, Any], asset: Asset, use: Use, state: RightsState, known: Known) -> bool:
    return str(decide(asset, use, state, known.policy, record["decided_at"]).verdict) == "permit"

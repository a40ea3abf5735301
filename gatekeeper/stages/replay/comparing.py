"""Recorded decisions against the same ones made again: verdict, reason, holder and evidence must be equal.

Rules of this file: a decision is made again on the catalogue's event at its place, as its stream knew it then; whether
its asset was in two partitions THEN nobody knows now, so that either answer is right where it is in two by now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.times import format_instant
from gatekeeper.stages.replay.rewinding import Moment, Rewound
from gatekeeper.stages.row_decisions import CatalogTable, events_at, place_of
from gatekeeper.stages.sweep.sweeping import EVENT_COLUMNS

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

COMPARED = ("verdict", "reason", "holder", "evidence")
DIFFERENCES_MAX = 100
"""Differences told; the others are counted."""


@dataclass(frozen=True)
class Difference:
    """A recorded decision that is not made again, and why."""

    asset_id: str
    dataset: str
    partition: int
    offset: int
    decided_at: str
    what: str


@dataclass
class Replayed:
    """``decisions`` and ``differ`` by dataset; the first of the differences."""

    decisions: Counter[str] = field(default_factory=Counter)
    differ: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def add(self, differences: Iterable[Difference]) -> None:
        for difference in differences:
            self.differ[difference.dataset] += 1
            if len(self.differences) < DIFFERENCES_MAX:
                self.differences.append(difference)


@dataclass
class Comparing:
    """``removed_by``: place → the offset of the removal that covers the event there; ``conflicting``: which events are
    of assets in two partitions by now.
    """

    catalog: CatalogTable
    rewound: Rewound
    removed_by: Mapping[int, int]
    conflicting: Callable[[pa.Table], Bools]

    def compare(self, rows: pa.Table, into: Replayed) -> None:
        """Recorded decisions, in any order."""
        for count in rows["dataset"].value_counts().to_pylist():
            into.decisions[count["values"]] += count["counts"]
        for moment, mine in _by_moment(rows):
            into.add(self._at(moment, mine))

    def _at(self, moment: Moment, rows: pa.Table) -> Iterator[Difference]:
        kernel = self.rewound.at(moment)
        if isinstance(kernel, str):
            yield from (_difference(row, kernel) for row in rows.to_pylist())
            return
        partition, offset = (rows[name].to_numpy().astype(np.int64) for name in ("partition", "offset"))
        events, found = events_at(self.catalog, partition, offset, EVENT_COLUMNS)
        found &= _equal(events, rows, ("asset_id", "event_id"))
        for row in rows.filter(pa.array(~found)).to_pylist():
            yield _difference(row, "the catalogue holds no such event")
        rows, events = rows.filter(pa.array(found)), events.filter(pa.array(found))
        asked = self._asked(events)
        answers = kernel.decide(asked.append_column("conflicting", pa.array(np.zeros(rows.num_rows, np.bool_))))
        differ, told = _held_against(rows, answers)
        if differ.any() and (stray := self.conflicting(events)).any():
            differ &= (
                ~stray | _held_against(rows, kernel.decide(asked.append_column("conflicting", pa.array(stray))))[0]
            )
        for i in np.flatnonzero(differ).tolist():
            yield _difference(rows.slice(i, 1).to_pylist()[0], told(i))

    def _asked(self, events: pa.Table) -> pa.Table:
        removed = [self.removed_by.get(place) for place in place_of(events).tolist()] if self.removed_by else None
        column = pa.nulls(events.num_rows, pa.int64()) if removed is None else pa.array(removed, pa.int64())
        return events.append_column("removed_by", column)


def _by_moment(rows: pa.Table) -> Iterator[tuple[Moment, pa.Table]]:
    """Rows that were decided on the same rights, policy and instant together, in the order of positions."""
    policies = rows["policy"].combine_chunks().dictionary_encode()
    policy, position = policies.indices.to_numpy(), rows["rights_position"].to_numpy()
    instant = rows["decided_at"].cast(pa.int64()).to_numpy()
    order = np.lexsort((instant, position, policy))
    keys = np.stack([policy, position, instant])[:, order]
    cuts = np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1
    for start, end in pairwise([0, *cuts.tolist(), len(order)]) if len(order) else ():
        moment = Moment(policies.dictionary[int(keys[0, start])].as_py(), int(keys[1, start]), int(keys[2, start]))
        yield moment, rows.take(pa.array(order[start:end]))


def _held_against(rows: pa.Table, answers: Mapping[str, pa.RecordBatch]) -> tuple[Bools, Callable[[int], str]]:
    """Which rows are answered otherwise, and the answer in words."""
    differ = np.ones(rows.num_rows, np.bool_)
    for dataset, said in answers.items():
        mine = np.flatnonzero(pc.equal(rows["dataset"], dataset).to_numpy(zero_copy_only=False))
        at = pa.array(mine)
        differ[mine] = ~_equal(pa.Table.from_batches([said]).take(at), rows.take(at), COMPARED)

    def told(i: int) -> str:
        said = answers.get(rows["dataset"][i].as_py())
        if said is None:
            return "its dataset was not declared at that position"
        now = {name: said[name][i].as_py() for name in COMPARED}
        return f"made again it is {now['verdict']}: {now['reason']} ({now['holder']}, {now['evidence']})"

    return differ, told


def _equal(one: pa.Table, other: pa.Table, names: Iterable[str]) -> Bools:
    same = np.ones(one.num_rows, np.bool_)
    for name in names:
        mine, theirs = (pc.fill_null(table[name].cast(pa.string()), "") for table in (one, other))
        same &= pc.equal(mine, theirs).to_numpy()
    return same


def _difference(row: Mapping[str, object], what: str) -> Difference:
    decided_at = format_instant(pa.scalar(row["decided_at"], pa.timestamp("us", tz="UTC")).value)
    recorded = f"recorded {row['verdict']}: {row['reason']} ({row['holder']}, {row['evidence']}); {what}"
    place = (int(str(row["partition"])), int(str(row["offset"])))
    return Difference(str(row["asset_id"]), str(row["dataset"]), *place, decided_at, recorded)

"""``gatekeeper decide``: content events in, decisions out, nothing written: the stream's kernel on files (design §7).

The events are one history in their order: a ``content.removed`` is a deletion of itself and of every later event of
that asset whose ``time`` is not later than the removal's. An event that cannot be used is an error, never skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gatekeeper.core.asset import asset_of
from gatekeeper.core.decision import decide
from gatekeeper.core.policy import Policy
from gatekeeper.core.removals import Removals
from gatekeeper.core.rights import RightsState, state_of
from gatekeeper.core.times import format_instant
from gatekeeper.core.use import Declaration
from gatekeeper.errors import BadInput
from gatekeeper.stages.gate.assembling import with_stream_columns
from gatekeeper.stages.gate.barrier import Decides, RightsRead, Rules

VERDICT_COLUMNS = ("verdict", "reason", "holder", "evidence")
BLOCK_ROWS = 10_000
"""Rows decided together: what bounds the memory of the answers, not of the question."""

Compile = Callable[[Rules, Sequence[RightsRead], int, int], Decides]
"""Rules, rights events, the position they reach, the instant → the kernel there."""


@dataclass(frozen=True)
class Question:
    """On what to decide: rights applied below ``position``, at ``instant_us``, under ``rules``."""

    rules: Rules
    events: Sequence[RightsRead]
    position: int
    instant_us: int


def decisions(history: pa.Table, question: Question, compiled: Compile) -> Iterator[dict[str, Any]]:
    """Content rows in their order → one decision for every event and dataset, event by event, as design §7 names it."""
    kernel = compiled(question.rules, question.events, question.position, question.instant_us)
    kernel.at(question.instant_us)
    rows = with_stream_columns(history, Removals().covering(history))
    same = {
        "rights_position": question.position,
        "policy": question.rules.policy.digest,
        "decided_at": format_instant(question.instant_us),
    }
    for start in range(0, rows.num_rows, BLOCK_ROWS):
        block = rows.slice(start, BLOCK_ROWS)
        assets = block["asset_id"].to_pylist()
        answers = {name: batch.to_pylist() for name, batch in kernel.decide(block).items()}
        for i, asset_id in enumerate(assets):
            for dataset, verdicts in answers.items():
                spoken = {column: verdicts[i][column] for column in VERDICT_COLUMNS}
                yield {"asset_id": asset_id, "dataset": dataset, **spoken, **same}


def chosen(rules: Rules, names: Sequence[str]) -> Rules:
    """The rules with only these datasets, in this order; all when none is named. Raises ``BadInput``."""
    if not names:
        return rules
    return Rules(rules.policy, tuple(named(rules, name) for name in dict.fromkeys(names)))


def named(rules: Rules, name: str) -> Declaration:
    """The declaration of a dataset. Raises ``BadInput`` listing the known."""
    known = {d.name: d for d in rules.declarations}
    if name not in known:
        listed = ", ".join(known) or "none: add datasets/<name>.yaml"
        raise BadInput(f"there is no dataset {name!r}", f"declared in this workspace: {listed}")
    return known[name]


class ReferenceKernel:
    """The reference implementation in the kernel's shape: row by row, to compare with, and for small files."""

    def __init__(self, rules: Rules, events: Sequence[RightsRead], position: int, instant_us: int) -> None:
        self._rules, self._events = rules, list(events)
        self._instant_us = instant_us
        self._state: RightsState = state_of(self._events, position)

    def advance(self, events: Sequence[RightsRead], position: int) -> None:
        self._events += events
        self._state = state_of(self._events, position)

    def at(self, instant_us: int) -> None:
        self._instant_us = instant_us

    def decide(self, assets: pa.Table) -> dict[str, pa.RecordBatch]:
        rows = [asset_of(row) for row in assets.to_pylist()]
        return {d.name: self._verdicts(rows, d, self._rules.policy) for d in self._rules.declarations}

    def _verdicts(self, assets: list[Any], declaration: Declaration, policy: Policy) -> pa.RecordBatch:
        made = [decide(asset, declaration.use, self._state, policy, self._instant_us) for asset in assets]
        columns = [
            [str(d.verdict) for d in made],
            [d.reason for d in made],
            [d.holder for d in made],
            [d.evidence for d in made],
        ]
        return pa.record_batch([pa.array(c, pa.string()) for c in columns], names=list(VERDICT_COLUMNS))

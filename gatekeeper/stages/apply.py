"""``gatekeeper apply``: what a decision depends on is on the rights log too, by digest (design §3).

1. Compare the workspace's files with what the log says is active. 2. Keep every document in the lake under its digest.
3. Append the events. In this order, so that a digest on the log can always be resolved; a crash between 2 and 3 leaves
only a document nobody refers to, and the next apply finishes the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper.core.differences import Difference, differences
from gatekeeper.core.events import Unreadable
from gatekeeper.core.policy import Policy, canonical_json
from gatekeeper.core.register import Register
from gatekeeper.core.times import format_instant
from gatekeeper.core.use import Declaration
from gatekeeper.ports import LogWriter
from gatekeeper.stages.gate.barrier import RightsRead

SOURCE = "gatekeeper/apply"

Keep = Callable[[str, Mapping[str, Any]], str]
"""Kind (``policy``, ``dataset``) and document → its digest, under which the lake keeps it for ever."""
Kept = Callable[[str, str], Mapping[str, Any] | None]
"""Kind and digest → the document, None where it was never kept."""


@dataclass(frozen=True)
class Change:
    """One event to come. ``before`` and ``after`` are documents; None where there is none (or it is not kept here)."""

    type: str
    name: str
    digest: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def differences(self) -> tuple[Difference, ...]:
        if self.before is None or self.after is None:
            return ()
        return tuple(differences(self.before, self.after))


@dataclass(frozen=True)
class Plan:
    """Changes in the order in which they go on the log, made against the log's end at ``position``.

    ``documents`` is everything in force after it, by kind. ``unreadable`` are positions of rights events that the new
    policy can no longer read: their subjects will be held.
    """

    position: int
    changes: tuple[Change, ...]
    documents: tuple[tuple[str, Mapping[str, Any]], ...]
    unreadable: tuple[int, ...] = ()


def plan(policy: Policy, declarations: Sequence[Declaration], log: Register, kept: Kept) -> Plan:
    """What has to be told to the log."""
    changes = []
    if policy.digest != log.policy_digest:
        before = kept("policy", log.policy_digest) if log.policy_digest else None
        changes.append(Change("policy.activated", "policy", policy.digest, before, policy.document))
    for declaration in sorted(declarations, key=lambda d: d.name):
        active = log.datasets.get(declaration.name)
        if active != declaration.digest:
            before = kept("dataset", active) if active else None
            changes.append(
                Change("dataset.declared", declaration.name, declaration.digest, before, declaration.document)
            )
    gone = sorted(set(log.datasets) - {d.name for d in declarations})
    retired = [Change("dataset.retired", n, log.datasets[n], kept("dataset", log.datasets[n]), None) for n in gone]
    documents = (("policy", policy.document), *(("dataset", d.document) for d in declarations))
    return Plan(log.position, (*changes, *retired), documents)


def no_longer_readable(before: Sequence[RightsRead], after: Sequence[RightsRead]) -> tuple[int, ...]:
    """Positions that one policy can read and the other cannot: the same records, read under each."""
    was = {record.position for record in before if isinstance(record, Unreadable)}
    return tuple(r.position for r in after if isinstance(r, Unreadable) and r.position not in was)


def carry_out(plan: Plan, keep: Keep, log: LogWriter, now_us: int) -> list[dict[str, Any]]:
    """Keep the documents, then append the events; the events. Without changes nothing is appended."""
    for kind, document in plan.documents:
        keep(kind, document)
    events = [_event(change, plan.position, now_us) for change in plan.changes]
    if events:
        log.append((None, canonical_json(event)) for event in events)
    return events


def _event(change: Change, position: int, now_us: int) -> dict[str, Any]:
    """The id names the log's end: applying A, B and A again are three events, and two applies at once are one."""
    data = {"digest": change.digest}
    if change.type != "policy.activated":
        data["name"] = change.name
    short = change.digest.removeprefix("sha256:")[:12]
    return {
        "specversion": "1.0",
        "id": f"{change.type}/{change.name}/{short}@{position}",
        "source": SOURCE,
        "type": change.type,
        "time": format_instant(now_us),
        "data": data,
    }

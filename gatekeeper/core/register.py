"""What the rights log says is active: the policy, the declared datasets, records nobody could read, how late "now"
must be.

Small whatever the log's size, so every worker keeps one. The same ``source`` and ``id`` counts once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gatekeeper.core.events import RightsEvent, Unreadable
from gatekeeper.core.statements import NEVER_US

_REGISTERED = ("policy.activated", "dataset.declared", "dataset.retired", "rights.unreadable.answered")


@dataclass
class Register:
    """``position`` is the end offset applied; ``restricted_us`` the greatest ``time`` of an undated restriction."""

    position: int = 0
    policy_digest: str | None = None
    datasets: dict[str, str] = field(default_factory=dict)
    unreadable: dict[int, Unreadable] = field(default_factory=dict)
    answered: set[int] = field(default_factory=set)
    restricted_us: int = NEVER_US
    _seen: set[tuple[str, str]] = field(default_factory=set)

    @property
    def active(self) -> tuple[str | None, tuple[tuple[str, str], ...]]:
        """The digests that decisions are made with: policy, and (name, digest) of each declared dataset."""
        return self.policy_digest, tuple(sorted(self.datasets.items()))

    @property
    def unanswered(self) -> list[Unreadable]:
        return [record for position, record in self.unreadable.items() if position not in self.answered]

    def to_document(self) -> dict[str, Any]:
        """JSON types only; ``register_of`` reads it back."""
        return {
            "position": self.position,
            "policy": self.policy_digest,
            "datasets": dict(self.datasets),
            "unreadable": [[u.position, u.reason, u.detail, u.subject] for u in self.unreadable.values()],
            "answered": sorted(self.answered),
            "restricted_us": self.restricted_us,
            "seen": sorted(self._seen),
        }

    def apply(self, record: RightsEvent | Unreadable) -> None:
        self.position = record.position + 1
        if isinstance(record, Unreadable):
            self.unreadable[record.position] = record
            return
        restricted = record.undated_restriction_us
        if restricted is not None:
            self.restricted_us = max(self.restricted_us, restricted)
        if record.type in _REGISTERED and (record.source, record.id) not in self._seen:
            self._seen.add((record.source, record.id))
            self._register(record)

    def _register(self, event: RightsEvent) -> None:
        match event.type:
            case "policy.activated":
                self.policy_digest = event.data["digest"]
            case "dataset.declared":
                self.datasets[event.data["name"]] = event.data["digest"]
            case "dataset.retired":
                self.datasets.pop(event.data["name"], None)
            case _ if event.data["position"] in self.unreadable:
                self.answered.add(event.data["position"])


def register_of(document: Mapping[str, Any]) -> Register:
    """A register from its document. Raises ``KeyError``, ``TypeError`` or ``ValueError`` where it is not one."""
    unreadable = [Unreadable(*row) for row in document["unreadable"]]
    return Register(
        position=int(document["position"]),
        policy_digest=document["policy"],
        datasets=dict(document["datasets"]),
        unreadable={record.position: record for record in unreadable},
        answered=set(document["answered"]),
        restricted_us=int(document["restricted_us"]),
        _seen={(source, event_id) for source, event_id in document["seen"]},
    )

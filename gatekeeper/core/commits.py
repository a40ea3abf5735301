"""What a commit of the gate says about itself (design §5): pure values.

A batch is cut into slices, one per content partition. A slice may be committed to a table only if the table's version
for that partition EQUALS the slice's base; and to ``decisions`` only if its rights position is not below the position
swept to. The comparison is made on the handle that commits; a slice that fails it is dropped alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

NOTHING_YET = -1
"""The last offset of a partition, or the position of a sweep, before there is one."""

BATCH_KEY, WORKER_KEY, SLICES_KEY = "gatekeeper.batch", "gatekeeper.worker", "gatekeeper.slices"


@dataclass(frozen=True)
class SliceClaim:
    """One partition's part of a batch: offsets ``(base, last]``, and what they were decided on."""

    partition: int
    base: int
    last: int
    rights_position: int
    policy: str
    instant_us: int


@dataclass(frozen=True)
class CommitMetadata:
    """Who made a commit and what it claims. No two batches share an id: by it a worker knows its own commit again."""

    batch_id: str
    worker_id: str
    slices: tuple[SliceClaim, ...] = ()

    def to_custom(self) -> dict[str, str]:
        """As Delta custom metadata: strings by name."""
        rows = [[s.partition, s.base, s.last, s.rights_position, s.policy, s.instant_us] for s in self.slices]
        return {
            BATCH_KEY: self.batch_id,
            WORKER_KEY: self.worker_id,
            SLICES_KEY: json.dumps(rows, separators=(",", ":")),
        }

    @classmethod
    def from_custom(cls, custom: Mapping[str, str]) -> CommitMetadata | None:
        """The metadata of one of our commits, None for anybody else's. Raises ``ValueError`` if ours is malformed."""
        if BATCH_KEY not in custom:
            return None
        slices = tuple(SliceClaim(*row) for row in json.loads(custom.get(SLICES_KEY, "[]")))
        return cls(custom[BATCH_KEY], custom.get(WORKER_KEY, ""), slices)


@dataclass(frozen=True)
class WrittenFile:
    """A data file no log entry names yet, so nobody sees it. ``stats``: Delta protocol, "Per-file Statistics"."""

    path: str
    bytes: int
    rows: int
    stats: str
    written_at_ms: int


@dataclass(frozen=True)
class Committed:
    """The commit is in the log as ``version``."""

    version: int


@dataclass(frozen=True)
class Refused:
    """The commit is not in the log and never will be: somebody committed in between. Reload, compare again."""

    why: str


@dataclass(frozen=True)
class Unknown:
    """Nobody can say yet. Committing the same again with the same handle is safe: at most one of the two can stand."""

    why: str


Outcome = Committed | Refused | Unknown

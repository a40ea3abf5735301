"""Which events were applied: one delivered twice (same source and id) counts once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from gatekeeper.core.snapshot.keys import Words


@dataclass
class SeenIds:
    """128-bit digests of (source, id): sorted arrays of what was saved, a set of what came since."""

    high: Words = field(default_factory=lambda: np.empty(0, np.uint64))
    low: Words = field(default_factory=lambda: np.empty(0, np.uint64))
    _recent: set[bytes] = field(default_factory=set)

    def first_time(self, source: str, event_id: str) -> bool:
        """Whether the event was not applied before; from now on it was."""
        name = f"{len(source)}:{source}{event_id}".encode()
        digest = hashlib.blake2b(name, digest_size=16).digest()
        if digest in self._recent or self._saved(digest):
            return False
        self._recent.add(digest)
        return True

    def _saved(self, digest: bytes) -> bool:
        if len(self.high) == 0:
            return False
        high, low = np.frombuffer(digest, np.uint64)
        first, last = (int(np.searchsorted(self.high, high, side=side)) for side in ("left", "right"))
        return bool((self.low[first:last] == low).any())

    def settled(self) -> SeenIds:
        """The same ids, all in the sorted arrays."""
        fresh = np.frombuffer(b"".join(self._recent), np.uint64).reshape(-1, 2)
        high, low = np.append(self.high, fresh[:, 0]), np.append(self.low, fresh[:, 1])
        order = np.argsort(high, kind="stable")
        return SeenIds(high[order], low[order])

"""Which events were applied: one delivered twice (same source and id) counts once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gatekeeper.core.events import RightsEvent, Unreadable
from gatekeeper.core.snapshot.keys import Words

RECENT_IDS_MAX = 1 << 20
"""Digests that wait in a set; beyond, they join the sorted arrays."""


@dataclass
class SeenIds:
    """128-bit digests of (source, id): sorted arrays, and a set of what came since they were sorted."""

    high: Words = field(default_factory=lambda: np.empty(0, np.uint64))
    low: Words = field(default_factory=lambda: np.empty(0, np.uint64))
    _recent: set[bytes] = field(default_factory=set)

    def unseen(self, records: Sequence[RightsEvent | Unreadable]) -> list[RightsEvent | Unreadable]:
        """The records, in order, without events that were applied before; from now on these were.

        What cannot be read has no identity and always counts.
        """
        digests = [None if isinstance(record, Unreadable) else _digest(record.source, record.id) for record in records]
        known = self._sorted_in(digests)
        fresh: list[RightsEvent | Unreadable] = []
        for record, digest in zip(records, digests, strict=True):
            if digest is not None:
                if digest in known or digest in self._recent:
                    continue
                self._recent.add(digest)
            fresh.append(record)
        if len(self._recent) > max(RECENT_IDS_MAX, len(self.high) // 4):
            self.settle()
        return fresh

    def settle(self) -> None:
        """Every digest joins the sorted arrays."""
        fresh = np.frombuffer(b"".join(self._recent), np.uint64).reshape(-1, 2)
        high, low = np.append(self.high, fresh[:, 0]), np.append(self.low, fresh[:, 1])
        order = np.argsort(high, kind="stable")
        self.high, self.low, self._recent = high[order], low[order], set()

    def _sorted_in(self, digests: Sequence[bytes | None]) -> set[bytes]:
        """Those of the digests that the sorted arrays hold."""
        asked = [digest for digest in digests if digest is not None]
        if len(self.high) == 0 or not asked:
            return set()
        words = np.frombuffer(b"".join(asked), np.uint64).reshape(-1, 2)
        first = np.searchsorted(self.high, words[:, 0], side="left")
        last = np.searchsorted(self.high, words[:, 0], side="right")
        hits = np.flatnonzero(first < last).tolist()
        return {asked[at] for at in hits if (self.low[first[at] : last[at]] == words[at, 1]).any()}


def _digest(source: str, event_id: str) -> bytes:
    return hashlib.blake2b(f"{len(source)}:{source}{event_id}".encode(), digest_size=16).digest()

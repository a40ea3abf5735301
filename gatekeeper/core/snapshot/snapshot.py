"""A rights snapshot: the state at a position, specialised for some uses, standing at an instant.

Rules of this file: one owner, no locks. ``advance`` and ``at`` move the snapshot itself, and what a kernel decides
after them is what a snapshot compiled there would decide. New rows grow in ``intake``; when there are enough they are
sealed into a level, and small levels melt into larger ones. Reads see the sealed levels and one small level of recent
rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from gatekeeper.core.events import RightsEvent, Unreadable
from gatekeeper.core.policy import Policy, digest_of
from gatekeeper.core.snapshot.build import columns_of, level_of
from gatekeeper.core.snapshot.intake import Intake
from gatekeeper.core.snapshot.keys import STABLE_HASH, KeyHash
from gatekeeper.core.snapshot.level import Level
from gatekeeper.core.snapshot.reasons import code_ranks, final_order
from gatekeeper.core.snapshot.rows import Columns, Recent, joined
from gatekeeper.core.snapshot.scopes import reach_bits
from gatekeeper.core.snapshot.sealed import SealedRows
from gatekeeper.core.snapshot.seen import SeenIds
from gatekeeper.core.snapshot.speaking import refresh
from gatekeeper.core.snapshot.terms import TermsInForce
from gatekeeper.core.subjects import KINDS
from gatekeeper.core.use import Use

Records = Iterable[RightsEvent | Unreadable]


@dataclass(frozen=True)
class Limits:
    """When rows move on. None of them alters an answer."""

    block_events: int = 4096
    """Events that are looked up together when a snapshot advances."""
    recent_rows_max: int = 4096
    """Rows that may grow before they are sealed: what every change rebuilds (milliseconds)."""
    merge_rows_max: int = 1_000_000
    """The largest level that ``advance`` may build (about a second); beyond it, ``compact`` is the caller's to choose.
    """
    growth: int = 8
    """A level melts into the one before it when that is less than this many times as long."""
    speakers_in_chain_max: int = 64
    """Rows bound to a speaker that one subject may have before they are sorted apart."""


class Snapshot:
    """Built by ``compile`` or opened from a file (``storage``). ``uses`` are by the caller's names; equal uses share
    their bits.

    ``ranks[kind]`` are the ``code_ranks`` at the tier where the policy's wishes read that kind of subject; ``order`` is
    the policy's ``final_order``.
    """

    def __init__(
        self,
        policy: Policy,
        uses: Mapping[str, Use],
        instant_us: int,
        seed: int,
        hashing: KeyHash,
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.policy = policy
        self.uses = dict(uses)
        self.instant_us = instant_us
        self.position = 0
        self.seed, self.hashing = seed, hashing
        self.intake = Intake(policy)
        self.seen = SeenIds()
        self.levels: list[Level] = []
        self.distinct_uses = list(dict.fromkeys(self.uses.values()))
        tiers = {kind: tier for tier, kinds in enumerate(policy.wishes_tiers) for kind in kinds}
        self.ranks = [code_ranks(policy.layers, tiers[kind]) for kind in KINDS]
        self.order = final_order(policy.layers)
        self._recent_level: Level | None = None
        self._reach = reach_bits((), self.distinct_uses, policy.purposes)

    @classmethod
    def compile(
        cls,
        events: Records,
        position: int,
        policy: Policy,
        uses: Mapping[str, Use],
        instant_us: int,
        *,
        seed: int,
        hashing: KeyHash = STABLE_HASH,
        limits: Limits | None = None,
    ) -> Snapshot:
        """The state that the events below ``position`` make, at an instant. ``events`` come in order; ``seed`` is any
        64 bits.
        """
        snapshot = cls(policy, uses, instant_us, seed, hashing, limits)
        nothing = SealedRows((), hashing, seed)
        for block in snapshot._news(events, position):
            for record in block:
                snapshot.intake.apply(record, nothing)
        snapshot.position = position
        snapshot._seal()
        return snapshot

    def advance(self, events: Records, position: int) -> None:
        """Applies the events from the snapshot's position up to, not including, ``position``; passes others over."""
        for block in self._news(events, position):
            self._apply(block)
        self.position = max(self.position, position)

    def at(self, instant_us: int) -> None:
        """Moves to another instant, later or earlier, touching only rows that begin or end to speak in between."""
        for level in self._all_levels():
            rows = level.changed_between(*sorted((self.instant_us, instant_us)))
            if len(rows):
                refresh(level, self._reached(), instant_us, rows)
        self.instant_us = instant_us

    @property
    def next_change_us(self) -> int | None:
        """The next instant at which a statement that reaches one of the uses, or a version of the terms, begins or
        ends.
        """
        changes = [level.next_change_us(self.instant_us) for level in self.tables()]
        changes.append(self.intake.terms.next_change_us(self.instant_us))
        return min((change for change in changes if change is not None), default=None)

    @property
    def uses_digest(self) -> str:
        return digest_of({name: [u.purpose, sorted(u.territories), u.model] for name, u in self.uses.items()})

    def tables(self) -> list[Level]:
        """Every level, masks at the instant: what a look-up has to read."""
        if self._recent_level is None and len(self.intake.recent):
            self._recent_level = self._built(self.intake.recent.sealed(self.hashing, self.seed))
        return self._all_levels()

    def terms_in_force(self) -> TermsInForce:
        return self.intake.terms.at(self.instant_us, self.distinct_uses, self.policy.purposes, self.policy.layers)

    def seal(self) -> None:
        """Everything recent becomes part of the sorted levels, as saving needs it."""
        self._seal()
        self.seen.settle()

    def compact(self) -> None:
        """One level out of all; takes as long as sorting it. Worth it when ``overlay_share`` grows beyond a tenth."""
        self._seal()
        while len(self.levels) > 1:
            self._melt()

    @property
    def overlay_share(self) -> float:
        """The part of all rows that is not in the first level."""
        total = sum(map(len, self._all_levels()))
        return 1 - len(self.levels[0]) / total if self.levels and total else 0.0

    def _news(self, events: Records, position: int) -> Iterator[list[RightsEvent | Unreadable]]:
        """The events of this step that were not applied before, in blocks."""
        step = (record for record in events if self.position <= record.position < position)
        while block := list(islice(step, self.limits.block_events)):
            yield self.seen.unseen(block)

    def _apply(self, block: list[RightsEvent | Unreadable]) -> None:
        sealed = SealedRows(self.levels, self.hashing, self.seed)
        sealed.look_up(block)
        for record in block:
            self.intake.apply(record, sealed)
        self._recent_level = None
        sealed.refresh(self._reached(), self.instant_us)
        if len(self.intake.recent) > self.limits.recent_rows_max:
            self._seal()

    def _all_levels(self) -> list[Level]:
        return [*self.levels, self._recent_level] if self._recent_level is not None else list(self.levels)

    def _built(self, columns: Columns) -> Level:
        level = level_of(columns, self._reached(), self.limits.speakers_in_chain_max)
        refresh(level, self._reached(), self.instant_us)
        return level

    def _seal(self) -> None:
        """Recent rows become a level. What they were kept in goes first: a compiled log may need the room."""
        level, self._recent_level = self._recent_level, None
        columns = self.intake.recent.sealed(self.hashing, self.seed) if level is None else None
        self.intake.recent = Recent()
        self.intake.speakers.clear()
        if level is None and columns is not None and len(columns):
            level = self._built(columns)
        if level is not None:
            self.levels.append(level)
        while self._should_melt():
            self._melt()

    def _should_melt(self) -> bool:
        if len(self.levels) < 2:
            return False
        before, last = len(self.levels[-2]), len(self.levels[-1])
        return before < self.limits.growth * last and before + last <= self.limits.merge_rows_max

    def _melt(self) -> None:
        last, before = self.levels.pop(), self.levels.pop()
        self.levels.append(self._built(joined([columns_of(before), columns_of(last)])))

    def _reached(self) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        """One bit per scope and use, grown to the scopes met so far."""
        known = self._reach.shape[1]
        if known < len(self.intake.scopes):
            fresh = islice(self.intake.scopes, known, None)
            more = reach_bits(fresh, self.distinct_uses, self.policy.purposes)
            self._reach = np.concatenate([self._reach, more], axis=1)
        return self._reach

"""The freshness barrier (design §5): before a batch is decided, read the end of the rights log and catch up.

The instant of a batch is taken after the barrier: the greatest of the clock, the previous instant, and the ``time`` of
every undated restriction applied, so that no producer's clock defers a no.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from gatekeeper.core.events import RightsEvent, Unreadable
from gatekeeper.core.policy import Policy
from gatekeeper.core.register import Register
from gatekeeper.core.use import Declaration
from gatekeeper.errors import NotApplied
from gatekeeper.ports import RightsReader, RightsRecord
from gatekeeper.stages.gate.values import Moment

log = logging.getLogger(__name__)

RightsRead = RightsEvent | Unreadable

KEEP_EVENTS_MIN = 10_000
"""A rights state is kept for the next start once so many events were applied: reading them takes about a second."""


@dataclass(frozen=True)
class Rules:
    """What decisions are made with besides rights: the policy and the declared datasets."""

    policy: Policy
    declarations: tuple[Declaration, ...]

    @property
    def active(self) -> tuple[str | None, tuple[tuple[str, str], ...]]:
        """The digests, in the shape in which ``Register.active`` tells what the log says."""
        return self.policy.digest, tuple(sorted((d.name, d.digest) for d in self.declarations))


class Decides(Protocol):
    """The columnar kernel at a position, as the worker uses it."""

    def advance(self, events: Sequence[RightsRead], position: int) -> None: ...
    def at(self, instant_us: int) -> None: ...
    def decide(self, assets: pa.Table) -> dict[str, pa.RecordBatch]: ...


@dataclass(frozen=True)
class Follows:
    """What the follower needs of the outside: each a function, so that a test can give its own.

    ``confirm`` raises where the log is not the one the lake has kept so far; ``settle`` keeps records in the lake and
    reads them as events (``Unreadable`` where nobody can); ``rules`` loads policy and declarations from the workspace's
    files; ``compile`` builds the kernel on rules from events; ``resume`` finds one that was kept, at or below the log's
    end, and ``keep`` keeps one.
    """

    confirm: Callable[[RightsReader], None]
    settle: Callable[[Sequence[RightsRecord], Policy], list[RightsRead]]
    rules: Callable[[], Rules]
    compile: Callable[[Rules, Sequence[RightsRead], int, int], Decides]
    resume: Callable[[Rules, int], tuple[Register, Decides] | None]
    keep: Callable[[Register, Decides], None]
    clock_us: Callable[[], int]


def _shout(record: Unreadable) -> None:
    """It may be a revocation that we cannot read (design §3), and nobody has answered it."""
    held = f"{record.subject} is held" if record.subject else "nobody knows whom it is about: no release is published"
    log.error(
        "rights event %d cannot be read (%s: %s); %s until `gatekeeper rights resolve %d --because ...`",
        *(record.position, record.reason, record.detail, held, record.position),
    )


class RightsFollower:
    """The rights state of one worker. Belongs to the thread that decides."""

    def __init__(self, reader: RightsReader, outside: Follows) -> None:
        self._reader = reader
        self._outside = outside
        self._instant_us = outside.clock_us()
        self.register = Register()
        self.rules = outside.rules()
        self.kernel: Decides | None = None
        self._kept = 0

    def catch_up(self) -> Moment:
        """Apply the rights log to its end. Raises ``NotApplied``, ``Unavailable``, ``UnsafeLog``: then nothing is
        decided.
        """
        if self.kernel is None:
            self._outside.confirm(self._reader)
        end = self._reader.end()
        if self.kernel is None:
            self._start(end)
        elif end > self.register.position:
            self._advance(end)
        self._instant_us = max(self._outside.clock_us(), self._instant_us, self.register.restricted_us)
        assert self.kernel is not None
        self.kernel.at(self._instant_us)
        return Moment(self.register.position, self._instant_us, len(self.register.unanswered))

    def not_before(self, instant_us: int) -> None:
        """Never date a decision before this instant."""
        self._instant_us = max(self._instant_us, instant_us)

    def keep(self) -> None:
        """Keep the rights state for the next start, where enough has changed since the last time."""
        if self.kernel is not None and self.register.position - self._kept >= KEEP_EVENTS_MIN:
            self._outside.keep(self.register, self.kernel)
            self._kept = self.register.position

    def _start(self, end: int) -> None:
        resumed = self._outside.resume(self.rules, end)
        if resumed is not None and resumed[0].active == self.rules.active:
            self.register, self.kernel = resumed
            self._kept = self.register.position
            self._advance(end)
        else:
            self._compile(end)

    def _compile(self, end: int) -> None:
        events = self._read(0, end)
        self._require_applied()
        self.kernel = self._outside.compile(self.rules, events, end, self._instant_us)
        self.keep()

    def _advance(self, end: int) -> None:
        before = self.register.active
        events = self._read(self.register.position, end)
        if self.register.active == before:
            assert self.kernel is not None
            self.kernel.advance(events, end)
            return
        self.rules = self._outside.rules()
        self.register, self._kept = Register(), 0
        self._compile(end)

    def _read(self, start: int, end: int) -> list[RightsRead]:
        records = self._reader.read(start, end)
        events = self._outside.settle(records, self.rules.policy)
        for event in events:
            self.register.apply(event)
        self.register.position = end
        for record in self.register.unanswered:
            if record.position >= start:
                _shout(record)
        return events

    def _require_applied(self) -> None:
        if self.rules.active != self.register.active:
            raise NotApplied(
                "the workspace's policy or datasets differ from what the rights log says is active",
                "run gatekeeper apply",
            )

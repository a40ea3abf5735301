"""The kernel as it stood at a moment: rights below a position, the policy and declarations active there, an instant.

Rules of this file: what was active is what the rights log says, whatever the workspace's files say now; policies and
declarations come from the lake's keeping, by their digests. Where something is missing, a sentence says what, and
nothing is decided.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from gatekeeper.core.policy import Policy
from gatekeeper.core.register import Register
from gatekeeper.core.use import Declaration
from gatekeeper.stages.gate.barrier import Decides, RightsRead, Rules

Active = tuple[str | None, tuple[tuple[str, str], ...]]
"""As ``Register.active``."""
Compile = Callable[[Rules, Sequence[RightsRead], int, int], Decides]
"""Rules, rights events, the position they reach, the instant → the kernel there."""


class Past(Protocol):
    """What is kept of the past."""

    def policy(self, digest: str) -> Policy | None: ...
    def declaration(self, digest: str, policy: Policy) -> Declaration | None: ...
    def rights(self, policy: Policy) -> Sequence[RightsRead]:
        """The whole rights log, position for position, as it is read under a policy."""


class Moment(NamedTuple):
    """What a decision says it was made on."""

    policy: str
    position: int
    instant_us: int


@dataclass
class _Log:
    """The rights log under one policy, and what was active from which position on."""

    policy: Policy
    events: Sequence[RightsRead]
    since: list[int] = field(default_factory=lambda: [0])
    active: list[Active] = field(default_factory=lambda: [Register().active])

    def __post_init__(self) -> None:
        register = Register()
        for event in self.events:
            register.apply(event)
            if register.active != self.active[-1]:
                self.since.append(register.position)
                self.active.append(register.active)

    def active_at(self, position: int) -> Active:
        return self.active[bisect_right(self.since, position) - 1]

    def between(self, start: int, end: int) -> Sequence[RightsRead]:
        first, last = (bisect_left(self.events, at, key=lambda event: event.position) for at in (start, end))
        return self.events[first:last]


@dataclass
class Rewound:
    """Moments in the order of positions are cheap; one before the last makes the kernel anew."""

    past: Past
    compiled: Compile
    _logs: dict[str, _Log | None] = field(default_factory=dict)
    _kernel: Decides | None = None
    _rules: Rules | None = None
    _position: int = -1

    def at(self, moment: Moment) -> Decides | str:
        """The kernel there, or why there is none."""
        log = self._log(moment.policy)
        if log is None:
            return f"the lake keeps no policy {moment.policy}"
        if moment.position > len(log.events):
            return f"the rights log ends at {len(log.events)}, before the position {moment.position} of the decision"
        active = log.active_at(moment.position)
        if active[0] != moment.policy:
            return f"at position {moment.position} the policy {active[0]} was active, not {moment.policy}"
        rules = self._rules_of(log.policy, active)
        if isinstance(rules, str):
            return rules
        self._move(log, rules, moment)
        assert self._kernel is not None
        self._kernel.at(moment.instant_us)
        return self._kernel

    def _move(self, log: _Log, rules: Rules, moment: Moment) -> None:
        if self._kernel is None or rules != self._rules or moment.position < self._position:
            before = log.between(0, moment.position)
            self._kernel = self.compiled(rules, before, moment.position, moment.instant_us)
        elif moment.position > self._position:
            self._kernel.advance(log.between(self._position, moment.position), moment.position)
        self._rules, self._position = rules, moment.position

    def _log(self, digest: str) -> _Log | None:
        if digest not in self._logs:
            policy = self.past.policy(digest)
            self._logs[digest] = None if policy is None else _Log(policy, self.past.rights(policy))
        return self._logs[digest]

    def _rules_of(self, policy: Policy, active: Active) -> Rules | str:
        if self._rules is not None and self._rules.active == active:
            return self._rules
        found = []
        for name, digest in active[1]:
            declaration = self.past.declaration(digest, policy)
            if declaration is None:
                return f"the lake keeps no declaration {digest} of {name}"
            found.append(declaration)
        return Rules(policy, tuple(found))

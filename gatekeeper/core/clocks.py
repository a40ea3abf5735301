"""The clock of a no (design §5, "Speed of a no"): from the rights log to everywhere it has to be heard.

Rules of this file: an event that may be a no starts a clock when the log acknowledges it; it is done when a sweep has
decided on it, every dataset's table has followed, and every release was decided again. The time of an event that
nobody has recorded yet counts as its arrival. The gate needs no deadline: no batch is decided before the log's end was
heard. Holders of copies are named; what they do is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

NO_TYPES = frozenset(
    {
        "rights.consent.withdrawn",
        "rights.claim.opened",
        "rights.reservation.declared",
        "rights.agreement.terminated",
        "rights.agreement.signed",
    }
)
"""Events that may take a permission away; an agreement signed again replaces the whole one."""

AT_RISK_SHARE = 0.5
"""Of a deadline: when so much of it has passed and the no is not everywhere, it is at risk."""
HOUR_US = 3_600_000_000


class State(StrEnum):
    """How a no stands."""

    DONE = "done"
    OPEN = "open"
    AT_RISK = "at_risk"
    OVERDUE = "overdue"


@dataclass(frozen=True)
class Passed:
    """Commits that have heard of rights below a position: ``sweep`` (else the gate), at which instant, and as which
    version of ``decisions``.
    """

    version: int
    position: int
    instant_us: int
    sweep: bool


@dataclass(frozen=True)
class Standing:
    """Where everything stands. ``passed``: what has heard of the rights in question, ``complete`` where that is every
    decision there is; ``folded``: dataset → the version of ``decisions`` its table has followed;
    ``looked_us`` is when every release was decided again, on rights below ``looked``; None where there is no release.
    """

    passed: Sequence[Passed]
    complete: bool
    folded: Mapping[str, int]
    looked: int | None
    looked_us: int | None
    now_us: int
    deadline_h: int


@dataclass(frozen=True)
class Clock:
    """Instants in microseconds, None where a step is not done. ``gate`` is None while nothing was decided since, too.

    ``deadline_us`` is for ``tables`` and ``releases``.
    """

    position: int
    type: str
    about: str
    acknowledged_us: int
    gate_us: int | None
    tables_us: int | None
    releases_us: int | None
    deadline_us: int
    state: State


def clock(position: int, type_: str, about: str, acknowledged_us: int, standing: Standing) -> Clock:
    """How one no stands."""
    heard = [commit for commit in standing.passed if commit.position > position]
    # nothing was ever decided without it: no table can hold what it forbids
    always = standing.complete and len(heard) == len(standing.passed)
    tables_us = _tables([commit for commit in heard if commit.sweep or always], standing)
    releases_us = _releases(position, acknowledged_us, standing)
    deadline_us = acknowledged_us + standing.deadline_h * HOUR_US
    done = tables_us is not None and releases_us is not None
    return Clock(
        position,
        type_,
        about,
        acknowledged_us,
        min((commit.instant_us for commit in heard), default=None),
        tables_us,
        releases_us,
        deadline_us,
        State.DONE if done else _open(acknowledged_us, deadline_us, standing.now_us),
    )


def _tables(settling: Sequence[Passed], standing: Standing) -> int | None:
    """The first of these commits that every table has followed; its instant stands for theirs, seconds later."""
    behind = min(standing.folded.values(), default=None)
    followed = [commit.instant_us for commit in settling if behind is None or commit.version <= behind]
    return min(followed, default=None)


def _releases(position: int, acknowledged_us: int, standing: Standing) -> int | None:
    """Without a release there is nothing to recall."""
    if standing.looked is None:
        return acknowledged_us
    return standing.looked_us if standing.looked > position else None


def _open(acknowledged_us: int, deadline_us: int, now_us: int) -> State:
    if now_us >= deadline_us:
        return State.OVERDUE
    share = (now_us - acknowledged_us) / max(1, deadline_us - acknowledged_us)
    return State.AT_RISK if share >= AT_RISK_SHARE else State.OPEN

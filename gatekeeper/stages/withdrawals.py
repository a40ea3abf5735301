"""``gatekeeper withdrawals``: every no with its clock, and who of the holders of copies has heard of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gatekeeper.core.clocks import NO_TYPES, Clock, Passed, Standing, State, clock
from gatekeeper.core.commits import CommitMetadata
from gatekeeper.core.events import RightsEvent
from gatekeeper.core.times import format_instant
from gatekeeper.stages.gate.barrier import RightsRead
from gatekeeper.stages.recall.uses import silent_holders, uses_of
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.sweep.committing import SWEEP_KEY
from gatekeeper.stages.trace.membership import Published

VERSIONS_MAX = 5_000
"""Commits of ``decisions`` that are looked back through, a millisecond each."""
SHOWN_MAX = 100
"""Clocks told one by one; the counts are of all."""


class DecisionsLog(Protocol):
    """``decisions`` as its own log tells it."""

    @property
    def version(self) -> int: ...
    def custom_metadata(self, version: int) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True)
class Told:
    """A clock as people read it: instants are RFC 3339, None where a step is not done. ``recalls``: the releases it
    recalled; ``holders``: of copies of those, and whether each has acknowledged.
    """

    position: int
    type: str
    about: str
    acknowledged: str
    gate: str | None
    tables: str | None
    releases: str | None
    deadline: str
    state: str
    recalls: tuple[str, ...]
    holders: Mapping[str, bool]


@dataclass(frozen=True)
class Withdrawals:
    """``open`` counts every no that is not everywhere yet, those ``at_risk`` and ``overdue`` among them; ``clocks`` the
    most pressing first. ``recalled_latest``: releases that readers get and that wait for a replacement.
    """

    deadline_h: int
    open: int
    at_risk: int
    overdue: int
    clocks: tuple[Told, ...]
    recalled_latest: tuple[str, ...] = ()


def passed(decisions: DecisionsLog, since: int) -> tuple[list[Passed], bool]:
    """Commits that heard of the rights event at ``since``, the newest first, and whether these are all there are."""
    found: list[Passed] = []
    for version in range(decisions.version, max(-1, decisions.version - VERSIONS_MAX), -1):
        commit = _passed(version, decisions.custom_metadata(version) or {})
        if commit is None:
            continue
        if commit.position <= since:
            return found, False
        found.append(commit)
    return found, decisions.version < VERSIONS_MAX


def _passed(version: int, custom: Mapping[str, Any]) -> Passed | None:
    if SWEEP_KEY in custom:
        said = json.loads(custom[SWEEP_KEY])
        # a sweep has heard of nothing before its last commit
        return Passed(version, said["to"], said["instant_us"], sweep=True) if said["last"] else None
    made = CommitMetadata.from_custom(custom)
    if made is None or not made.slices:
        return None
    oldest = min(made.slices, key=lambda claim: claim.rights_position)
    return Passed(version, oldest.rights_position, oldest.instant_us, sweep=False)


def withdrawals(
    events: Sequence[RightsRead],
    arrived: Mapping[int, int],
    standing: Standing,
    store: ReleaseStore,
    releases: Sequence[Published],
    last: int = 0,
) -> Withdrawals:
    """Every no among the events; ``last`` of those that are done are told as well. ``arrived``: position → instant."""
    clocks = [
        clock(event.position, event.type, _about(event), arrived.get(event.position, event.time_us), standing)
        for event in noes(events)
    ]
    pressing = sorted((c for c in clocks if c.state is not State.DONE), key=lambda c: (c.deadline_us, c.position))
    done = [c for c in clocks if c.state is State.DONE][-last:] if last else []
    shown = [*pressing[:SHOWN_MAX], *reversed(done)]
    return Withdrawals(
        standing.deadline_h,
        len(pressing),
        sum(c.state is State.AT_RISK for c in pressing),
        sum(c.state is State.OVERDUE for c in pressing),
        tuple(_told(c, store, releases) for c in shown),
    )


def noes(events: Sequence[RightsRead]) -> Iterator[RightsEvent]:
    """Events that may take a permission away."""
    for event in events:
        if isinstance(event, RightsEvent) and event.type in NO_TYPES:
            yield event


def _about(event: RightsEvent) -> str:
    data = event.data
    return str(data.get("subject") or data.get("agreement_id") or data.get("party_id") or "")


def _told(of: Clock, store: ReleaseStore, releases: Sequence[Published]) -> Told:
    touched = [one for one in releases if _recalls(one, of.position)]
    holders: dict[str, bool] = {}
    for one in touched:
        silent = set(silent_holders(store, one.manifest))
        for use in uses_of(store, one.manifest):
            holders[use.holder] = holders.get(use.holder, True) and use.holder not in silent
    return Told(
        of.position,
        of.type,
        of.about,
        format_instant(of.acknowledged_us),
        _text(of.gate_us),
        _text(of.tables_us),
        _text(of.releases_us),
        format_instant(of.deadline_us),
        str(of.state),
        tuple(one.manifest.name for one in touched),
        dict(sorted(holders.items())),
    )


def _recalls(one: Published, position: int) -> bool:
    """Whether a recall of the release rests on this very event."""
    mark = f"rights:{position}@"
    return any(why.evidence.startswith(mark) for recall in one.recalls for why in recall.because)


def _text(instant_us: int | None) -> str | None:
    return None if instant_us is None else format_instant(instant_us)

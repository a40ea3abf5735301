"""Gates made wrong on purpose: each lacks one thing that exactly-once or freshness rests on. For tests of the tests.

A change is made in the gate's own process, before it starts, at the seam where the right thing stands.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any


def _replace(owner: type, name: str, instead: Callable[..., Any]) -> None:
    setattr(owner, name, instead)


def without_the_lock() -> None:
    """Two gates in one embedded workspace: not wrong by itself, the tables decide."""
    from gatekeeper.wiring import gate

    @contextmanager
    def unlocked(path: Any) -> Any:
        yield path

    gate.WorkspaceLock = unlocked  # type: ignore[misc,assignment]


def that_never_compares() -> None:
    """Commits whatever it holds, wherever the table stands."""
    from gatekeeper.stages.gate.values import Slice

    without_the_lock()
    _replace(Slice, "follows", lambda _self, _step, _version: True)


def that_forgets_dead_letters() -> None:
    """Judges again what an earlier table already holds."""
    from gatekeeper.stages.gate.opening import Opening

    _replace(Opening, "_recorded", lambda _self, _partition, _catalog, _dead: frozenset())


def that_forgets_removals() -> None:
    """Does not look up what was removed before it started."""
    from gatekeeper.stages.gate.opening import Opening

    _replace(Opening, "_removals", lambda _self, _partition, _through: {})


def that_folds_without_replacing() -> None:
    """Adds rows to a dataset and never takes one away."""
    from gatekeeper.stages.fold_table import IndexedTable

    _replace(IndexedTable, "hits", lambda _self, _asset_ids: {})


def that_reads_rights_only_once() -> None:
    """Passes the barrier at its start and never again."""
    from gatekeeper.stages.gate.barrier import RightsFollower

    right = RightsFollower.catch_up
    seen: list[Any] = []

    def once(self: RightsFollower) -> Any:
        if not seen:
            seen.append(right(self))
        return seen[0]

    _replace(RightsFollower, "catch_up", once)


def that_trusts_the_stable_end() -> None:
    """Takes the last stable offset for the end of the rights log: an open transaction hides what is acknowledged."""
    from gatekeeper.edges.kafka_rights import KafkaRightsReader

    _replace(KafkaRightsReader, "end", KafkaRightsReader.stable_end)

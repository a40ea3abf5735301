"""What a recall leaves to do: a dataset whose latest release is recalled needs another one (``on_recall``).

Rules of this file: a replacement is an ordinary release: built, checked, approved where its declaration asks for it,
and published; ``latest`` moves by nothing else. A build that waits already, and in which nothing is refused now, is
not built again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper.core.manifest import Manifest
from gatekeeper.stages.gate.barrier import Rules
from gatekeeper.stages.latest import latest_of
from gatekeeper.stages.recall.recalling import Outcome, Recalled
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.release_reading import names, recalls_of

REPLACE, KEEP = "replace", "keep"
"""``on_recall`` of a declaration: what happens to a latest release that is recalled. Absent: ``replace``."""


@dataclass(frozen=True)
class Needed:
    """``latest`` is recalled. ``waiting`` is a build that could take its place, None where one has to be made."""

    dataset: str
    latest: str
    waiting: str | None
    approval: bool

    @property
    def commands(self) -> tuple[str, ...]:
        """What a person types next."""
        build = self.waiting or f"{self.dataset}@VERSION"
        first = () if self.waiting else (f"gatekeeper build {self.dataset}",)
        asked = (f"gatekeeper review {build}", f"gatekeeper approve {build} --by WHO --because ...")
        return (*first, f"gatekeeper check {build}", *(asked if self.approval else ()), f"gatekeeper publish {build}")


def needed(store: ReleaseStore, rules: Rules, recalled: Recalled) -> Iterator[Needed]:
    """Declared datasets whose latest release is recalled, or is found to be by a dry run."""
    new = {outcome.manifest.name: bool(outcome.new) for outcome in recalled.outcomes}
    released = {dataset for dataset, _ in names(store)}
    for declaration in rules.declarations:
        if declaration.name not in released or not wants_replacement(declaration.document):
            continue
        latest = latest_of(store, declaration.name)
        if latest is not None and (new.get(latest.name) or recalls_of(store, latest)):
            waiting = _waiting(recalled.outcomes, latest)
            yield Needed(declaration.name, latest.name, waiting, declaration.document.get("approval") != "none")


def wants_replacement(document: Mapping[str, Any]) -> bool:
    """Whether a declaration lets no latest release stay recalled."""
    return document.get("on_recall") != KEEP


def _waiting(outcomes: Sequence[Outcome], latest: Manifest) -> str | None:
    """The newest unpublished build on later rights in which nothing is refused now."""
    builds = [
        outcome.manifest
        for outcome in outcomes
        if not outcome.published
        and not outcome.new
        and outcome.manifest.dataset == latest.dataset
        and outcome.manifest.basis.rights_position > latest.basis.rights_position
    ]
    return max(builds, key=lambda build: (build.basis.rights_position, build.basis.instant)).name if builds else None

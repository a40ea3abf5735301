"""``recall --replace``: the ordinary way from build to release, as far as nobody has to be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gatekeeper.errors import GatekeeperError
from gatekeeper.stages.recall.replacing import Needed
from gatekeeper.wiring.building import BuildOptions, build
from gatekeeper.wiring.checking import check
from gatekeeper.wiring.releasing import publish
from gatekeeper.wiring.workspace import OpenWorkspace


@dataclass(frozen=True)
class Replaced:
    """``outcome`` in words: published, waiting for a person, or what stopped it (``failed``)."""

    dataset: str
    build: str | None
    release: str | None
    outcome: str
    failed: bool


def replace_all(opened: OpenWorkspace, needed: Iterable[Needed], told: Callable[[str], None]) -> list[Replaced]:
    """Build and check what is needed, publish where no approval is required. What fails stops only its own dataset."""
    return [_replaced(opened, one, told) for one in needed]


def _replaced(opened: OpenWorkspace, one: Needed, told: Callable[[str], None]) -> Replaced:
    name = one.waiting
    try:
        if name is None:
            told(f"building a replacement of {one.latest}")
            name = build(opened, one.dataset, BuildOptions()).name
        told(f"checking {name}")
        checked = check(opened, name)
        if not checked.passed:
            blocks = "; ".join(f"{met.name}: {met.do}" for met in checked.expectations if met.blocks)
            said = f"{name} did not pass its check: {blocks}"
            return Replaced(one.dataset, name, None, said, failed=True)
        if one.approval:
            say = f"{name} waits for a person: gatekeeper review {name}, then approve and publish"
            return Replaced(one.dataset, name, None, say, failed=False)
        release = publish(opened, name).manifest.name
        return Replaced(one.dataset, name, release, f"{release} is published and replaces {one.latest}", failed=False)
    except GatekeeperError as problem:
        return Replaced(one.dataset, name, None, f"{problem.what} ({problem.do})", failed=True)

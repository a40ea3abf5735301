"""``trace`` with the lake's tables and the releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gatekeeper.core.advice import advice, ways_to_no
from gatekeeper.core.decision import Verdict
from gatekeeper.core.layout import CATALOG, DECISIONS, DatasetTable
from gatekeeper.core.subjects import KINDS, parse_subject
from gatekeeper.errors import BadInput, Refused
from gatekeeper.stages.decide import named as dataset_named
from gatekeeper.stages.explain import Known, latest, tell
from gatekeeper.stages.latest import latest_of
from gatekeeper.stages.reading import ReadableTable, events_of
from gatekeeper.stages.recall.uses import uses_of
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.release_reading import every_manifest, named
from gatekeeper.stages.row_decisions import CatalogTable
from gatekeeper.stages.trace.absence import InRelease, in_release
from gatekeeper.stages.trace.holding import Holding, holding
from gatekeeper.stages.trace.life import Lake, Life, life_of, place_of
from gatekeeper.stages.trace.membership import Published, published
from gatekeeper.stages.trace.subjects import Where, assets_answering
from gatekeeper.wiring.releasing import store_of
from gatekeeper.wiring.sweeping import whereabouts_of
from gatekeeper.wiring.workspace import OpenWorkspace, RightsSoFar

ASSETS_MAX = 100
"""Lives that are told in one answer: an ISRC that more assets share is no identity."""


@dataclass(frozen=True)
class Traced:
    """``lives`` of the assets that answer to ``subject``; ``asked``: one release's answer for each of them."""

    subject: str
    rights_position: int
    lives: tuple[Life, ...]
    asked: tuple[InRelease, ...]


def trace(opened: OpenWorkspace, text: str, release: str | None) -> Traced:
    """An asset id, ``isrc:…``, ``sha256:…`` or any subject. Raises ``BadInput`` where nothing is known of it."""
    tracing = _Tracing(opened)
    subject = subject_of(text)
    lives = [life for asset in tracing.assets(subject) if (life := tracing.life(asset)).known]
    if not lives and release is None:
        do = "ids compare exactly; name an identifier as isrc:… or sha256:…; what is not decided yet: gatekeeper status"
        raise BadInput(f"nothing is known of {text}", do)
    asked: list[InRelease] = []
    if release is not None:
        manifest = named(tracing.store, release)
        if not lives and subject.startswith("asset:"):
            lives = [tracing.life(subject.partition(":")[2])]
        asked = [in_release(tracing.store, manifest, life) for life in lives]
    return Traced(subject, tracing.rights.position, tuple(lives), tuple(asked))


def subject_of(text: str) -> str:
    """A subject in its comparable spelling; what names no kind is an asset id."""
    kind, colon, key = text.partition(":")
    if colon and kind in KINDS and key:
        return parse_subject(text)
    return f"asset:{text}"


def trace_holder(opened: OpenWorkspace, subject: str) -> Holding:
    """``party:P`` or ``account:A``. Raises ``BadInput`` where nobody of that name holds anything."""
    tracing = _Tracing(opened)
    assets = tracing.assets(subject)
    if not assets:
        raise BadInput(f"no recording in the catalogue answers to {subject}", "names compare exactly")
    return holding(
        subject,
        assets,
        tracing.catalog,
        tracing.decisions,
        tracing.store,
        tracing.releases,
        lambda one: sorted({use.model for use in uses_of(tracing.store, one.manifest)}),
        tracing.latest,
        lambda dataset, asset_id: tracing.can_do(subject, dataset, asset_id),
    )


@dataclass(frozen=True)
class _Tracing:
    """Tables and releases, loaded once for one answer."""

    opened: OpenWorkspace

    @cached_property
    def catalog(self) -> CatalogTable:
        table = self.opened.table(CATALOG)
        if table is None:
            raise Refused("the lake has no catalogue: nothing was decided yet", "run gatekeeper gate --drain")
        return table

    @cached_property
    def where(self) -> Where:
        return whereabouts_of(self.opened, self.catalog).likely

    @cached_property
    def decisions(self) -> ReadableTable | None:
        return self.opened.table(DECISIONS)

    @cached_property
    def store(self) -> ReleaseStore:
        return store_of(self.opened)

    @cached_property
    def releases(self) -> Sequence[Published]:
        return published(self.store, every_manifest(self.store))

    @cached_property
    def rights(self) -> RightsSoFar:
        return self.opened.rights(self.opened.policy())

    def latest(self, dataset: str) -> str | None:
        manifest = latest_of(self.store, dataset)
        return None if manifest is None else manifest.name

    def assets(self, subject: str) -> list[str]:
        with closing(self.opened.content_reader()) as content:
            partitions = content.identity().partitions
        found = assets_answering(self.catalog, partitions, subject, self.where)
        if len(found) > ASSETS_MAX and not subject.startswith(("party:", "account:")):
            do = "ask for one of them, or for a rightsholder with --party or --account"
            raise BadInput(f"{len(found)} assets answer to {subject}, the first is {found[0]}", do)
        return found

    def life(self, asset_id: str) -> Life:
        lake = Lake(self.catalog, self.decisions, sorted(self.rights.register.datasets), self._row, self.where)
        return life_of(asset_id, lake, self.store, self.releases)

    def _row(self, dataset: str, asset_id: str) -> Mapping[str, Any] | None:
        lake = self.opened.lake()
        if not lake.exists(DatasetTable(dataset)):
            return None
        columns = ("partition", "offset", "rights_position")
        return place_of(lake.dataset(dataset).look_up("asset_id", asset_id, columns))

    def can_do(self, subject: str, dataset: str, asset_id: str) -> tuple[str, ...]:
        """What a holder can do about the decision as it is now; nothing where the dataset is not declared any more."""
        rules = self.opened.rules()
        if dataset not in {declaration.name for declaration in rules.declarations}:
            return ("The dataset is not declared any more: nothing is added to it.",)
        rights = self.rights
        instant_us = max(self.opened.clock_us(), rights.register.restricted_us)
        declaration = dataset_named(rules, dataset)
        known = Known(rules.policy, declaration, rights.records, rights.events, rights.position, instant_us)
        explanation = tell(*latest(events_of(self.catalog, asset_id), asset_id), known).explanation
        if explanation.decision.verdict is Verdict.PERMIT:
            return ways_to_no(explanation, declaration.use, subject)
        return advice(explanation, declaration.use)

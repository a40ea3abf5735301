"""``recall`` and ``use`` with real releases, logs, tables and keys."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import pyarrow.compute as pc

from gatekeeper import __version__
from gatekeeper.core.layout import CATALOG, RIGHTS
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.subjects import parse_subject
from gatekeeper.core.use import Use
from gatekeeper.edges.release_directory import DirectoryReleases
from gatekeeper.stages.columnar import ColumnarKernel
from gatekeeper.stages.gate.barrier import Decides
from gatekeeper.stages.gate.values import Moment
from gatekeeper.stages.recall import feed as feeding
from gatekeeper.stages.recall import recalling, uses
from gatekeeper.stages.recall.recalling import Recalled, Tell
from gatekeeper.stages.recall.replacing import Needed, needed
from gatekeeper.stages.recall.writing import Step
from gatekeeper.stages.release_reading import every_manifest, named
from gatekeeper.wiring.releasing import following, no_step, store_of
from gatekeeper.wiring.sealing import seals_of
from gatekeeper.wiring.sweeping import whereabouts_of
from gatekeeper.wiring.workspace import OpenWorkspace

BUILDS = "builds"


@dataclass(frozen=True)
class RecallOptions:
    """``step`` is called before each numbered step: where a crash test stops."""

    dry_run: bool = False
    step: Step = no_step
    tell: Tell = lambda _done, _all: None


@dataclass(frozen=True)
class RecalledWorkspace:
    """``needed``: datasets whose latest release is recalled, and what is to be done."""

    recalled: Recalled
    needed: tuple[Needed, ...]
    models: Mapping[str, Sequence[uses.Use]] = field(default_factory=dict)


def recall(opened: OpenWorkspace, asked: Sequence[str], options: RecallOptions) -> RecalledWorkspace:
    """Decide releases again and recall what is refused. Raises what the barrier raises; ``Refused``, ``BadInput``."""
    with _outside(opened, options) as outside:
        done = recalling.recall(outside, asked, dry_run=options.dry_run)
        rules = outside.follower.rules
    store = outside.store
    models = {o.manifest.name: uses.uses_of(store, o.manifest) for o in done.outcomes if o.published}
    return RecalledWorkspace(done, tuple(needed(store, rules, done)), models)


@contextmanager
def _outside(opened: OpenWorkspace, options: RecallOptions) -> Iterator[recalling.Outside]:
    with closing(opened.content_reader()) as content:
        partitions = content.identity().partitions
    with following(opened) as (follower, lake):

        def compiled(wanted: Mapping[str, Use], moment: Moment) -> Decides:
            policy = follower.rules.policy
            events = opened.rights(policy, moment.position).events
            seed, at_us = secrets.randbits(64), moment.instant_us
            return ColumnarKernel(Snapshot.compile(events, moment.position, policy, wanted, at_us, seed=seed))

        def claimed(position: int) -> Collection[str]:
            is_claim = (pc.field("type") == "rights.claim.opened") & pc.field("readable")
            rows = lake.open(RIGHTS).scan(["value"], is_claim & (pc.field("position") < position))
            return {parse_subject(json.loads(value)["data"]["subject"]) for value in rows["value"].to_pylist()}

        catalog = lake.open(CATALOG)
        yield recalling.Outside(
            follower=follower,
            catalog=catalog,
            partitions=partitions,
            where=whereabouts_of(opened, catalog).likely,
            store=store_of(opened),
            candidates=DirectoryReleases(opened.workspace.root / BUILDS),
            compile=compiled,
            claimed=claimed,
            seals=seals_of(opened),
            tool=f"gatekeeper {__version__}",
            step=options.step,
            tell=options.tell,
        )


def declare_use(opened: OpenWorkspace, release: str, model: str, holder: str, because: str) -> uses.Use:
    """Record that a model was made with a release."""
    store = store_of(opened)
    return uses.declare(store, named(store, release), model, holder, because, opened.clock_us())


def list_uses(opened: OpenWorkspace, release: str | None) -> list[uses.Use]:
    """Every declared use, of one release or all."""
    store = store_of(opened)
    manifests = [named(store, release)] if release else every_manifest(store)
    return [use for manifest in manifests for use in uses.uses_of(store, manifest)]


def acknowledge(opened: OpenWorkspace, release: str, holder: str, because: str) -> uses.Acknowledgement:
    """Record that a holder has heard of a release's recalls, and say so in the feed."""
    store = store_of(opened)
    said = uses.acknowledge(store, named(store, release), holder, because, opened.clock_us())
    write_feed(opened)
    return said


def write_feed(opened: OpenWorkspace) -> dict[str, object]:
    """Make the feed anew from the recalls that stand."""
    store = store_of(opened)
    return feeding.write_feed(store, every_manifest(store), feeding.Looked())

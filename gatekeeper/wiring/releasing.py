"""``approve``, ``publish``, ``verify`` and ``releases`` with real candidates, releases, logs and tables."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.erasure import erasure_of
from gatekeeper.core.layout import CATALOG, DECISIONS, Table, parse_name
from gatekeeper.core.manifest import Approval
from gatekeeper.core.policy import Policy, read_policy
from gatekeeper.core.tables import CONTENT_SCHEMA
from gatekeeper.edges.candidate_folder import CandidateFolder
from gatekeeper.edges.delta import Lake
from gatekeeper.edges.media_copying import copying
from gatekeeper.edges.media_objects import MediaObjects
from gatekeeper.edges.release_store import Store, release_store
from gatekeeper.errors import BadInput, Refused
from gatekeeper.stages import approve as approving
from gatekeeper.stages import publish as publishing
from gatekeeper.stages import releases as released
from gatekeeper.stages import verify as verifying
from gatekeeper.stages.deciding_now import AtTheLogsEnd
from gatekeeper.stages.gate.barrier import RightsFollower, RightsRead
from gatekeeper.stages.reading import last_decisions
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.release_reading import named, names, recalls_of
from gatekeeper.wiring.gate import GateOptions, rights_follower, rights_reader
from gatekeeper.wiring.sealing import unsealed_of
from gatekeeper.wiring.workspace import OpenWorkspace

Step = Callable[[str], None]


def no_step(name: str) -> None:
    """The step hook of everything but crash tests."""


def store_of(opened: OpenWorkspace) -> Store:
    """Where this workspace's releases are."""
    place = opened.workspace.releases
    return release_store(place.uri, place.options, opened.workspace.root, opened.clock_us)


def candidate_of(opened: OpenWorkspace, build: str) -> CandidateFolder:
    """``dataset@version``. Raises ``BadInput`` where there is none."""
    try:
        dataset, version = parse_name(build)
    except ValueError as problem:
        raise BadInput(f"{build!r} is no build", "name it dataset@version, as `gatekeeper build` did") from problem
    return CandidateFolder(opened.workspace.root, dataset, version)


def approve(
    opened: OpenWorkspace, build: str, *, approved: bool, by: str, because: str, seen: str | None = None
) -> Approval:
    """A person's yes or no to a candidate."""
    candidate, now_us = candidate_of(opened, build), opened.clock_us()
    return approving.approve(candidate, approved=approved, by=by, because=because, now_us=now_us, seen=seen)


def publish(
    opened: OpenWorkspace, build: str, step: Step = no_step, told: publishing.Told = lambda _what, _done, _of: None
) -> publishing.Publication:
    """A candidate becomes a release. Raises ``Refused`` where the answer is no."""
    candidate = candidate_of(opened, build)
    with _deciding(opened) as now:
        store, place = store_of(opened), opened.workspace
        media = copying(media_objects(opened), store, place.releases.options)
        return publishing.publish(candidate, publishing.Hands(store, media, now, step, told))


def media_objects(opened: OpenWorkspace) -> MediaObjects:
    """The media that content events name, as this workspace reads them."""
    return MediaObjects(opened.workspace.root, opened.workspace.media)


@contextmanager
def following(opened: OpenWorkspace) -> Iterator[tuple[RightsFollower, Lake]]:
    """Who reads the rights log to its end, and the lake whose catalogue is decided on. Raises ``Refused`` without."""
    kafka, lake = opened.workspace.kafka, opened.lake()
    if not lake.exists(Table(CATALOG)):
        raise Refused("the lake has no catalogue: there is nothing to decide on", "run gatekeeper gate --drain")
    with closing(rights_reader(opened)) as reader:
        reader.check(kafka.development if kafka else True)
        opened.pin("rights", reader.identity())
        yield rights_follower(opened, GateOptions(), reader, lake), lake


@contextmanager
def _deciding(opened: OpenWorkspace) -> Iterator[AtTheLogsEnd]:
    with following(opened) as (follower, lake):
        yield AtTheLogsEnd(follower, lake.open(CATALOG))


@dataclass(frozen=True)
class _Past:
    opened: OpenWorkspace

    def policy(self, digest: str) -> Policy | None:
        document = self.opened.kept().get("policy", digest)
        return None if document is None else read_policy(document)

    def rights(self, policy: Policy, position: int) -> Sequence[RightsRead]:
        return self.opened.rights(policy, position).events

    def events(self, asset_ids: pa.Array) -> pa.Table:
        catalog = self.opened.table(CATALOG)
        if catalog is None:
            return CONTENT_SCHEMA.empty_table()
        return catalog.scan(None, pc.field("asset_id").isin(asset_ids))

    def erased(self, events: pa.Table) -> npt.NDArray[np.bool_]:
        gone = np.zeros(events.num_rows, np.bool_)
        for document in self.opened.kept().every("erasure"):
            erasure = erasure_of(document)
            gone |= pc.equal(events[erasure.column], erasure.key).to_numpy()
        return gone


def _pick(among: int, count: int) -> Sequence[int]:
    # from the operating system: who plants a row must not know which are looked at
    return sorted(random.SystemRandom().sample(range(among), count))


def verify(opened: OpenWorkspace, release: str | None, *, every_row: bool) -> list[verifying.Verified]:
    """One release, or all there are."""
    store = store_of(opened)
    asked = [release] if release else [f"{dataset}@{version}" for dataset, version in names(store)]
    return [_verified(opened, store, name, every_row=every_row) for name in asked]


def _verified(opened: OpenWorkspace, store: ReleaseStore, name: str, *, every_row: bool) -> verifying.Verified:
    try:
        manifest = named(store, name)
    except Refused as damaged:
        return verifying.Verified(name, 0, 0, 0, (damaged.what,))
    return verifying.verify(store, manifest, _Past(opened), None if every_row else _pick, unsealed_of(opened))


def list_releases(opened: OpenWorkspace, dataset: str | None) -> list[released.Line]:
    """What is published."""
    return released.listed(store_of(opened), dataset)


def show_release(opened: OpenWorkspace, release: str) -> released.Shown:
    """One release."""
    store = store_of(opened)
    manifest = named(store, release)
    return released.Shown(manifest, tuple(recalls_of(store, manifest)))


def diff_releases(opened: OpenWorkspace, before: str, after: str) -> released.Difference:
    """How the second differs from the first."""
    store = store_of(opened)
    return released.diff(store, named(store, before), named(store, after), recorded_of(opened))


def recorded_of(opened: OpenWorkspace) -> released.Recorded:
    """Reason and holder of each asset's last decision, by dataset."""

    def recorded(dataset: str) -> Mapping[str, tuple[str, str | None]]:
        decisions = opened.table(DECISIONS)
        if decisions is None:
            return {}
        rows = last_decisions(decisions, ["reason", "holder"], dataset)
        told = zip(rows["asset_id"].to_pylist(), rows["reason"].to_pylist(), rows["holder"].to_pylist(), strict=True)
        return {asset: (reason, holder) for asset, reason, holder in told}

    return recorded

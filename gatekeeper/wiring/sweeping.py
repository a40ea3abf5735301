"""``sweep`` with real logs and tables. Beside a running gate: it takes no lock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

import pyarrow.compute as pc

from gatekeeper.core.events import read_rights_event
from gatekeeper.core.fold import FoldLimits
from gatekeeper.core.layout import CATALOG, DECISIONS, RIGHTS, RIGHTS_APP
from gatekeeper.core.subject_hash import VERSION
from gatekeeper.core.times import ALWAYS_US
from gatekeeper.edges.delta import Lake
from gatekeeper.edges.kept_hashes import KeptHashes
from gatekeeper.ports import RightsReader, TopicIdentity
from gatekeeper.stages.fold import Folder
from gatekeeper.stages.fold_reading import ReadBack
from gatekeeper.stages.gate.barrier import RightsFollower, RightsRead
from gatekeeper.stages.gate.patience import Patience
from gatekeeper.stages.gate.queues import Switch
from gatekeeper.stages.gate.strays import Strays
from gatekeeper.stages.rights_table import RightsTable
from gatekeeper.stages.sweep.ports import FilesTable
from gatekeeper.stages.sweep.sweeping import Outside, Sweep, Swept
from gatekeeper.stages.sweep.whereabouts import Whereabouts
from gatekeeper.wiring.gate import (
    SNAPSHOTS_FOLDER,
    GateOptions,
    app_ids,
    home_of,
    new_id,
    rights_follower,
    rights_reader,
)
from gatekeeper.wiring.workspace import OpenWorkspace

SUBJECTS_FOLDER = f"subjects-{VERSION}"
"""In the folder of snapshots: the subjects of each file of the catalogue."""
ASSETS_FOLDER = f"assets-{VERSION}"
"""Beside it: the assets of each file of a dataset table."""

Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class SweepOptions:
    """``everything``: why the whole catalogue is decided again, None: what is touched. ``step``: as for a gate."""

    everything: str | None = None
    tell: Tell = lambda _done, _all: None
    gate: GateOptions = field(default_factory=GateOptions)


@dataclass(frozen=True)
class SweptWorkspace:
    """``retired``: datasets whose tables were emptied."""

    swept: Swept
    datasets: tuple[str, ...]
    retired: tuple[str, ...]


def sweep(opened: OpenWorkspace, options: SweepOptions) -> SweptWorkspace:
    """Decide again what is touched since the last sweep, then fold every dataset table to the end."""
    kafka = opened.workspace.kafka
    with ExitStack() as stack:
        rights = stack.enter_context(closing(rights_reader(opened)))
        rights.check(kafka.development if kafka else True)
        opened.pin("rights", rights.identity())
        with closing(opened.content_reader()) as content:
            identity = content.identity()
        opened.pin("content", identity)
        lake = opened.lake(options.gate.step)
        follower = rights_follower(opened, options.gate, rights, lake)
        tables = _DatasetTables(opened, lake, options.gate.worker_id)
        swept = Sweep(_outside(opened, options, lake, identity, rights, follower, tables)).run(options.everything)
        return SweptWorkspace(swept, tuple(sorted(follower.register.datasets)), tables.fold(follower))


def whereabouts_of(opened: OpenWorkspace, catalog: FilesTable) -> Whereabouts:
    """Which files of the catalogue may hold a subject, as far as sweeps of this machine have looked."""
    return Whereabouts(catalog, KeptHashes(opened.workspace.root / SNAPSHOTS_FOLDER / SUBJECTS_FOLDER))


def _outside(
    opened: OpenWorkspace,
    options: SweepOptions,
    lake: Lake,
    identity: TopicIdentity,
    rights: RightsReader,
    follower: RightsFollower,
    tables: _DatasetTables,
) -> Outside:
    app_id = app_ids(identity)
    kept = _KeptRights(opened, lake, rights, follower, options.gate.worker_id)
    catalog = lake.open(CATALOG)
    return Outside(
        follower=follower,
        patience=Patience(opened.workspace.limits.patience_s, Switch()),
        decisions=lake.open(DECISIONS),
        catalog=catalog,
        whereabouts=whereabouts_of(opened, catalog),
        strays=Strays(lake.open(CATALOG), home_of(opened, identity)),
        apps={partition: app_id(partition) for partition in range(identity.partitions)},
        news=kept.between,
        earlier=kept.of_types,
        prepare=tables.prepare,
        worker_id=options.gate.worker_id,
        new_id=new_id,
        tell=options.tell,
    )


@dataclass
class _KeptRights:
    """Rights events again, after the follower has applied them and kept them in the lake."""

    opened: OpenWorkspace
    lake: Lake
    reader: RightsReader
    follower: RightsFollower
    worker_id: str

    def between(self, start: int, end: int) -> Sequence[RightsRead]:
        check, clock_us = self.opened.contracts.check_rights, self.opened.clock_us
        table = RightsTable(self.lake.open(RIGHTS), RIGHTS_APP, check, clock_us, new_id, self.worker_id)
        return table.settle(self.reader.read(start, end), self.follower.rules.policy)

    def of_types(self, types: Collection[str], before: int) -> Iterator[RightsRead]:
        """Also those that could not be read when they were recorded: under another policy they may be by now."""
        of_type = pc.field("type").isin(list(types)) | ~pc.field("readable")
        rows = self.lake.open(RIGHTS).scan(["position", "value"], of_type & (pc.field("position") < before))
        purposes, check = self.follower.rules.policy.purposes, self.opened.contracts.check_rights
        rows = rows.sort_by("position")
        for position, value in zip(rows["position"].to_pylist(), rows["value"].to_pylist(), strict=True):
            # whose time was too far ahead when it came is taken for readable here: at most too much is touched
            yield read_rights_event(position, value, ALWAYS_US, purposes, check)


@dataclass
class _DatasetTables:
    opened: OpenWorkspace
    lake: Lake
    worker_id: str
    _folders: dict[str, Folder] = field(default_factory=dict)

    def prepare(self, names: Iterable[str]) -> None:
        for name in names:
            self._folder(name)

    def fold(self, follower: RightsFollower) -> tuple[str, ...]:
        """Every declared table follows to the end; every other is emptied. The names of those."""
        declared = follower.register.datasets
        for name in sorted(declared):
            self._folder(name).catch_up()
        retired = sorted(self.lake.datasets() - declared.keys())
        for name in retired:
            folder = self._folder(name)
            folder.empty(folder.read_back.newest())
        return tuple(retired)

    def _folder(self, name: str) -> Folder:
        if name not in self._folders:
            limits = FoldLimits()
            read_back = ReadBack(name, self.lake.open(DECISIONS), self.lake.open(CATALOG), limits.read_rows_max)
            table = self.lake.dataset(name)
            kept = KeptHashes(self.opened.workspace.root / SNAPSHOTS_FOLDER / ASSETS_FOLDER / name)
            self._folders[name] = Folder(table, read_back, limits, self.opened.clock_us, self.worker_id, kept)
        return self._folders[name]

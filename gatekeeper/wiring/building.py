"""``build`` with real edges: which rights, which tables, which folder."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper import __version__
from gatekeeper.core.fold import FoldLimits
from gatekeeper.core.layout import CATALOG, DECISIONS, Build, DatasetTable, Table, build_in_lake
from gatekeeper.core.layout import build as place_of
from gatekeeper.core.manifest import part_name
from gatekeeper.core.policy import Policy
from gatekeeper.core.selection import KEY, read_columns, read_selection
from gatekeeper.core.snapshot.terms import CONTINUED_USE
from gatekeeper.core.times import format_instant
from gatekeeper.core.use import Declaration, Use, read_declaration
from gatekeeper.edges.build_folders import Making, making
from gatekeeper.edges.delta_append import AppendTable
from gatekeeper.edges.delta_dataset import DatasetTable as DatasetHandle
from gatekeeper.edges.parts import PartLimits, PartsWriter
from gatekeeper.edges.spool import Spool
from gatekeeper.errors import BadInput, Bug
from gatekeeper.stages.build.building import build as build_candidate
from gatekeeper.stages.build.forgery import Known, forged
from gatekeeper.stages.build.values import REFUSED_SCHEMA, SUSPECT_SCHEMA, Basis, Built, Hands, Step, Told, Wanted
from gatekeeper.stages.columnar import ColumnarKernel
from gatekeeper.stages.decide import named
from gatekeeper.stages.fold import Folder
from gatekeeper.stages.fold_reading import ReadBack
from gatekeeper.stages.gate.barrier import RightsFollower
from gatekeeper.stages.gate.values import Moment
from gatekeeper.wiring.gate import GateOptions, new_id, new_worker_id, rights_follower, rights_reader
from gatekeeper.wiring.releasing import media_objects
from gatekeeper.wiring.workspace import OpenWorkspace

if TYPE_CHECKING:
    from gatekeeper.edges.delta import Lake
    from gatekeeper.edges.sorted_rows import SortedRows

JOIN_BYTES_MAX = 2 * 2**30
"""DuckDB's share of a build's memory; with 3 M rows at half of it the process took 1.4 GB."""
JOIN_THREADS = 2
"""Each thread holds blocks of its own."""
JOIN_BATCH_ROWS = 100_000
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class BuildOptions:
    """``at_us`` is the instant decided at in place of now, though never before an undated restriction. ``version`` is
    the build's instant when None. ``step`` is called at every numbered step: where a crash test stops it.
    """

    version: str | None = None
    at_us: int | None = None
    join_bytes_max: int = JOIN_BYTES_MAX
    step: Step = lambda _name: None
    told: Told = lambda _what, _done, _of: None


@dataclass(frozen=True)
class _Tables:
    """Handles at the versions that are built from, loaded before the barrier that decides them."""

    dataset: DatasetHandle
    catalog: AppendTable
    decisions: AppendTable


def build(opened: OpenWorkspace, dataset: str, options: BuildOptions) -> Built:
    """A candidate of a declared dataset. Raises ``BadInput``, ``NotApplied``, ``Unavailable``, ``UnsafeLog``."""
    joining = _joining()
    lake = opened.lake(options.step)
    with closing(rights_reader(opened)) as reader:
        kafka = opened.workspace.kafka
        reader.check(kafka.development if kafka else True)
        opened.pin("rights", reader.identity())
        rights = rights_follower(opened, GateOptions(step=options.step), reader, lake)
        rights.catch_up()
        wanted = _wanted(rights, dataset, "")
        tables = _tables(opened, lake, dataset, options)
        # after the tables were loaded: rights at least as new as everything that is decided on them
        moment = _moment(rights, options)
    wanted = replace(_wanted(rights, dataset, ""), version=options.version or _version(moment))
    with making(_final(opened, wanted), new_id) as folder:
        hands = _hands(opened, wanted, rights, tables, folder, joining, options)
        return build_candidate(wanted, _basis(wanted, rights, moment, tables), hands)


def _joining() -> type[SortedRows]:
    try:
        from gatekeeper.edges.sorted_rows import SortedRows
    except ImportError as missing:
        raise BadInput(
            f"building needs {missing.name}", "install gatekeeper with its extra: gatekeeper[build]"
        ) from None
    return SortedRows


def _wanted(rights: RightsFollower, dataset: str, version: str) -> Wanted:
    declaration = named(rights.rules, dataset)
    return Wanted(
        version=version,
        declaration=declaration,
        policy=rights.rules.policy,
        selection=read_selection(declaration.document),
        columns=read_columns(declaration.document),
        tool=f"gatekeeper {__version__}",
    )


def _tables(opened: OpenWorkspace, lake: Lake, dataset: str, options: BuildOptions) -> _Tables:
    """The dataset's table, folded through the newest decision, and the tables it is held against."""
    there = all(lake.exists(place) for place in (DatasetTable(dataset), Table(CATALOG), Table(DECISIONS)))
    if not there:
        raise BadInput(f"nothing has been decided for {dataset} yet", "run gatekeeper gate --drain, then build again")
    options.told("folding decisions", 0, 0)
    limits = FoldLimits()
    read_back = ReadBack(dataset, lake.open(DECISIONS), lake.open(CATALOG), limits.read_rows_max)
    Folder(lake.dataset(dataset), read_back, limits, opened.clock_us, new_worker_id()).catch_up()
    return _Tables(lake.dataset(dataset), lake.open(CATALOG), lake.open(DECISIONS))


def _moment(rights: RightsFollower, options: BuildOptions) -> Moment:
    moment = rights.catch_up()
    if options.at_us is None:
        return moment
    instant_us = max(options.at_us, rights.register.restricted_us)
    assert rights.kernel is not None
    rights.kernel.at(instant_us)
    return replace(moment, instant_us=instant_us)


def _version(moment: Moment) -> str:
    """``20250620T120000Z``."""
    return format_instant(moment.instant_us - moment.instant_us % 1_000_000).translate(str.maketrans("", "", "-:"))


def _final(opened: OpenWorkspace, wanted: Wanted) -> Path:
    try:
        return opened.workspace.root / place_of(Build(wanted.declaration.name, wanted.version))
    except ValueError as problem:
        raise BadInput(f"--version: {problem}", "use letters, digits, dots, dashes, underscores and +") from problem


def _hands(
    opened: OpenWorkspace,
    wanted: Wanted,
    rights: RightsFollower,
    tables: _Tables,
    folder: Making,
    joining: type[SortedRows],
    options: BuildOptions,
) -> Hands:
    from gatekeeper.edges.sorted_rows import files_of

    name, kernel, document = wanted.declaration.name, rights.kernel, wanted.declaration.document
    if kernel is None:
        raise Bug("nothing is decided before a barrier")
    decide, root, position = kernel.decide, str(opened.workspace.lake), rights.register.position
    rows = joining(folder.spill, options.join_bytes_max, JOIN_THREADS, JOIN_BATCH_ROWS)
    known = Known(
        name,
        tables.decisions,
        tables.dataset.folded,
        wanted.policy,
        position,
        lambda: opened.rights(wanted.policy, position).events,
        lambda digest: _use_of(opened, digest, wanted.declaration, wanted.policy),
        lambda digest: _was_active(opened, digest),
    )
    limits = PartLimits(
        document.get("rows_per_file_max") or PartLimits.rows_per_file_max,
        compression=document.get("compression") or PartLimits.compression,
    )
    return Hands(
        joined=rows.read(files_of(tables.dataset, root), files_of(tables.catalog, root), wanted.event_columns),
        decide=lambda events: decide(events)[name],
        forged=lambda suspects: forged(suspects, known),
        parts=PartsWriter(lambda number: folder.path / part_name(number), wanted.part_schema, KEY, limits),
        refused=Spool(folder.spill / "refused", REFUSED_SCHEMA),
        suspects=Spool(folder.spill / "suspects", SUSPECT_SCHEMA),
        folder=folder,
        media=media_objects(opened),
        part_name=part_name,
        step=options.step,
        told=options.told,
    )


def _use_of(opened: OpenWorkspace, digest: str, current: Declaration, policy: Policy) -> Use | None:
    if digest == current.digest:
        return current.use
    document = opened.kept().get("dataset", digest) if digest else None
    return None if document is None else read_declaration(document, policy.purposes).use


def _was_active(opened: OpenWorkspace, policy: str) -> bool:
    return _DIGEST.fullmatch(policy) is not None and opened.kept().get("policy", policy) is not None


def _basis(wanted: Wanted, rights: RightsFollower, moment: Moment, tables: _Tables) -> Basis:
    versions = {
        build_in_lake(DatasetTable(wanted.declaration.name)): tables.dataset.version,
        CATALOG: tables.catalog.version,
        DECISIONS: tables.dataset.folded,
    }
    terms = _terms_by_default(rights, moment.instant_us)
    return Basis(moment, terms, versions, sum(rows or 0 for rows in tables.dataset.file_rows().values()))


def _terms_by_default(rights: RightsFollower, instant_us: int) -> str | None:
    """The terms in force for an account that accepted none by itself (design §4, layer 5)."""
    if not isinstance(rights.kernel, ColumnarKernel):
        return None
    terms = rights.kernel.snapshot.intake.terms
    effective = [v for v in terms.versions if v.effective_us <= instant_us and v.acceptance == CONTINUED_USE]
    if not effective:
        return None
    last = max(effective, key=lambda version: (version.effective_us, version.position))
    return next(terms_id for terms_id, number in terms.numbers.items() if number == last.number)

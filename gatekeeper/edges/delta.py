"""The lake: its Delta tables, created with their schema and configuration, opened at their newest version."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from deltalake import CommitProperties, DeltaTable, Schema, Transaction

from gatekeeper.core.layout import DECISIONS, FOLD_APP, LakePlace, Table, build_in_lake, parse_in_lake
from gatekeeper.core.layout import DatasetTable as DatasetPlace
from gatekeeper.core.tables import DATASET, SPECS, TableSpec
from gatekeeper.edges.delta_append import AppendTable
from gatekeeper.edges.delta_dataset import DatasetTable
from gatekeeper.edges.delta_errors import mapped
from gatekeeper.edges.delta_files import FileWriter
from gatekeeper.edges.delta_store import store
from gatekeeper.edges.delta_table import Handle, Step
from gatekeeper.errors import Unavailable, UnsafeLog

AnyHandle = TypeVar("AnyHandle", bound=Handle)


def no_step(name: str) -> None:
    """The step hook of everything but crash tests."""


def _place(name: str) -> LakePlace | None:
    try:
        return parse_in_lake(name)
    except ValueError:
        return None


def _new_id() -> str:
    return uuid.uuid4().hex


def _now_us() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True)
class Lake:
    """Tables under ``root``: a directory, or a URI such as ``s3://bucket/lake`` with deltalake's ``storage_options``.

    On S3 the store must support conditional puts (``aws_conditional_put = etag``): a commit is a put-if-absent.
    ``step`` is called with ``<table>.write`` before a data file is written, ``<table>.commit`` between it and the log
    entry, and ``<table>.committed`` after that.
    """

    root: str | Path
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    step: Step = no_step
    new_id: Callable[[], str] = _new_id
    now_us: Callable[[], int] = _now_us

    def open(self, name: str) -> AppendTable:
        """An append-only table at its newest version; created when it is not there. Raises ``Unavailable``."""
        return self._open(AppendTable, name, Table(name), SPECS[name], {})

    def dataset(self, name: str) -> DatasetTable:
        """A dataset table at its newest version; created when it is not there. Raises ``Unavailable``.

        Raises ``UnsafeLog`` for the fold of a version of ``decisions`` that is not there: what is decided from now on
        would be taken for folded.

        A new one begins as the fold of ``decisions`` as they stand: open it BEFORE the first decision for the dataset
        is committed, so that every such decision is of a later version.
        """
        place = DatasetPlace(name)
        if self.exists(place):
            table = self._open(DatasetTable, build_in_lake(place), place, DATASET, {})
            newest = self.open(DECISIONS).version  # after the table: a fold that goes on meanwhile is never ahead of it
            if table.folded > newest:
                what = f"{table.name} is the fold of version {table.folded} of decisions, which end at version {newest}"
                raise UnsafeLog(what, "the tables come from different times; restore them together")
            return table
        begin = {FOLD_APP: self.open(DECISIONS).version}
        return self._open(DatasetTable, build_in_lake(place), place, DATASET, begin)

    def datasets(self) -> frozenset[str]:
        """Names of the dataset tables there are, declared or retired. Raises ``Unavailable``."""
        folder = build_in_lake(DatasetPlace("any")).rpartition("/")[0]
        with mapped("listing the dataset tables"):
            names = store(str(self.root), self.storage_options).folders(folder)
        return frozenset(
            place.dataset for name in names if isinstance(place := _place(f"{folder}/{name}"), DatasetPlace)
        )

    def exists(self, place: LakePlace) -> bool:
        """Whether a table is there. Raises ``Unavailable``."""
        with mapped(f"looking for {build_in_lake(place)}"):
            return DeltaTable.is_deltatable(self._uri(place), dict(self.storage_options))

    def _uri(self, place: LakePlace) -> str:
        return f"{str(self.root).rstrip('/')}/{build_in_lake(place)}"

    def _open(
        self, kind: type[AnyHandle], name: str, place: LakePlace, spec: TableSpec, txns: Mapping[str, int]
    ) -> AnyHandle:
        uri, options = self._uri(place), dict(self.storage_options)
        if not self.exists(place):
            self._create(place, name, spec, txns)
        with mapped(f"opening {name}"):
            delta = DeltaTable(uri, storage_options=options)
            files = store(uri, options)
            if delta.schema() != Schema.from_arrow(spec.schema):
                raise Unavailable(f"{name} has not this release's columns", "use the release that made the lake")
        return kind(name, spec, files, FileWriter(files, spec, self.new_id, self.now_us), self.new_id, self.step, delta)

    def _create(self, place: LakePlace, name: str, spec: TableSpec, txns: Mapping[str, int]) -> None:
        uri = self._uri(place)
        if "://" not in uri:
            with mapped(f"creating {name}"):
                Path(uri).mkdir(parents=True, exist_ok=True)
        # Without retries: deltalake would create the table a second time, as version 1, after losing a race.
        transactions = [Transaction(app, version) for app, version in txns.items()]
        first = CommitProperties(max_commit_retries=0, app_transactions=transactions)
        try:
            with mapped(f"creating {name}"):
                DeltaTable.create(
                    uri,
                    schema=Schema.from_arrow(spec.schema),
                    mode="error",
                    configuration=spec.configuration,
                    storage_options=dict(self.storage_options),
                    commit_properties=first,
                )
        except Unavailable:
            # whoever is first creates it, and everybody creates the same
            if not self.exists(place):
                raise

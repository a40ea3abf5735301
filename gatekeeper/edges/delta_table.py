"""A Delta table as one loaded version of it, and the one way anything is ever committed to it.

Compare, then commit, with the same handle (design §5), made exact by ``max_commit_retries=0``. What deltalake 1.6.6
does, read from its source and measured:

* With retries (its default) a stale handle is *rebased*: the commits in between are checked, and one that carries
  another version of the same ``txn`` does refuse it, but the same ``(app_id, version)`` committed earlier does not.
* With ``max_commit_retries=0`` a commit can only become version ``base + 1`` of the version its handle loaded: if there
  is a later version, or the entry exists when it is put (put-if-absent), it fails. So whatever was compared on a
  handle still holds in the commit, and of two writers with one base at most one can ever commit.
* It is then also decidable whether a commit with an unknown outcome stands: look who wrote ``base + 1``.
* Committing leaves the handle where it was: ``refresh`` before the next one.
* Removing a file that is no longer in the table is accepted silently: only the exact base makes it sound.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, QueryBuilder, Schema, Transaction
from deltalake.transaction import AddAction, RemoveAction

from gatekeeper.core.commits import NOTHING_YET, CommitMetadata, Committed, Outcome, Refused, Unknown, WrittenFile
from gatekeeper.core.layout import LogEntry, build_in_table
from gatekeeper.core.tables import TableSpec
from gatekeeper.edges.delta_errors import mapped, of_the_store
from gatekeeper.edges.delta_files import FileWriter, add_action, read_rows
from gatekeeper.edges.delta_store import Store
from gatekeeper.errors import Unavailable

COMMIT_KEY = "gatekeeper.commit"
"""Custom metadata that no two commits share, retries of the same call apart: how a commit is known again."""

Step = Callable[[str], None]
"""Called with the name of each numbered step, before it is taken: where a crash test stops the process."""


@dataclass
class Handle:
    """One version of one table. Not for two threads at once, but for writing files: that touches no version."""

    name: str
    spec: TableSpec
    store: Store
    writer: FileWriter
    new_id: Callable[[], str]
    step: Step
    delta: DeltaTable = field(repr=False)

    @cached_property
    def delta_schema(self) -> Schema:
        """The table's schema as deltalake wants it."""
        return Schema.from_arrow(self.spec.schema)

    @property
    def version(self) -> int:
        """The version this handle has loaded, and every commit through it compares with."""
        return int(self.delta.version())

    def refresh(self) -> None:
        """Load what has been committed since. Raises ``Unavailable``."""
        with mapped(f"reading the log of {self.name}"):
            self.delta.update_incremental()

    def txn(self, app_id: str) -> int:
        """The version last committed for an application id, -1 when there is none. Raises ``Unavailable``."""
        with mapped(f"reading the transactions of {self.name}"):
            found = self.delta.transaction_version(app_id)
        return NOTHING_YET if found is None else found

    def entry(self, version: int) -> list[Mapping[str, Any]] | None:
        """The actions of a version, or None when it is not in the log (not yet, or cleaned). Raises ``Unavailable``."""
        with mapped(f"reading version {version} of {self.name}"):
            text = self.store.read(build_in_table(LogEntry(version)))
        return None if text is None else [json.loads(line) for line in text.splitlines() if line.strip()]

    def custom_metadata(self, version: int) -> Mapping[str, Any] | None:
        """The commit information of a version, or None when it is not in the log. Raises ``Unavailable``."""
        actions = self.entry(version)
        if actions is None:
            return None
        return next((action["commitInfo"] for action in actions if "commitInfo" in action), {})

    def metadata_of(self, version: int) -> CommitMetadata | None:
        """Who committed a version, and what it claims; None when it is none of ours or not in the log."""
        return CommitMetadata.from_custom(self.custom_metadata(version) or {})

    def paths(self, within: Mapping[str, tuple[Any, Any]] | None = None) -> list[str]:
        """The data files of the loaded version that may hold a row whose columns are ``within`` (least, greatest)."""
        with mapped(f"reading the file list of {self.name}"):
            files = pa.table(self.delta.get_add_actions(flatten=True))
        keep = np.ones(files.num_rows, np.bool_)
        for column, (least, greatest) in (within or {}).items():
            if {f"min.{column}", f"max.{column}"} <= set(files.column_names):
                below = pc.fill_null(pc.less(files[f"max.{column}"], least), False)
                above = pc.fill_null(pc.greater(files[f"min.{column}"], greatest), False)
                keep &= ~pc.or_(below, above).to_numpy()
        return [path for path, kept in zip(files["path"].to_pylist(), keep, strict=True) if kept]

    def read(
        self, paths: Sequence[str], columns: Sequence[str] | None = None, where: pc.Expression | None = None
    ) -> pa.Table:
        """Rows of some of its files, in the types of the table. Raises ``Unavailable``."""
        with mapped(f"reading data files of {self.name}"):
            return read_rows(self.store, paths, self.spec.schema, columns, where)

    def look_up(self, column: str, value: str, columns: Sequence[str]) -> pa.Table:
        """Rows whose ``column`` is ``value``, in no order; ``columns`` may not be lists or structs.

        By DataFusion, which asks the Bloom filters of the files (``TableSpec.find_by``) before it reads any: 40 ms
        among 10 M rows in 100 files, where pyarrow, which knows none, reads the column of every row (0.6 s). Raises
        ``Unavailable``.
        """
        schema = pa.schema([self.spec.schema.field(name) for name in columns])
        names = ", ".join(f'"{name}"' for name in columns)
        with mapped(f"looking into {self.name}"):
            asked = QueryBuilder().register(self.name, self.delta)
            # names are the schema's own, the value is quoted
            rows = asked.execute(f'select {names} from "{self.name}" where "{column}" = {sql_text(value)}')  # noqa: S608
            return pa.table(rows.read_all()).cast(schema)

    def find(self, batch_id: str, after: int) -> int | None:
        """The loaded version above ``after`` that carries the batch id, if any: is that commit mine?"""
        for version in range(after + 1, self.version + 1):
            metadata = self.metadata_of(version)
            if metadata is not None and metadata.batch_id == batch_id:
                return version
        return None

    def written(self, rows: pa.Table) -> WrittenFile:
        """A data file nobody sees yet. Raises ``Unavailable``, ``Bug``."""
        self.step(f"{self.name}.write")
        with mapped(f"writing a data file of {self.name}"):
            return self.writer.write(rows)

    def exchange(
        self,
        removed: Iterable[str],
        added: Sequence[WrittenFile],
        txns: Mapping[str, int],
        metadata: Mapping[str, str],
    ) -> Outcome:
        """Files leave and files enter, in one commit.

        Sound only because a commit is refused on any version but the one loaded: deltalake would accept the removal of
        a file that is not there.
        """
        now_ms, leaving = self.writer.now_us() // 1000, set(removed)
        sizes = self._sizes() if leaving else {}
        gone = [RemoveAction(path, True, now_ms, sizes[path], {}) for path in sorted(leaving)]
        return self._commit([*gone, *(add_action(file) for file in added)], txns, metadata)

    def vacuum(self, grace_hours: int) -> int:
        """Delete files that left the table longer ago. Files of commits under way are not touched: only what the log
        says was removed is looked at. How many. Raises ``Unavailable``.
        """
        self.refresh()
        with mapped(f"deleting old files of {self.name}"):
            gone = self.delta.vacuum(grace_hours, dry_run=False, enforce_retention_duration=False)
        self.refresh()
        return len(gone)

    def _sizes(self) -> dict[str, int]:
        with mapped(f"reading the file list of {self.name}"):
            files = pa.table(self.delta.get_add_actions(flatten=True))
        return dict(zip(files["path"].to_pylist(), files["size_bytes"].to_pylist(), strict=True))

    def _commit(
        self,
        actions: Sequence[AddAction | RemoveAction],
        txns: Mapping[str, int],
        metadata: Mapping[str, str],
    ) -> Outcome:
        commit_id, base = self.new_id(), self.version
        self.step(f"{self.name}.commit")
        try:
            self.delta.create_write_transaction(
                list(actions),
                mode="append",
                schema=self.delta_schema,
                partition_by=[],
                commit_properties=CommitProperties(
                    custom_metadata={**metadata, COMMIT_KEY: commit_id},
                    max_commit_retries=0,
                    app_transactions=[Transaction(app, version) for app, version in txns.items()],
                ),
                post_commithook_properties=PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False),
            )
        except Exception as problem:
            if not of_the_store(problem):
                raise
            return self._settle(base + 1, commit_id, problem)
        self.step(f"{self.name}.committed")
        return Committed(base + 1)

    def _settle(self, version: int, commit_id: str, problem: Exception) -> Outcome:
        """The outcome as the log has it: a store may report a failure, even a conflict, of a commit that stands."""
        why = f"{self.name} version {version}: {problem}"
        try:
            info = self.custom_metadata(version)
        except Unavailable as also:
            return Unknown(f"{why}; and {also.what}")
        if info is None:
            return Unknown(why)
        return Committed(version) if info.get(COMMIT_KEY) == commit_id else Refused(why)


def sql_text(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"

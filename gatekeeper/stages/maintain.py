"""Keeping the lake quick: small files merged, files of rows that left removed for good (design §5, §6).

Rules of this file: rows, transactions and the change feed stay as they are. ``decisions`` is merged but its old files
are kept: folds and reports read its versions from the beginning. A dataset's removed rows are deleted from the store
only after the grace: until then a reader of an earlier version, or somebody who must undo a mistake, finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

GRACE_HOURS = 24
"""A reader that began on an older version of a dataset has finished by then; a deletion is owed soon after."""


class CompactedTable(Protocol):
    def compact(self) -> int:
        """Files saved by merging small ones."""


class VacuumedTable(Protocol):
    def vacuum(self, grace_hours: int) -> int:
        """Files deleted that left the table longer ago than that."""


@dataclass(frozen=True)
class Maintained:
    """``files_merged`` by append-only table, ``files_deleted`` by dataset."""

    files_merged: Mapping[str, int]
    files_deleted: Mapping[str, int]


def maintain(
    tables: Mapping[str, Callable[[], CompactedTable]],
    datasets: Iterable[str],
    dataset: Callable[[str], VacuumedTable],
    grace_hours: int,
    done: Callable[[str], None],
) -> Maintained:
    """Merge, then delete; ``done`` is told each table's name. Raises ``Unavailable``; running it again is no harm."""
    merged: dict[str, int] = {}
    for name, opened in tables.items():
        merged[name] = opened().compact()
        done(name)
    deleted: dict[str, int] = {}
    for name in sorted(datasets):
        deleted[name] = dataset(name).vacuum(grace_hours)
        done(name)
    return Maintained(merged, deleted)

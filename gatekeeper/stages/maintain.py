"""Keeping the lake quick: small files merged, files of rows that left removed for good (design §5, §6).

Rules of this file: rows, transactions and the change feed stay as they are. ``decisions`` is merged but its old files
are kept: folds and reports read its versions from the beginning. What left a table (rows that left a dataset, fields
that were erased, files that were merged) is deleted from the store only after the grace: until then a reader of an
earlier version, or somebody who must undo a mistake, finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gatekeeper.core.layout import DECISIONS


class VacuumedTable(Protocol):
    def vacuum(self, grace_hours: int) -> int:
        """Files deleted that left the table longer ago than that."""


class CompactedTable(VacuumedTable, Protocol):
    def compact(self) -> int:
        """Files saved by merging small ones."""


@dataclass(frozen=True)
class Maintained:
    """``files_merged`` and ``merged_away`` by append-only table, the one saved, the other deleted; ``files_deleted`` by
    dataset.
    """

    files_merged: Mapping[str, int]
    files_deleted: Mapping[str, int]
    merged_away: Mapping[str, int]


def maintain(
    tables: Mapping[str, Callable[[], CompactedTable]],
    datasets: Iterable[str],
    dataset: Callable[[str], VacuumedTable],
    grace_hours: int,
    done: Callable[[str], None],
) -> Maintained:
    """Merge, then delete; ``done`` is told each table's name. Raises ``Unavailable``; running it again is no harm."""
    merged: dict[str, int] = {}
    away: dict[str, int] = {}
    for name, opened in tables.items():
        table = opened()
        merged[name] = table.compact()
        if name != DECISIONS:
            away[name] = table.vacuum(grace_hours)
        done(name)
    deleted: dict[str, int] = {}
    for name in sorted(datasets):
        deleted[name] = dataset(name).vacuum(grace_hours)
        done(name)
    return Maintained(merged, deleted, away)

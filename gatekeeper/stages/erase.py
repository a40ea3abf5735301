"""``gatekeeper erase``: a person's fields leave the catalogue, the dead letters and the datasets (design §6).

1. ``kept``: what is erased, and why, so that ``verify`` knows that a release's row may say more than the catalogue
2. ``catalog``, 3. ``dead_letters``, 4. each dataset: files that hold such a row are written again without the fields,
   and exchanged in one commit on exactly the version they were read from
5. look again, until nothing is left: a gate or a fold that ran meanwhile may have written what it had read before

Every step may be repeated: what is erased already is found no more. Files that were exchanged are deleted by
``maintain`` after the grace. Transactions stay where they stand, so that nothing is read or decided again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.commits import Committed, Outcome, WrittenFile
from gatekeeper.core.erasure import Bools, Erasure, concerned, erased, letters_concerned, letters_erased
from gatekeeper.errors import Unavailable

ROUNDS_MAX = 20
"""So many refused commits in a row mean that the store refuses us, not that somebody else was quicker."""
BECAUSE_KEY = "gatekeeper.erasure"
"""Custom metadata of an exchange: the digest of what is kept of it."""

Which = Callable[[pa.Table, Erasure], Bools]
Without = Callable[[pa.Table, Bools], pa.Table]


class RewrittenTable(Protocol):
    """A table whose files can be exchanged."""

    @property
    def name(self) -> str: ...
    def refresh(self) -> None: ...
    def paths(self, within: Mapping[str, tuple[Any, Any]] | None = None) -> list[str]: ...
    def read(self, paths: Sequence[str], columns: Sequence[str] | None = None) -> pa.Table: ...
    def written(self, rows: pa.Table) -> WrittenFile: ...
    def exchange(
        self,
        removed: Iterable[str],
        added: Sequence[WrittenFile],
        txns: Mapping[str, int],
        metadata: Mapping[str, str],
    ) -> Outcome: ...


@dataclass(frozen=True)
class Erased:
    """Rows whose fields went, by table."""

    rows: Mapping[str, int]
    digest: str | None


@dataclass(frozen=True)
class Tables:
    """``content`` are the catalogue and the datasets."""

    content: Callable[[], Iterable[RewrittenTable]]
    letters: Callable[[], Iterable[RewrittenTable]]
    keep: Callable[[Mapping[str, Any]], str]


def erase(erasure: Erasure, tables: Tables, *, dry_run: bool = False) -> Erased:
    """Raises ``Unavailable``; then it is to be run again."""
    digest = None if dry_run else tables.keep(erasure.to_document())
    rows: dict[str, int] = {}
    for _ in range(1 if dry_run else ROUNDS_MAX):
        found = {}
        for table, which, without in _every(tables):
            count = _table(table, erasure, which, None if digest is None else (without, digest))
            found[table.name] = count
            rows[table.name] = rows.get(table.name, 0) + count
        if not any(found.values()):
            break
    return Erased(rows, digest)


def _every(tables: Tables) -> Iterator[tuple[RewrittenTable, Which, Without]]:
    for table in tables.content():
        yield table, concerned, erased
    for table in tables.letters():
        yield table, letters_concerned, letters_erased


def _table(table: RewrittenTable, erasure: Erasure, which: Which, how: tuple[Without, str] | None) -> int:
    """One exchange for each file that holds such a row; how many rows."""
    count, refused = 0, 0
    table.refresh()
    waiting = table.paths()
    while waiting:
        path = waiting.pop()
        if which is concerned and not pc.any(pc.equal(table.read([path], [erasure.column])[0], erasure.key)).as_py():
            continue
        rows = table.read([path])
        mine = which(rows, erasure)
        if mine.any() and how is not None:
            without, digest = how
            outcome = table.exchange([path], [table.written(without(rows, mine))], {}, {BECAUSE_KEY: digest})
            table.refresh()
            if not isinstance(outcome, Committed):
                refused, waiting = refused + 1, table.paths()
                if refused >= ROUNDS_MAX:
                    raise _away(table.name)
                continue
        count += int(mine.sum())
    return count


def _away(name: str) -> Unavailable:
    return Unavailable(
        f"{name}: {ROUNDS_MAX} commits were refused or had no known outcome",
        "look after the lake's storage, then erase again: what is erased stays erased",
    )

"""``gatekeeper status``: where everything stands, in numbers (design §7). Reads; writes nothing.

``next`` positions say what comes next: everything below is done. Lag is counted in offsets; Kafka's logs have gaps, so
it is an upper bound there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from gatekeeper.core.events import Unreadable
from gatekeeper.core.register import Register
from gatekeeper.stages.gate.barrier import Rules
from gatekeeper.stages.reading import ReadableTable, last_decisions
from gatekeeper.stages.withdrawals import Withdrawals

SHOWN_BYTES_MAX = 2_000
"""Of an unreadable record: enough to recognise it."""


@dataclass(frozen=True)
class Partition:
    """``begin`` and ``end`` of the log, ``next`` to be decided. ``room``: decided records the log still keeps."""

    partition: int
    begin: int
    next: int
    end: int

    @property
    def lag(self) -> int:
        return self.end - self.next

    @property
    def room(self) -> int:
        return self.next - self.begin


@dataclass(frozen=True)
class Dataset:
    """``applied``: ``yes``, ``changed``, ``new`` or ``file gone``. ``verdicts`` counts assets by last decision."""

    name: str
    applied: str
    verdicts: Mapping[str, int]
    rows: int | None
    behind: int | None


@dataclass(frozen=True)
class Unanswered:
    """A rights record nobody could read and nobody has answered. Without a ``subject`` no release may be published."""

    position: int
    reason: str
    detail: str
    subject: str | None
    text: str


@dataclass(frozen=True)
class Status:
    """``rights_kept`` and ``swept`` are positions of the rights log, ``swept`` -1 before the first sweep. ``unswept``
    counts the rights events that some decision may not have heard of.
    """

    rights_end: int
    rights_kept: int
    swept: int
    unswept: int
    policy_applied: str
    content: tuple[Partition, ...]
    datasets: tuple[Dataset, ...]
    dead_letters: Mapping[str, int]
    unanswered: tuple[Unanswered, ...]
    withdrawals: Withdrawals

    @property
    def lag(self) -> int:
        return sum(p.lag for p in self.content)


@dataclass(frozen=True)
class Fold:
    """A dataset table: its rows, and how many versions of ``decisions`` it has not folded."""

    rows: int
    behind: int


def partitions(
    begins: Mapping[int, int], ends: Mapping[int, int], decided: Callable[[int], int]
) -> tuple[Partition, ...]:
    """``decided``: partition → the last offset decided, -1 when none is."""
    return tuple(Partition(p, begins.get(p, 0), max(decided(p) + 1, 0), end) for p, end in sorted(ends.items()))


def datasets(
    rules: Rules, register: Register, decisions: ReadableTable | None, fold: Callable[[str], Fold | None]
) -> tuple[Dataset, ...]:
    """Every dataset that is declared on the log or in a file."""
    counts = verdict_counts(decisions) if decisions is not None else {}
    files = {d.name: d.digest for d in rules.declarations}
    return tuple(
        _dataset(name, _applied(files.get(name), register.datasets.get(name)), counts.get(name, {}), fold(name))
        for name in sorted(files.keys() | register.datasets.keys())
    )


def _dataset(name: str, applied: str, verdicts: Mapping[str, int], fold: Fold | None) -> Dataset:
    rows, behind = (None, None) if fold is None else (fold.rows, fold.behind)
    return Dataset(name, applied, verdicts, rows, behind)


def _applied(in_file: str | None, active: str | None) -> str:
    if in_file == active:
        return "yes"
    return "new" if active is None else "file gone" if in_file is None else "changed"


def policy_applied(rules: Rules, register: Register) -> str:
    """``yes``, ``changed`` or ``new``."""
    return _applied(rules.policy.digest, register.policy_digest)


def verdict_counts(decisions: ReadableTable) -> dict[str, dict[str, int]]:
    """Dataset → verdict → assets whose last decision it is."""
    rows = last_decisions(decisions, ("verdict",))
    counted: dict[str, dict[str, int]] = {}
    for row in rows.group_by(["dataset", "verdict"]).aggregate([([], "count_all")]).to_pylist():
        counted.setdefault(row["dataset"], {})[row["verdict"]] = row["count_all"]
    return counted


def unswept(rights_end: int, swept: int, decisions: ReadableTable | None) -> int:
    """Rights events since the last sweep; before the first, since the oldest decision."""
    if swept < 0 and decisions is not None:
        oldest = pc.min(decisions.scan(["rights_position"])["rights_position"]).as_py()
        swept = rights_end if oldest is None else oldest
    return rights_end - swept if decisions is not None else 0


def dead_letter_counts(dead_letters: ReadableTable | None) -> dict[str, int]:
    """Reason → dead letters, the most frequent first."""
    if dead_letters is None:
        return {}
    counted = pc.value_counts(dead_letters.scan(["reason"])["reason"].combine_chunks()).to_pylist()
    return {entry["values"]: entry["counts"] for entry in sorted(counted, key=lambda e: -e["counts"])}


def unanswered(register: Register, values: Mapping[int, bytes | None]) -> tuple[Unanswered, ...]:
    """In the order of the log."""
    return tuple(_unanswered(record, values.get(record.position)) for record in _in_order(register.unanswered))


def _in_order(records: Iterable[Unreadable]) -> Sequence[Unreadable]:
    return sorted(records, key=lambda record: record.position)


def _unanswered(record: Unreadable, value: bytes | None) -> Unanswered:
    text = (value or b"")[:SHOWN_BYTES_MAX].decode("utf-8", "backslashreplace")
    return Unanswered(record.position, str(record.reason), record.detail, record.subject, text)

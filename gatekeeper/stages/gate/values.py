"""What moves through the worker."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from enum import IntEnum

import pyarrow as pa

from gatekeeper.core.content import Parsed

STREAM_COLUMNS = ("removed_by", "conflicting")
"""What only the stream knows of an event: added to the content columns for the kernel, kept in no table."""


class Step(IntEnum):
    """The three commits of a batch, in order (design §5). What an earlier table holds is never judged again."""

    DEAD_LETTERS = 1
    CATALOG = 2
    DECISIONS = 3


@dataclass(frozen=True, slots=True)
class Slice:
    """Consecutive records of one partition: offsets in (base, last]. ``steps_done`` commits already hold them.

    ``epoch`` tells apart the times we owned the partition: a slice of an earlier epoch is never committed.
    """

    partition: int
    base: int
    last: int
    epoch: int
    steps_done: int = 0

    def follows(self, step: Step, version: int) -> bool:
        """Whether a table at this version for the partition may take the slice in this step: compare, then commit.

        Equal to the base, never merely below the end; a step that already holds the slice must hold all of it.
        """
        return version >= self.last if step <= self.steps_done else version == self.base


@dataclass(frozen=True, slots=True)
class Moment:
    """What a batch is decided on: rights applied below ``position``, at ``instant_us``.

    ``unanswered`` counts the rights records there that nobody could read or has answered.
    """

    position: int
    instant_us: int
    unanswered: int = 0


@dataclass(frozen=True)
class Batch:
    """Slices with their rows: ``valid`` (content columns, ``removed_by``, ``conflicting``) and ``dead``.

    ``decisions`` is None until decided. Rows of a slice are those of its partition: a batch holds one slice a
    partition.
    ``strays_seen`` and ``new_strays``: see ``strays``.
    """

    id: str
    slices: tuple[Slice, ...]
    valid: pa.Table
    dead: pa.Table
    moment: Moment | None = None
    policy: str = ""
    decisions: pa.Table | None = None
    strays_seen: int = -1
    new_strays: bool = False

    @property
    def nbytes(self) -> int:
        tables = (self.valid, self.dead, self.decisions)
        return sum(t.nbytes for t in tables if t is not None)

    def of(self, slices: Iterable[Slice]) -> Batch:
        """The batch with only these slices."""
        return replace(self, slices=tuple(slices))


@dataclass(frozen=True)
class Recovery:
    """Rows that ``catalog`` holds and ``decisions`` lacks: the first work of a partition's new owner."""

    slice: Slice
    valid: pa.Table


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """A fetched block of ``rows`` records, the last of them at ``last``, being parsed; and the epoch in which its
    partition was ours.
    """

    partition: int
    last: int
    rows: int
    epoch: int
    parsed: Future[Parsed]


def is_ready(item: Raw | Recovery) -> bool:
    """Whether taking it keeps nobody waiting."""
    return isinstance(item, Recovery) or item.parsed.done()

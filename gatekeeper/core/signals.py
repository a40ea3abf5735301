"""What a signal's terms mean for our purposes: the cross-map of design §3's vocabularies, as policy data.

Rules of this file:

1. The table names the version of the readers its decisions are made with. Without the table only the "no AI" tag is
   read, as it was before there were readers, so that what was decided then is decided so again.
2. Every term has a cell for every column (a purpose). ``exact`` and ``wider`` (the term covers the purpose, or more
   than it): a no carries over. ``narrower`` (the term covers a part of the purpose): a no to the part leaves the whole
   unclear. ``none``: it says nothing. A yes never grants, whatever the cell.
3. A purpose without a column of its own has the cell of the nearest above it; one with no column above it has none.
4. A no covers everything beneath it, so beneath ``exact`` and ``wider`` stand only ``exact`` and ``wider``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gatekeeper.core.purposes import Purposes, only
from gatekeeper.evidence.readers import TERMS, read_reservation
from gatekeeper.evidence.reading import READERS, Reading, Says


class Cell(StrEnum):
    """How a term stands to a purpose."""

    EXACT = "exact"
    WIDER = "wider"
    NARROWER = "narrower"
    NONE = "none"


@dataclass(frozen=True)
class Signals:
    """``denies``: term → the purposes a no covers, with all beneath them. ``clouds``: term → the purposes (each only
    itself, ``=name``) that it leaves unclear.
    """

    readers: int = 0
    denies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    clouds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Heard:
    """What a reservation says of our purposes."""

    says: Says
    purposes: tuple[str, ...]
    reason: str


def read_signals(table: Mapping[str, Any] | None, purposes: Purposes) -> Signals:
    """The policy's ``signals`` table, which ``signals_problems`` found whole. Raises ``KeyError``, ``TypeError`` and
    ``AttributeError`` for another shape.
    """
    if table is None:
        return Signals()
    cells = {term: dict(zip(table["columns"], row, strict=False)) for term, row in table["terms"].items()}
    return Signals(
        readers=table["readers"],
        denies={term: _denied(row) for term, row in cells.items()},
        clouds={term: _clouded(row, purposes) for term, row in cells.items()},
    )


def _denied(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name, cell in row.items() if cell in (Cell.EXACT, Cell.WIDER))


def _clouded(row: Mapping[str, str], purposes: Purposes) -> tuple[str, ...]:
    return tuple(only(name) for name in purposes.names if _cell(name, row, purposes) == Cell.NARROWER)


def _cell(name: str, row: Mapping[str, str], purposes: Purposes) -> str:
    return next((row[above] for above in purposes.lineage(name) if above in row), Cell.NONE)


def hear(
    signals: Signals,
    reservations: Mapping[str, tuple[str, ...]],
    vocabulary: str,
    vocabulary_version: str | None,
    statement: str,
) -> tuple[Heard, ...]:
    """A reservation → what it says of our purposes; nothing where it takes no position on any of them."""
    readings = read_reservation(vocabulary, vocabulary_version, statement, readers=signals.readers)
    heard = [h for reading in readings for h in _of_reading(signals, reservations, reading) if h.purposes]
    return tuple(dict.fromkeys(heard))


def _of_reading(signals: Signals, reservations: Mapping[str, tuple[str, ...]], reading: Reading) -> tuple[Heard, ...]:
    if reading.term in reservations:
        return (Heard(reading.says, reservations[reading.term], reading.reason),)
    denied, clouded = signals.denies[reading.term], signals.clouds[reading.term]
    if reading.says is Says.UNCLEAR:
        return (Heard(Says.UNCLEAR, (*denied, *clouded), reading.reason),)
    return Heard(Says.PROHIBIT, denied, reading.reason), Heard(Says.UNCLEAR, clouded, "evidence.constrained")


def signals_problems(table: Mapping[str, Any] | None, purposes: Purposes) -> list[str]:
    """What is wrong with the table, in words; nothing where there is none."""
    if table is None:
        return []
    columns, terms = table["columns"], table["terms"]
    found = [f"signals: unknown purpose {name}" for name in purposes.unknown(columns)]
    if table["readers"] != READERS:
        found.append(f"signals.readers is {table['readers']}, this program reads with version {READERS}")
    if missing := [term for term in TERMS if term not in terms]:
        found.append(f"signals lacks {', '.join(missing)}")
    if unknown := [term for term in terms if term not in TERMS]:
        found.append(f"signals: no reader knows {', '.join(map(str, unknown))}")
    for term, row in terms.items():
        found += [f"signals, {term}: {problem}" for problem in _row_problems(columns, row, purposes)]
    return found


def _row_problems(columns: Sequence[str], row: Sequence[str], purposes: Purposes) -> list[str]:
    if len(row) != len(columns) or len(set(columns)) != len(columns):
        return [f"{len(row)} cells for {len(columns)} columns, each purpose once"]
    if unknown := [str(cell) for cell in row if cell not in set(Cell)]:
        return [f"{', '.join(unknown)} is none of {', '.join(Cell)}"]
    cells, no = dict(zip(columns, row, strict=True)), (Cell.EXACT, Cell.WIDER)
    return [
        f"a no to {above} covers {name}, which says {cell}"
        for name, cell in cells.items()
        for above in purposes.lineage(name)[1:]
        if cells.get(above) in no and cell not in no
    ]

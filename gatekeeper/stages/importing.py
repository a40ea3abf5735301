"""`content import`: the rows of a catalogue file become content events on the log, in the file's order.

1. A block of rows is mapped, each event given a deterministic id (the digest of what it says) and held against the
   contract.
2. Good rows are appended; they are durable before the next block is read.
3. A row that cannot become a valid event is written aside with its number and reason: never dropped, never mended.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import orjson

from gatekeeper.core.importing.cells import BadRow, Row
from gatekeeper.core.importing.mapping import CatalogueMapping, RowMapper
from gatekeeper.core.problems import Problem, Reason
from gatekeeper.errors import BadInput
from gatekeeper.ports import LogWriter

BLOCK_ROWS = 5_000
"""Rows mapped, checked and appended together: enough to make the checks and the disk's flush cheap."""

Check = Callable[[Sequence[bytes]], Sequence[Problem | None]]
"""Events as they will stand on the log → each one's first problem with the contract, None where it is valid."""
NumberedRow = tuple[int, Row | BadRow]


class Refusal(NamedTuple):
    """A row written aside. ``row`` counts from 1 after the header; ``cells`` are what could be read of it."""

    row: int
    reason: str
    detail: str
    cells: Row


class Mapped(NamedTuple):
    """A row as the event that will stand on the log."""

    row: int
    cells: Row
    asset_id: str
    event: bytes


@dataclass
class Imported:
    """``rows`` read = ``appended`` + ``refused``; ``reasons`` counts the refused ones."""

    rows: int = 0
    appended: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def refused(self) -> int:
        return self.reasons.total()


def import_catalogue(
    rows: Iterator[NumberedRow],
    mapper: RowMapper,
    check: Check,
    writer: LogWriter,
    refuse: Callable[[Refusal], None],
    *,
    rows_max: int | None = None,
    on_block: Callable[[Imported], None] = lambda _: None,
) -> Imported:
    """Append every row that becomes a valid event; hand every other one to ``refuse``. A log's errors pass through."""
    done = Imported()
    given_ids: set[str] = set()
    for block in _blocks(islice(rows, rows_max)):
        results = _checked(_map_block(block, mapper, given_ids), check)
        good = [result for result in results if isinstance(result, Mapped)]
        if good:
            writer.append((m.asset_id.encode(), m.event) for m in good)
        for result in results:
            if isinstance(result, Refusal):
                done.reasons[str(result.reason)] += 1
                refuse(result)
        done.rows += len(block)
        done.appended += len(good)
        on_block(done)
    return done


def _blocks(rows: Iterator[NumberedRow]) -> Iterator[list[NumberedRow]]:
    block: list[NumberedRow] = []
    try:
        for row in rows:
            block.append(row)
            if len(block) == BLOCK_ROWS:
                yield block
                block = []
    except BadInput:  # the file ends badly here: what was read before it counts
        if block:
            yield block
        raise
    if block:
        yield block


def _map_block(block: list[NumberedRow], mapper: RowMapper, given_ids: set[str]) -> list[Mapped | Refusal]:
    """In the block's order. ``given_ids`` grows by the asset ids that are now taken."""
    readable = [(number, cells) for number, cells in block if not isinstance(cells, BadRow)]
    results: dict[int, Mapped | Refusal] = {
        number: Refusal(number, "unreadable_row", cells.detail, cells.cells)
        for number, cells in block
        if isinstance(cells, BadRow)
    }
    if readable:
        rows = mapper.block([cells for _, cells in readable])
        mapped = zip(readable, mapper.data(rows), mapper.time(rows), strict=True)
        for i, ((number, cells), data, time) in enumerate(mapped):
            fault = rows.faults.get(i)
            results[number] = _map(number, cells, data or {}, time, fault, mapper.mapping, given_ids)
    return [results[number] for number, _ in block]


def _map(
    number: int,
    cells: Row,
    data: dict[str, Any],
    time: Any,
    fault: str | None,
    mapping: CatalogueMapping,
    given_ids: set[str],
) -> Mapped | Refusal:
    if fault is not None:
        return Refusal(number, "unmappable", fault, cells)
    asset_id = str(data.get("asset_id", ""))
    if asset_id in given_ids:
        if mapping.repeats == "refuse":
            return Refusal(number, "repeated_asset_id", f"an earlier row is {asset_id!r} already", cells)
        data["asset_id"] = asset_id = _numbered(asset_id, given_ids)
    try:
        event = _event(mapping, data, time)
    except TypeError:  # what JSON cannot hold; of the texts of a file that is only what was no UTF-8 in it
        return Refusal(number, Reason.BAD_UTF8, "the row is not UTF-8; save the file as UTF-8", cells)
    given_ids.add(asset_id)
    return Mapped(number, cells, asset_id, event)


def _numbered(asset_id: str, given_ids: set[str]) -> str:
    n = 2
    while f"{asset_id}~{n}" in given_ids:
        n += 1
    return f"{asset_id}~{n}"


def _event(mapping: CatalogueMapping, data: dict[str, Any], time: Any) -> bytes:
    """The CloudEvent. Its id is the digest of source, type, time and data: the same row gives the same event again."""
    written = orjson.dumps(data)
    said = orjson.dumps([mapping.source, mapping.type, time])
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": hashlib.blake2b(said + written, digest_size=16).hexdigest(),
            "source": mapping.source,
            "type": mapping.type,
            "time": time,
            "data": orjson.Fragment(written),
        }
    )


def _checked(results: list[Mapped | Refusal], check: Check) -> list[Mapped | Refusal]:
    problems = iter(check([result.event for result in results if isinstance(result, Mapped)]))
    return [_judged(result, next(problems)) if isinstance(result, Mapped) else result for result in results]


def _judged(mapped: Mapped, problem: Problem | None) -> Mapped | Refusal:
    return mapped if problem is None else Refusal(mapped.row, problem.reason, problem.detail, mapped.cells)

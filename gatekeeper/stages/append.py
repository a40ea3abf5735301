"""``content append`` and ``rights append``: lines of JSON onto a log, each held against its contract first (design §7).

Blocks of lines are judged and appended together, so that bulk is quick. A bad line ends the work and is named; the good
ones before it stay on the log, and no line is ever skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from gatekeeper.core.content import Limits, Parsed, parse
from gatekeeper.core.contracts import Check
from gatekeeper.core.events import ContractCheck, RightsEvent, Unreadable, read_rights_event
from gatekeeper.core.purposes import Purposes
from gatekeeper.ports import Appended, ContentBlock, LogWriter

KIND_OF = {"policy.activated": "policy", "dataset.declared": "dataset"}
"""Events whose digest must be kept in the lake before they are on the log, and what it is the digest of."""

IsKept = Callable[[str, str], bool]

LINE_TOPIC = "content"


@dataclass(frozen=True)
class Refusal:
    """A line that may not go on the log. ``line`` counts from 1."""

    file: str
    line: int
    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.file} line {self.line}: {self.reason}: {self.detail}"


@dataclass(frozen=True)
class Result:
    """How many lines were appended, where, and the line that ended the work, if one did."""

    appended: int
    places: tuple[Appended, ...]
    refused: Refusal | None


@dataclass(frozen=True)
class Judged:
    """(key, value) of the lines up to the first bad one; its index and why, None where all are good."""

    good: Sequence[tuple[bytes | None, bytes]]
    bad: tuple[int, str, str] | None


Judge = Callable[[list[bytes]], Judged]


def append_lines(
    lines_of: Iterator[list[bytes]], name: str, judge: Judge, log: LogWriter, on_block: Callable[[int], None]
) -> Result:
    """Append blocks of lines until their end or the first bad line. ``on_block`` is told the bytes of each block."""
    places: dict[int, Appended] = {}
    before = 0
    for lines in lines_of:
        judged = judge(lines)
        if judged.good:
            _add(places, log.append(judged.good))
        if judged.bad is not None:
            index, reason, detail = judged.bad
            return _result(places, Refusal(name, before + index + 1, reason, detail))
        before += len(lines)
        on_block(sum(map(len, lines)) + len(lines))
    return _result(places, None)


def _add(places: dict[int, Appended], appended: Sequence[Appended]) -> None:
    for now in appended:
        so_far = places.get(now.partition, now._replace(events=0))
        places[now.partition] = so_far._replace(last=now.last, events=so_far.events + now.events)


def _result(places: dict[int, Appended], refused: Refusal | None) -> Result:
    return Result(sum(p.events for p in places.values()), tuple(places.values()), refused)


def blocks(source: BinaryIO, block_bytes: int, line_bytes_max: int) -> Iterator[list[bytes]]:
    """Lines without their ends, in blocks of about ``block_bytes``; the last line needs no newline.

    The beginning of a line longer than ``line_bytes_max`` is the last that is given: whoever judges it refuses it.
    """
    rest = b""
    while chunk := source.read(block_bytes):
        *complete, rest = (rest + chunk).split(b"\n")
        if complete:
            yield [line.removesuffix(b"\r") for line in complete]
        if len(rest) > line_bytes_max:
            break
    if rest:
        yield [rest.removesuffix(b"\r")]


def parse_lines(lines: Sequence[bytes], check: Check, limits: Limits, first_offset: int = 0) -> Parsed:
    """Lines as records of partition 0 without keys; the offset is the line's number from 0."""
    offsets = np.arange(first_offset, first_offset + len(lines), dtype=np.int64)
    values = pa.array(lines, pa.binary())
    block = ContentBlock(LINE_TOPIC, 0, offsets, None, values, values.nbytes)
    return parse(block, check, limits=limits, check_key=False)


def content_judge(check: Check, limits: Limits) -> Judge:
    """Content events, keyed by their asset."""

    def judge(lines: list[bytes]) -> Judged:
        parsed = parse_lines(lines, check, limits)
        bad = None
        if parsed.dead.num_rows:
            first = parsed.dead.slice(0, 1).to_pylist()[0]
            bad = (first["offset"], first["reason"], first["detail"])
        upto = len(lines) if bad is None else bad[0]
        keys = [asset.encode() for asset in parsed.valid["asset_id"][:upto].to_pylist()]
        return Judged(list(zip(keys, lines[:upto], strict=True)), bad)

    return judge


def rights_judge(
    check: ContractCheck,
    purposes: Purposes,
    clock_us: Callable[[], int],
    limits: Limits,
    is_kept: IsKept,
) -> Judge:
    """Rights events that everybody can read: known purposes, not ahead of the clock, digests that are kept."""

    def problem(value: bytes) -> tuple[str, str] | None:
        if len(value) > limits.event_bytes_max:
            return "oversize", f"the event has {len(value)} bytes, more than {limits.event_bytes_max}"
        record = read_rights_event(0, value, clock_us(), purposes, check)
        return (record.reason, record.detail) if isinstance(record, Unreadable) else _unknown_digest(record, is_kept)

    def judge(lines: list[bytes]) -> Judged:
        for index, line in enumerate(lines):
            if found := problem(line):
                return Judged([(None, good) for good in lines[:index]], (index, *found))
        return Judged([(None, line) for line in lines], None)

    return judge


def _unknown_digest(event: RightsEvent, is_kept: IsKept) -> tuple[str, str] | None:
    kind = KIND_OF.get(event.type)
    if kind is not None and not is_kept(kind, event.data["digest"]):
        return (
            "unknown_digest",
            f"nobody has kept {event.data['digest']}; `gatekeeper apply` writes {event.type} events",
        )
    return None

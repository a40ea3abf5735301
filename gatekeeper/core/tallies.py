"""What a validator said of one frame after the other → whether an expectation was met over all of them.

Rules of this file: fail closed. No frame looked at, no answer, an answer that contradicts itself or the frame, an
exception: not met. A validator is asked for row numbers only; reasons come from our own columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from gatekeeper.core.quality import OFFENDING_SHOWN_MAX, Met, Offending
from gatekeeper.core.suites import Expectation

FINDING = "finding"
"""A column of this name, or of one that begins with ``finding.``, holds reasons: empty where nothing was found."""


@dataclass(frozen=True)
class Look:
    """What a validator said of one expectation over one frame, unchecked: ``unexpected`` are the frame's row numbers.

    ``problem`` is why it could say nothing.
    """

    success: Any = None
    elements: Any = None
    unexpected: Any = None
    problem: str | None = None

    def malformed(self, rows: int) -> str | None:
        """Why this is no answer about a frame of so many rows, None when it is one."""
        if self.problem:
            return self.problem
        if type(self.success) is not bool or type(self.elements) is not int:
            return "malformed result"
        if self.elements != rows:
            return f"malformed result: {self.elements} of {rows} rows were looked at"
        if not isinstance(self.unexpected, list) or not all(type(i) is int and 0 <= i < rows for i in self.unexpected):
            return "malformed result: no row numbers"
        if self.success is bool(self.unexpected):
            return "malformed result: it contradicts itself"
        return None


@dataclass
class Tally:
    """One expectation over frame after frame."""

    expectation: Expectation
    looked_at: int = 0
    looks: int = 0
    count: int = 0
    offending: list[Offending] = field(default_factory=list)

    def add(self, look: Look | None, frame: pa.Table) -> None:
        """What was said of ``frame``; None when nothing was."""
        self.looks += 1
        problem = "no result" if look is None else look.malformed(frame.num_rows)
        if problem or look is None:
            self.crashed(problem or "no result")
            return
        self.looked_at += frame.num_rows
        self.count += len(look.unexpected)
        room = OFFENDING_SHOWN_MAX - len(self.offending)
        self.offending += [_offending(frame, self.expectation, row) for row in look.unexpected[:room]]

    def crashed(self, why: str) -> None:
        """It could not be looked at."""
        self.count += 1
        self.offending.append(Offending(None, why))

    def met(self) -> Met:
        e = self.expectation
        if not self.looks and not self.count:
            self.crashed(f"there was nothing to look at ({e.over})")
        return Met(e.name, self.count == 0, e.severity, e.what, e.do, self.looked_at, tuple(self.offending), self.count)


def _offending(frame: pa.Table, expectation: Expectation, row: int) -> Offending:
    column = expectation.kwargs.get("column")
    asset_id = frame["asset_id"][row].as_py() if "asset_id" in frame.column_names else None
    if isinstance(column, str) and column.partition(".")[0] == FINDING:
        return Offending(asset_id, str(frame[column][row].as_py()))
    if expectation.over == "candidate" and column in frame.column_names:
        return Offending(None, f"{column} is {frame[column][row].as_py()}")
    return Offending(asset_id, f"{expectation.type} on {column or 'the row'}")

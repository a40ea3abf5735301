"""Findings, gathered: for each use, the least of what speaks about each place (an asset, a seat, a party, an account).

Rules of this file: a finding is the int64 of ``snapshot.reasons``; who may speak where is decided before, here nothing
is chosen: the minimum does that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gatekeeper.core.snapshot.keys import Rows
from gatekeeper.core.snapshot.level import CODE, INLINE_PLANES, MORE, RECORD, Bits, Found, Level, Records
from gatekeeper.core.snapshot.reasons import NOTHING, Ints

_RECORD_WORDS = RECORD.itemsize // 4
_LAST_WORD = RECORD.fields["code"][1] // 4 if RECORD.fields else 0
"""The last word of a record is its code (with ``MORE``) below its mask."""
_CODE_AND_MORE = np.uint32(0xFF)


class Tally:
    """``least[use, place]``, ``NOTHING`` where nobody spoke; laid out when somebody first does."""

    def __init__(self, uses: int, places: int) -> None:
        self._uses, self._places = uses, places
        self._least: Ints | None = None

    @property
    def any(self) -> bool:
        """Whether anything was said to any use."""
        return self._least is not None

    @property
    def least(self) -> Ints:
        """Shape (uses, places)."""
        if self._least is None:
            self._least = np.full((self._uses, self._places), NOTHING, np.int64)
        return self._least

    def add(self, places: Rows, finding: int, uses: Iterable[int]) -> None:
        """One finding at some places, for some uses."""
        for use in uses if len(places) else ():
            np.minimum.at(self.least[use], places, finding)

    def hear(self, spoken: Spoken, ranks: Ints) -> None:
        """What rows say, each at its place; ``ranks`` by code, shape (64,)."""
        if len(spoken.places) == 0:
            return
        findings: Ints = ranks.take(spoken.codes)
        findings |= spoken.positions
        for use, least in enumerate(self.least):
            speaks = np.flatnonzero(spoken.to(use))
            if len(speaks) == len(findings):
                np.minimum.at(least, spoken.places, findings)
            elif len(speaks):
                np.minimum.at(least, spoken.places.take(speaks), findings.take(speaks))


@dataclass(frozen=True)
class Spoken:
    """Rows of one level that say something, each at a place; m places, row numbers and records."""

    level: Level
    places: Rows
    rows: Rows
    records: Records

    def where(self, chosen: npt.NDArray[np.bool_]) -> Spoken:
        at = np.flatnonzero(chosen)
        if len(at) == len(chosen):
            return self
        return Spoken(self.level, self.places.take(at), self.rows.take(at), self.records.take(at))

    @property
    def codes(self) -> Bits:
        return self.records["code"] & CODE

    @property
    def speakers(self) -> npt.NDArray[np.uint32]:
        return self.records["speaker"]

    @property
    def positions(self) -> npt.NDArray[np.uint32] | Rows:
        wide = self.level.wide_position
        return wide.take(self.rows) if len(wide) else self.records["position"]

    def to(self, use: int) -> Bits:
        """Not zero where a row speaks to this use."""
        plane, bit = use >> 3, np.uint8(1 << (use & 7))
        if plane < INLINE_PLANES:
            return self.records["mask"][:, plane] & bit
        return self.level.wide_mask[plane - INLINE_PLANES].take(self.rows) & bit

    @property
    def speaking(self) -> npt.NDArray[np.bool_]:
        """Whether a row speaks to any use."""
        speaks = self.records.view(np.uint32)[_LAST_WORD::_RECORD_WORDS] > _CODE_AND_MORE
        return (
            speaks | self.level.wide_mask.take(self.rows, axis=1).any(axis=0) if len(self.level.wide_mask) else speaks
        )


def chains(level: Level, heads: Found) -> Iterator[Spoken]:
    """What the chains beginning at the first rows of some subjects say, one link of every chain at a time."""
    linked = Spoken(level, heads.asked, heads.rows, heads.records)
    while len(linked.rows):
        yield linked.where(linked.speaking)
        more = np.flatnonzero(linked.records["code"] & MORE)
        rows = linked.rows.take(more) + 1
        linked = Spoken(level, linked.places.take(more), rows, level.record.take(rows))

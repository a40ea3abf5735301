"""One sorted, memory-mappable set of statement rows.

Rules of this file: rows are sorted by (kind of subject, hash, place within the subject); a *bucket* index proposes the
first row of a hash, the stored key decides whether it is the key that was asked for. Rows of one subject form a
*chain*: ``MORE`` in ``code`` says that a later row of the chain can still speak. ``mask`` holds, per use, whether a row
speaks at the instant; it is the only thing that time changes. What a look-up needs of a row lies together, so that
memory is waited for once.

Hot, per row: hash 8, bucket 4, record 16, of which 4 point at the full key = 24 bytes and the pointer. Uses beyond the
24th and positions beyond 2**32 take arrays of their own.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from gatekeeper.core.snapshot.keys import KeyStore, Rows, Words
from gatekeeper.core.snapshot.reasons import CODE_COLLIDED

MORE = np.uint8(0x80)
CODE = np.uint8(0x7F)
SIDE = 6
"""The segment after the six kinds: rows whose keys share a hash, found by exact key."""

RECORD = np.dtype([("speaker", "<u4"), ("position", "<u4"), ("key_at", "<u4"), ("code", "u1"), ("mask", "u1", (3,))])
"""What a look-up reads of a row. ``mask`` holds three planes of eight uses."""
INLINE_PLANES = 3

_LOW = np.uint64(32)
Bits = npt.NDArray[np.uint8]
Records = npt.NDArray[np.void]


@dataclass(frozen=True)
class Found:
    """The keys that have rows: which (in no order), each one's first row, and what is recorded there."""

    asked: Rows
    rows: Rows
    records: Records

    def where(self, chosen: npt.NDArray[np.bool_]) -> Found:
        at = np.flatnonzero(chosen)
        return self if len(at) == len(chosen) else Found(self.asked.take(at), self.rows.take(at), self.records.take(at))


@dataclass
class Level:
    """Arrays of one level of n rows. ``starts[k]:starts[k + 1]`` are the rows of kind k, with as many buckets; ``hash``
    and ``chained`` have one element more, so that looking one row ahead is always safe. ``wide_mask`` has shape (planes
    beyond the third, n); ``wide_position`` is empty unless a position needs more than 32 bits.
    """

    hash: Words
    bucket: npt.NDArray[np.uint32]
    record: Records
    wide_mask: Bits
    wide_position: Rows
    starts: Rows
    kind: Bits
    scope: npt.NDArray[np.uint32]
    from_us: Rows
    until_us: Rows
    chained: npt.NDArray[np.bool_]
    blob: Words
    true_hash: Words
    ref_high: Words
    ref_low: Words
    ref_row: npt.NDArray[np.uint32]
    contested: npt.NDArray[np.uint32]
    contest_starts: npt.NDArray[np.uint32]
    change_us: Rows
    change_row: npt.NDArray[np.uint32]
    side: dict[tuple[int, bytes], int] = field(default_factory=dict)
    late_changes: list[tuple[int, int]] = field(default_factory=list)

    HOT: ClassVar[tuple[str, ...]] = ("hash", "bucket", "record", "wide_mask", "wide_position")

    def __len__(self) -> int:
        return len(self.record)

    @property
    def code(self) -> Bits:
        """A view, as the next four are."""
        return self.record["code"]

    @property
    def speaker(self) -> npt.NDArray[np.uint32]:
        return self.record["speaker"]

    @property
    def key_at(self) -> npt.NDArray[np.uint32]:
        return self.record["key_at"]

    @property
    def position(self) -> npt.NDArray[np.uint32] | Rows:
        return self.wide_position if len(self.wide_position) else self.record["position"]

    @property
    def planes(self) -> list[Bits]:
        """The bits of eight uses each, shape (n,) each."""
        return [*self.record["mask"].T, *self.wide_mask]

    @property
    def keys(self) -> KeyStore:
        return KeyStore(self.blob)

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Everything but the side table, which is rebuilt; records as words, late changes as pairs."""
        named = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in {"side", "late_changes"}}
        late = np.array(self.late_changes, np.int64).reshape(-1, 2)
        return {**named, "record": self.record.view(np.uint32), "late_changes": late}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Level:
        """The level that ``arrays`` took apart, without its side table."""
        late = [(instant_us, row) for instant_us, row in arrays["late_changes"].tolist()]
        own: dict[str, Any] = {**arrays, "record": arrays["record"].view(RECORD), "late_changes": late}
        return cls(**own)

    def locate(self, kind: int, hashes: Words, words: Words, lengths: Rows) -> Found:
        """N keys side by side → which of them have rows, and the first row of each; shapes (n,), (n, width), (n,)."""
        asked, rows = self._propose(kind, hashes)
        records = self.record.take(rows)
        collided = (records["code"] & CODE) == CODE_COLLIDED
        holds = self.keys.holds(records["key_at"].astype(np.int64), words.take(asked, axis=0), lengths.take(asked))
        if collided.any():
            for at in np.flatnonzero(collided).tolist():
                key = words[asked[at]].tobytes()[: int(lengths[asked[at]])]
                rows[at] = self.side.get((kind, key), -1)
            holds = np.where(collided, rows >= 0, holds)
            records = self.record.take(rows, mode="clip")
        return Found(asked, rows, records).where(holds)

    def _propose(self, kind: int, hashes: Words) -> tuple[Rows, Rows]:
        """Which hashes are known, and the first row of each. Hashes ascend within a kind: the walk ends at one not
        below.
        """
        start, count = int(self.starts[kind]), int(self.starts[kind + 1] - self.starts[kind])
        if count == 0:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        end = start + count
        bucket = bucket_of(hashes, count)
        bucket += start + kind
        at = self.bucket.take(bucket).astype(np.int64)
        stored = self.hash.take(at)
        inside = at < end
        hit = np.flatnonzero((stored == hashes) & inside)
        asked, rows = [hit], [at.take(hit)]
        pending = np.flatnonzero((stored < hashes) & inside)
        at, wanted = at.take(pending) + 1, hashes.take(pending)
        while len(pending):
            stored = self.hash.take(at)
            hit = np.flatnonzero((stored == wanted) & (at < end))
            asked.append(pending.take(hit))
            rows.append(at.take(hit))
            go_on = np.flatnonzero((stored < wanted) & (at < end))
            pending, at, wanted = pending.take(go_on), at.take(go_on) + 1, wanted.take(go_on)
        return np.concatenate(asked), np.concatenate(rows)

    def run(self, row: int) -> slice:
        """All rows of the subject whose first row this is, speaking or not."""
        end = row + 1
        segment_end = self._segment_end(row)
        step = 16
        while end < segment_end:
            stretch = self.hash[end : min(end + step, segment_end)]
            other = np.flatnonzero(stretch != self.hash[row])
            if len(other):
                return slice(row, end + int(other[0]))
            end += len(stretch)
            step *= 4
        return slice(row, end)

    def _segment_end(self, row: int) -> int:
        return int(self.starts[int(np.searchsorted(self.starts, row, side="right"))])

    def rows_of_ref(self, high: int, low: int) -> Rows:
        """The rows that a claim, reservation, agreement or unreadable record named."""
        first = int(np.searchsorted(self.ref_high, np.uint64(high), side="left"))
        last = int(np.searchsorted(self.ref_high, np.uint64(high), side="right"))
        return self.ref_row[first:last][self.ref_low[first:last] == np.uint64(low)].astype(np.int64)

    def next_change_us(self, instant_us: int) -> int | None:
        at = int(np.searchsorted(self.change_us, instant_us, side="right"))
        indexed = [int(self.change_us[at])] if at < len(self.change_us) else []
        late = self.late_changes[self._late_until(instant_us) :]
        return min(indexed + [us for us, _ in late[:1]], default=None)

    def changed_between(self, low_us: int, high_us: int) -> Rows:
        """The rows that begin or end to speak after one instant, until and with the other; each once, in order."""
        first, last = np.searchsorted(self.change_us, [low_us, high_us], side="right")
        late = self.late_changes[self._late_until(low_us) : self._late_until(high_us)]
        rows = np.append(self.change_row[first:last].astype(np.int64), np.array([row for _, row in late], np.int64))
        return np.unique(rows)

    def change_at(self, instant_us: int, row: int) -> None:
        """A row that was built with another end now ends then."""
        insort(self.late_changes, (instant_us, row))

    def _late_until(self, instant_us: int) -> int:
        return bisect_right(self.late_changes, instant_us, key=lambda change: change[0])


def bucket_of(hashes: Words, buckets: int) -> Rows:
    """Hashes → buckets, in the order of the hashes."""
    high = hashes >> _LOW
    high *= np.uint64(buckets)
    high >>= _LOW
    return high.view(np.int64)

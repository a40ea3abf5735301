"""Statement rows, growing in memory and sealed into columns.

Rules of this file: one row is one statement about one subject (or a mark that a speaker is known). A row that no longer
counts at all has ``from_us`` = ``NEVER``; an interval that merely ended keeps its bounds, so that another instant finds
it.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gatekeeper.core.snapshot.keys import SLOT_WORDS, KeyHash, KeyStore, Rows, Words, hashes_of, stored_keys
from gatekeeper.core.snapshot.reasons import CODE_MARK
from gatekeeper.core.subjects import KINDS
from gatekeeper.core.times import ALWAYS_US

NEVER = ALWAYS_US
"""As ``from_us``: in force at no instant, whatever the end."""
BEFORE_ALL_US = -ALWAYS_US
NOBODY = 0xFFFFFFFF
"""As speaker: the statement counts for every interest."""

KIND_OF = {name: kind for kind, name in enumerate(KINDS)}
PARTY, ACCOUNT = KIND_OF["party"], KIND_OF["account"]

KEYS_IN_CHUNK = 1 << 18
"""Keys that wait as Python strings; beyond, they are kept as the bytes they are."""


@dataclass
class Columns:
    """Sealed rows, each field of shape (n,). ``key_at`` points into ``keys``; ``ref_*`` name what can close the row (0:
    nothing).
    """

    kind: npt.NDArray[np.uint8]
    code: npt.NDArray[np.uint8]
    speaker: npt.NDArray[np.uint32]
    position: Rows
    scope: npt.NDArray[np.uint32]
    from_us: Rows
    until_us: Rows
    ref_high: Words
    ref_low: Words
    hash: Words
    key_at: Rows
    keys: KeyStore

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, rows: Rows | npt.NDArray[np.bool_]) -> Columns:
        return Columns(
            **{f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "keys"}, keys=self.keys
        )

    def dead(self) -> npt.NDArray[np.bool_]:
        """Rows that count at no instant: withdrawn from this place, replaced or answered."""
        return (self.from_us == NEVER) & (self.code != CODE_MARK)


def joined(parts: Sequence[Columns]) -> Columns:
    """Columns one after another, their keys in one store."""
    merged = {f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Columns) if f.name != "keys"}
    if all(part.keys is parts[0].keys for part in parts):
        return Columns(**merged, keys=parts[0].keys)
    starts = np.cumsum([0, *(len(part.keys.blob) // SLOT_WORDS for part in parts)])
    merged["key_at"] = np.concatenate([p.key_at + start for p, start in zip(parts, starts, strict=False)])
    return Columns(**merged, keys=KeyStore(np.concatenate([p.keys.blob for p in parts])))


def ref_digest(ref: str) -> tuple[int, int]:
    """What closes a row, as 128 bits of BLAKE2b: long enough that two names never meet."""
    digest = hashlib.blake2b(ref.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


class Recent:
    """Rows that are still growing. A row is an index; edits are plain assignments."""

    def __init__(self) -> None:
        self.kind = array("B")
        self.code = array("B")
        self.speaker = array("I")
        self.position = array("q")
        self.scope = array("I")
        self.from_us = array("q")
        self.until_us = array("q")
        self._keys: list[str] = []
        self._key_chunks: list[pa.Array] = []
        self._ref_of = array("I")
        self._ref_high, self._ref_low = array("Q", [0]), array("Q", [0])
        self._last_ref = ""
        self._by_ref: dict[str, int | list[int]] = {}

    def __len__(self) -> int:
        return len(self.kind)

    def add(
        self,
        kind: int,
        key: str,
        code: int,
        speaker: int,
        position: int,
        scope: int,
        from_us: int,
        until_us: int,
        ref: str = "",
    ) -> None:
        if ref:
            self._remember(ref, len(self.kind))
        self._ref_of.append(len(self._ref_high) - 1 if ref else 0)
        self.kind.append(kind)
        self.code.append(code)
        self.speaker.append(speaker)
        self.position.append(position)
        self.scope.append(scope)
        self.from_us.append(from_us)
        self.until_us.append(until_us)
        self._keys.append(key)
        if len(self._keys) == KEYS_IN_CHUNK:
            self._key_chunks.append(pa.array(self._keys, pa.large_string()))
            self._keys = []

    def _remember(self, ref: str, row: int) -> None:
        known = self._by_ref.get(ref)
        if known is None:
            self._by_ref[ref] = row
        elif isinstance(known, int):
            self._by_ref[ref] = [known, row]
        else:
            known.append(row)
        if self._last_ref != ref:
            high, low = ref_digest(ref)
            self._ref_high.append(high)
            self._ref_low.append(low)
            self._last_ref = ref

    def rows_of(self, ref: str) -> Sequence[int]:
        """The rows that ``ref`` can close, oldest first."""
        found = self._by_ref.get(ref, [])
        return [found] if isinstance(found, int) else found

    def sealed(self, hashing: KeyHash, seed: int) -> Columns:
        """The rows as columns, hashed."""
        chunks = [*self._key_chunks, pa.array(self._keys, pa.large_string())]
        stores, places = zip(*map(stored_keys, chunks), strict=True)
        ends = np.cumsum([len(store.blob) // SLOT_WORDS for store in stores])
        starts = np.append(0, ends[:-1])
        ref_of = np.array(self._ref_of)
        return Columns(
            kind=np.array(self.kind, np.uint8),
            code=np.array(self.code, np.uint8),
            speaker=np.array(self.speaker, np.uint32),
            position=np.array(self.position, np.int64),
            scope=np.array(self.scope, np.uint32),
            from_us=np.array(self.from_us, np.int64),
            until_us=np.array(self.until_us, np.int64),
            ref_high=np.array(self._ref_high, np.uint64)[ref_of],
            ref_low=np.array(self._ref_low, np.uint64)[ref_of],
            hash=np.concatenate([hashes_of(chunk, hashing, seed) for chunk in chunks]),
            key_at=np.concatenate([at + start for at, start in zip(places, starts, strict=True)]),
            keys=KeyStore(np.concatenate([store.blob for store in stores])),
        )

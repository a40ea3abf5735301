"""What intake may do to rows that are sealed in levels.

Rules of this file: keys are looked up for a whole block of events at once; edits are made in place and collected, and
the masks of what they touched are brought up to date once, after the block.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from gatekeeper.core.events import RightsEvent, Unreadable
from gatekeeper.core.snapshot.keys import KeyHash, key_blocks
from gatekeeper.core.snapshot.level import CODE, Bits, Level
from gatekeeper.core.snapshot.reasons import CONSENTS
from gatekeeper.core.snapshot.rows import ACCOUNT, KIND_OF, NEVER, PARTY, Recent, ref_digest
from gatekeeper.core.snapshot.speaking import refresh
from gatekeeper.core.times import ALWAYS_US

Key = tuple[int, str]


class SealedRows:
    """The ``Sealed`` of one block of events, over a snapshot's levels."""

    def __init__(self, levels: Sequence[Level], hashing: KeyHash, seed: int) -> None:
        self._levels = levels
        self._hashing, self._seed = hashing, seed
        self._heads: dict[Key, list[tuple[Level, int]]] = defaultdict(list)
        self._edited: list[list[int]] = [[] for _ in levels]

    def look_up(self, records: Iterable[RightsEvent | Unreadable]) -> None:
        """Finds every key that applying these records will ask for."""
        wanted: dict[int, list[str]] = defaultdict(list)
        for kind, key in sorted({key for record in records for key in _keys(record)}):
            wanted[kind].append(key)
        for level in self._levels:
            for kind, keys in wanted.items():
                for which, row in self._rows(level, kind, keys):
                    self._heads[kind, keys[which]].append((level, row))

    def _rows(self, level: Level, kind: int, keys: list[str]) -> Iterator[tuple[int, int]]:
        for block in key_blocks(pa.array(keys, pa.large_string())):
            hashes = self._hashing.of(block.words, block.lengths, self._seed)
            found = level.locate(kind, hashes, block.words, block.lengths)
            which = found.asked if block.rows is None else block.rows[found.asked]
            yield from zip(which.tolist(), found.rows.tolist(), strict=True)

    def speaker_of(self, kind: int, key: str) -> int | None:
        heads = self._heads.get((kind, key))
        return int(heads[0][0].speaker[heads[0][1]]) if heads else None

    def take_back(self, kind: int, key: str, speaker: int, recent: Recent) -> None:
        for level, head in self._heads.get((kind, key), ()):
            run = level.run(head)
            mine = (level.speaker[run] == speaker) & np.isin(level.code[run] & CODE, CONSENTS)
            for row in (run.start + np.flatnonzero(mine & (level.from_us[run] != NEVER))).tolist():
                recent.add(
                    kind,
                    key,
                    int(level.code[row] & CODE),
                    speaker,
                    int(level.position[row]),
                    int(level.scope[row]),
                    int(level.from_us[row]),
                    int(level.until_us[row]),
                )
                self._drop_row(level, row)

    def end(self, ref: str, at_us: int) -> None:
        for level, row in self._of_ref(ref):
            if level.until_us[row] == ALWAYS_US:
                self._set_end(level, row, at_us)

    def shorten(self, ref: str, until_us: int) -> None:
        for level, row in self._of_ref(ref):
            if level.until_us[row] > until_us:
                self._set_end(level, row, until_us)

    def drop(self, ref: str) -> None:
        for level, row in self._of_ref(ref):
            self._drop_row(level, row)

    def refresh(self, reach: Bits, instant_us: int) -> None:
        """The masks follow the edits."""
        for level, rows in zip(self._levels, self._edited, strict=True):
            if rows:
                refresh(level, reach, instant_us, np.unique(np.array(rows, np.int64)))
                rows.clear()

    def _of_ref(self, ref: str) -> Iterator[tuple[Level, int]]:
        if not self._levels:
            return
        high, low = ref_digest(ref)
        for level in self._levels:
            for row in level.rows_of_ref(high, low).tolist():
                if level.from_us[row] != NEVER:
                    yield level, row

    def _set_end(self, level: Level, row: int, until_us: int) -> None:
        level.until_us[row] = until_us
        level.change_at(until_us, row)
        self._touch(level, row)

    def _drop_row(self, level: Level, row: int) -> None:
        level.from_us[row] = NEVER
        self._touch(level, row)

    def _touch(self, level: Level, row: int) -> None:
        self._edited[next(i for i, known in enumerate(self._levels) if known is level)].append(row)


def _keys(record: RightsEvent | Unreadable) -> list[Key]:
    """The speakers that applying a record will ask for, and the subjects whose consents it may weigh again."""
    if isinstance(record, Unreadable):
        return _speaker(record.subject)
    data = record.data
    if record.type.startswith("rights.consent."):
        return [*_speaker(data["speaker"]), _key(data["subject"])]
    if record.type == "rights.agreement.signed":
        return [(PARTY, data["party_id"])]
    if record.type == "rights.terms.accepted":
        return [(ACCOUNT, data["account_id"])]
    return _speaker(data.get("subject"))


def _speaker(subject: str | None) -> list[Key]:
    return [_key(subject)] if subject is not None and subject.startswith(("party:", "account:")) else []


def _key(subject: str) -> Key:
    kind, _, key = subject.partition(":")
    return KIND_OF[kind], key

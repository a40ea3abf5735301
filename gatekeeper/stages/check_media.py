"""The index of media objects held against the rows: one line for each, in their order, of the row's own object."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.check_frames import Unjudgeable
from gatekeeper.core.manifest import MediaTotals
from gatekeeper.core.media import AUDIO, MediaLine
from gatekeeper.core.screening import NO_FINDING


class MediaIndex:
    """Takes the windows of one candidate in their order. ``lines`` raises ``ValueError`` for what is no index."""

    def __init__(self, totals: MediaTotals, lines: Callable[[], Iterator[MediaLine]]) -> None:
        self._totals, self._lines = totals, lines()
        self._rows = self._bytes = 0

    def findings(self, rows: pa.Table) -> list[str]:
        """For each row whether the next line is of its object."""
        told = zip(rows["asset_id"].to_pylist(), pc.struct_field(rows[AUDIO], "path").to_pylist(), strict=True)
        return [self._finding(asset_id, path) for asset_id, path in told]

    def _finding(self, asset_id: str | None, path: str | None) -> str:
        line = next(self._lines, None)
        if line is None or line.asset_id != asset_id:
            return f"{self._totals.index} does not list it"
        self._rows += 1
        self._bytes += line.bytes
        return NO_FINDING if line.path == path else f"{self._totals.index} lists another object"

    def require_end(self) -> None:
        """After the last row. Raises ``Unjudgeable`` where the index has more lines, or other totals."""
        more = next(self._lines, None) is not None
        if more or (self._rows, self._bytes) != (self._totals.rows, self._totals.bytes):
            raise Unjudgeable(f"{self._totals.index} does not list exactly the media of the rows")

"""A rights log file, only looked at: no id file is made or asked, no identity is pinned.

For commands that write nothing and keep nothing of what they read; whoever commits uses ``JsonlRightsReader``.
"""

from __future__ import annotations

from pathlib import Path

from gatekeeper.edges.jsonl_lines import LineFile
from gatekeeper.ports import RightsRecord

_READ_BYTES = 4 * 2**20


class JsonlRightsFile:
    """The end and the records of a rights log file."""

    def __init__(self, path: Path) -> None:
        self._lines = LineFile(path)

    def end(self) -> int:
        return self._lines.end().line

    def read(self, from_position: int, to_position: int) -> list[RightsRecord]:
        """Records in [from, to)."""
        at = self._lines.seek(from_position)
        records: list[RightsRecord] = []
        while at.line < to_position:
            values, after = self._lines.read(at, _READ_BYTES)
            records += [RightsRecord(n, value, None) for n, value in enumerate(values.to_pylist(), at.line)]
            at = after
        return [record for record in records if record.position < to_position]

    def close(self) -> None:
        self._lines.close()

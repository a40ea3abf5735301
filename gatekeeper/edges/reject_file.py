"""Rows written aside: one JSON object per line, the file made with the first of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from gatekeeper.errors import Unavailable


class RejectFile:
    """``with RejectFile(path) as rejects:`` — replaces an earlier run's; not there when nothing was rejected."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO | None = None

    def write(self, row: Mapping[str, Any]) -> None:
        """Raises ``Unavailable`` where it cannot be kept: then the import ends, because no row may get lost."""
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("w", encoding="ascii")
            self._file.write(json.dumps(row, default=str) + "\n")
            self._file.flush()
        except OSError as error:
            raise Unavailable(f"cannot write {self.path}: {error}", "name another file with --rejects") from error

    def __enter__(self) -> Self:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(f"cannot replace {self.path}: {error}", "name another file with --rejects") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

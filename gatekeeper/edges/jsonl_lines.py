"""Reading an append-only file of lines by line number, without reading it again from the start.

Rules of this file: a line exists only with its newline, so a torn tail is not there yet; line n is found through a
sparse index kept in memory; a file that became shorter than what was read, or another file under the same name, is an
``UnsafeLog`` and never a jump.
"""

from __future__ import annotations

import bisect
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from gatekeeper.errors import BadInput, Unavailable, UnsafeLog

_FIRST_LINE_BYTES = 64 * 2**10
_LINE_BYTES_MAX = 2**30
_RESTORE = "restore the log as it was, or start a new workspace: the tables' positions say nothing of another file"


class Cursor(NamedTuple):
    """The start of line ``line`` at byte ``byte``."""

    line: int
    byte: int


class LineFile:
    """Complete lines of one file, numbered from 0. The file must exist; it may grow while this is open.

    ``scan_bytes`` is how much is looked through at a time, and the distance of the index's entries.
    """

    def __init__(self, path: Path, scan_bytes: int = 4 * 2**20) -> None:
        self.path, self._scan_bytes = path, scan_bytes
        try:
            self._fd = os.open(path, os.O_RDONLY)
        except FileNotFoundError as error:
            raise BadInput(f"no log at {path}", "make the workspace first: gatekeeper init DIR") from error
        except OSError as error:
            raise Unavailable(f"cannot open {path}: {error}") from error
        self._index = [Cursor(0, 0)]  # ascending, one per scanned chunk; the last is the end of what was scanned

    def check(self, read_to: int) -> int:
        """The file's size in bytes. Raises UnsafeLog when it is not the file it was, or shorter than ``read_to``."""
        try:
            now, ours = self.path.stat(), os.fstat(self._fd)
        except OSError as error:
            raise UnsafeLog(f"the log {self.path} is gone: {error}", _RESTORE) from error
        if (now.st_dev, now.st_ino) != (ours.st_dev, ours.st_ino):
            raise UnsafeLog(f"the log {self.path} was replaced by another file", _RESTORE)
        if ours.st_size < read_to:
            raise UnsafeLog(f"the log {self.path} shrank to {ours.st_size} bytes; {read_to} were read", _RESTORE)
        if read_to and os.pread(self._fd, 1, read_to - 1) != b"\n":
            raise UnsafeLog(f"the log {self.path} was rewritten: no line ends at byte {read_to}", _RESTORE)
        return ours.st_size

    def end(self) -> Cursor:
        """After the last complete line, now. Reads only what was added since the last call."""
        line, byte = self._index[-1]
        size = self.check(byte)
        while byte < size and (chunk := os.pread(self._fd, self._scan_bytes, byte)):
            complete = chunk.rfind(b"\n") + 1
            if complete == 0 and len(chunk) < self._scan_bytes:
                break
            if complete == 0:
                complete = self._long_line(byte)
                if complete == 0:
                    break
                line += 1
            else:
                line += chunk.count(b"\n")
            byte += complete
            self._extend_index(Cursor(line, byte))
        return self._index[-1]

    def _long_line(self, byte: int) -> int:
        """Bytes of the line at ``byte`` that does not end within one chunk; 0 while it has no newline."""
        at = byte
        while chunk := os.pread(self._fd, self._scan_bytes, at):
            found = chunk.find(b"\n")
            if found >= 0:
                return at + found + 1 - byte
            at += len(chunk)
        return 0

    def _extend_index(self, end: Cursor) -> None:
        # The last entry moves along until it is a chunk away from the one before: small appends do not fill memory.
        if len(self._index) > 1 and end.byte - self._index[-2].byte < self._scan_bytes:
            self._index[-1] = end
        else:
            self._index.append(end)

    def seek(self, line: int) -> Cursor:
        """Where line ``line`` starts. Raises UnsafeLog when the log does not reach that far."""
        end = self._index[-1] if line <= self._index[-1].line else self.end()
        if line > end.line:
            raise UnsafeLog(f"position {line} is out of range: the log {self.path} ends at {end.line}", _RESTORE)
        start = self._index[bisect.bisect_right(self._index, line, key=lambda cursor: cursor.line) - 1]
        while start.line < line:
            chunk = os.pread(self._fd, self._scan_bytes, start.byte)
            newlines = _newlines(chunk)
            if len(newlines) == 0:
                start = Cursor(start.line + 1, start.byte + self._long_line(start.byte))
            else:
                used = min(line - start.line, len(newlines))
                start = Cursor(start.line + used, start.byte + int(newlines[used - 1]) + 1)
        return start

    def read(self, start: Cursor, bytes_max: int) -> tuple[pa.BinaryArray, Cursor]:
        """Complete lines from ``start``, without their newlines, about ``bytes_max`` bytes of them (at least one line
        when there is one), and where the next read starts.
        """
        size = self.check(start.byte)
        while True:
            data = os.pread(self._fd, bytes_max, start.byte)
            complete = data.rfind(b"\n") + 1
            if complete or start.byte + len(data) >= size:
                break
            if bytes_max > _LINE_BYTES_MAX:
                raise UnsafeLog(f"line {start.line} of {self.path} is longer than {_LINE_BYTES_MAX} bytes", _RESTORE)
            bytes_max *= 2
        lines = _lines(data[:complete])
        return lines, Cursor(start.line + len(lines), start.byte + complete)

    def first_line(self) -> bytes | None:
        """Line 0, None while there is none; of a long one the first 64 KiB."""
        data = os.pread(self._fd, _FIRST_LINE_BYTES, 0)
        end = data.find(b"\n")
        if end >= 0:
            return data[:end]
        return data if self._long_line(0) else None

    def close(self) -> None:
        os.close(self._fd)


def _newlines(data: bytes) -> np.ndarray:
    return np.flatnonzero(np.frombuffer(data, np.uint8) == 0x0A)


def _lines(data: bytes) -> pa.BinaryArray:
    """``data`` ends with a newline or is empty. No object per line is made."""
    newlines = _newlines(data)
    ends = np.zeros(len(newlines) + 1, np.int32)
    ends[1:] = newlines - np.arange(len(newlines))  # each newline taken out moves what follows by one
    text = pa.py_buffer(data.replace(b"\n", b""))
    return pa.Array.from_buffers(pa.binary(), len(newlines), [None, pa.py_buffer(ends), text], null_count=0)

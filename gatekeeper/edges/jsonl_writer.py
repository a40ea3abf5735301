"""Appending lines to a JSONL log: one writer at a time, durable when it returns, a torn tail repaired first.

Rules of this file: the lock is on the log file itself and the kernel frees it with its process; bytes after the last
newline were never acknowledged to anyone: they are kept in ``<log>.torn`` and cut off, only under the lock.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gatekeeper.edges.jsonl_lines import LineFile
from gatekeeper.errors import BadInput, Unavailable
from gatekeeper.ports import Appended

log = logging.getLogger(__name__)

_CHUNK_BYTES = 8 * 2**20
"""Written, synced and released at a time: a slow source does not keep the lock."""


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """The log file opened for appending, made if missing, under its exclusive lock. Waits for the lock."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        raise Unavailable(f"cannot append to {path}: {error}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield fd
    finally:
        os.close(fd)


class JsonlLogWriter:
    """``LogWriter`` over one file; a line is an event's value, keys are not kept."""

    def __init__(self, path: Path, *, event_bytes_max: int = 2**20) -> None:
        self._path, self._event_bytes_max = path, event_bytes_max
        with locked(path):  # so that the file exists
            pass
        self._lines = LineFile(path)

    def append(self, events: Iterable[tuple[bytes | None, bytes]]) -> list[Appended]:
        first = last = count = 0
        for chunk in self._chunks(value for _, value in events):
            at = self._write(b"".join(chunk))
            first = at if count == 0 else first
            last, count = at + len(chunk) - 1, count + len(chunk)
        return [Appended(0, first, last, count)] if count else []

    def _chunks(self, values: Iterable[bytes]) -> Iterator[list[bytes]]:
        chunk: list[bytes] = []
        size = 0
        for value in values:
            problem = self._problem(value)
            if problem is not None:
                if chunk:  # the good ones before it stay
                    yield chunk
                raise problem
            chunk.append(value + b"\n")
            size += len(value) + 1
            if size >= _CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
        if chunk:
            yield chunk

    def _problem(self, value: bytes) -> BadInput | None:
        if b"\n" in value:
            return BadInput("an event contains a newline, and a line is an event", "write the JSON on one line")
        if len(value) > self._event_bytes_max:
            return BadInput(f"an event of {len(value)} bytes; the log takes {self._event_bytes_max}", "send less")
        return None

    def _write(self, data: bytes) -> int:
        """The number of the first line written."""
        with locked(self._path) as fd:
            repair(fd, self._path)
            at = self._lines.end()
            try:
                _write_all(fd, data)
                os.fsync(fd)
            except OSError as error:
                os.ftruncate(fd, at.byte)
                raise Unavailable(f"cannot append to {self._path}: {error}", "free space, then retry") from error
        return at.line

    def close(self) -> None:
        self._lines.close()


def repair(fd: int, path: Path) -> bytes:
    """Under the lock: cut off what follows the last newline, and return it. Kept in ``<log>.torn``."""
    size = os.fstat(fd).st_size
    keep = _after_last_newline(fd, size)
    if keep == size:
        return b""
    torn = os.pread(fd, size - keep, keep)
    aside = path.with_name(path.name + ".torn")
    with aside.open("ab") as file:
        file.write(torn + b"\n")
        file.flush()
        os.fsync(file.fileno())
    os.ftruncate(fd, keep)
    os.fsync(fd)
    log.warning("%s: %d bytes without a newline were cut off (an append died); kept in %s", path, len(torn), aside)
    return torn


def _after_last_newline(fd: int, size: int) -> int:
    step = 64 * 2**10
    at = size
    while at > 0:
        start = max(0, at - step)
        found = os.pread(fd, at - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        at = start
    return 0


def _write_all(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]

"""One gate per embedded workspace. The kernel frees the lock with its process, however that dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from gatekeeper.errors import Unavailable


class WorkspaceLock:
    """``with WorkspaceLock(path):`` — raises Unavailable, naming the holder's process, when another holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def __enter__(self) -> Self:
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise Unavailable(f"cannot open the lock {self._path}: {error}") from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(fd)
            raise Unavailable(
                f"another gate (process {holder}) works in the workspace {self._path.parent}",
                "wait until it ends, or stop it; an embedded workspace has one gate at a time",
            ) from error
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd  # the file stays: removing it would let two processes lock two files of one name
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

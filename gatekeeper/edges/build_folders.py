"""Folders of candidates: written under a name nobody looks at, seen whole under their own, never written over.

A folder in the making is ``<version>.<token>.making`` beside its place and is locked by its process; one that nobody
holds was left by a process that died, and the next build of that dataset removes it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.core.manifest import DATA, FileEntry
from gatekeeper.errors import BadInput

MAKING = ".making"
SPILL = ".spill"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Making:
    """A folder in the making, and the name it will have. ``spill`` is for temporary files and is removed first."""

    path: Path
    final: Path

    @property
    def spill(self) -> Path:
        return self.path / SPILL

    def entry(self, name: str, rows: int | None = None) -> FileEntry:
        """A finished file, made durable, with its digest."""
        path, digest = self.path / name, hashlib.sha256()
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
        return FileEntry(name, digest.hexdigest(), path.stat().st_size, rows)

    def drop_spill(self) -> None:
        shutil.rmtree(self.spill)

    def append(self, name: str, data: bytes) -> None:
        """More of a file; ``entry`` makes it durable."""
        with (self.path / name).open("ab") as stream:
            stream.write(data)

    def write(self, name: str, data: bytes) -> None:
        """A small file, durable."""
        with (self.path / name).open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())

    def appear(self) -> None:
        """The last step: the folder is there, whole. Raises ``BadInput`` where another was quicker."""
        for folder in (self.path / DATA, self.path):
            _sync(folder)
        try:
            self.path.rename(self.final)
        except OSError as error:
            if self.final.exists():
                raise _taken(self.final) from error
            raise
        _sync(self.final.parent)


@contextmanager
def making(final: Path, new_id: Callable[[], str]) -> Iterator[Making]:
    """A folder that becomes ``final`` by ``appear`` and is gone without it. Raises ``BadInput`` where ``final`` is
    there.
    """
    if final.exists():
        raise _taken(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_behind(final.parent)
    path, lock = _held(final, new_id)
    try:
        for folder in (DATA, SPILL):
            (path / folder).mkdir()
        yield Making(path, final)
    finally:
        with suppress(FileNotFoundError):
            shutil.rmtree(path)
        os.close(lock)


def _held(final: Path, new_id: Callable[[], str]) -> tuple[Path, int]:
    """A new folder and the descriptor that holds its lock."""
    while True:
        path = final.with_name(f"{final.name}.{new_id()}{MAKING}")
        path.mkdir()
        lock = os.open(path, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():  # not taken, before it was locked, for one that was left behind
            return path, lock
        os.close(lock)


def _taken(final: Path) -> BadInput:
    name = f"{final.parent.name}@{final.name}"
    return BadInput(f"there is a build {name} already", "give another --version; a build is never written over")


def _remove_left_behind(parent: Path) -> None:
    for folder in parent.glob(f"*{MAKING}"):
        with suppress(OSError):
            held = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(held)


def _sync(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)

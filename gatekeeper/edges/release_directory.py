"""Releases in a directory: a file appears under its name with all its bytes, on disk, or not at all.

1. Bytes go to a temporary name beside the file, 2. fsync, 3. a hard link makes the name, which fails where it exists
(``O_EXCL`` for whole files), 4. the temporary name goes, 5. fsync of the folder. A crash leaves a hidden file at most.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pyarrow.fs as pafs

from gatekeeper.errors import Unavailable, WrongBytes

BLOCK_BYTES = 4_194_304
"""Read and hashed at once."""


@contextmanager
def _mapped(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise Unavailable(f"{doing}: {problem}", "mend what the operating system says, then run it again") from problem


class DirectoryReleases:
    """Any number of publishers, in any process of machines that share the directory."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self.files: pafs.FileSystem = pafs.SubTreeFileSystem(str(self._root), pafs.LocalFileSystem())

    def read(self, name: str) -> bytes | None:
        with _mapped(f"reading {name}"):
            path = self._root / name
            return path.read_bytes() if path.is_file() else None

    def names(self, folder: str) -> list[str]:
        with _mapped(f"listing {folder}"):
            top = self._root / folder
            found = (path.relative_to(top) for path in top.rglob("*") if path.is_file())
            return sorted(str(path) for path in found if not path.name.startswith("."))

    def put_new(self, name: str, data: bytes) -> bool:
        with self._temporary(name) as (path, torn):
            with torn.open("xb") as target:
                target.write(data)
                _durable(target)
            return _appear(torn, path)

    def put_file(self, name: str, source: Path, sha256: str) -> bool:
        with _mapped(f"reading {source}"), source.open("rb") as origin:
            return self.put_blocks(name, iter(partial(origin.read, BLOCK_BYTES), b""), sha256)

    def put_blocks(self, name: str, blocks: Iterable[bytes], sha256: str) -> bool:
        with self._temporary(name) as (path, torn):
            if path.exists():
                return False
            found = hashlib.sha256()
            with torn.open("xb") as target:
                for block in blocks:
                    found.update(block)
                    target.write(block)
                _durable(target)
            if found.hexdigest() != sha256:
                raise WrongBytes(f"{name} would not be the file its manifest names", "build the candidate again")
            return _appear(torn, path)

    def digest(self, name: str) -> tuple[str, int] | None:
        with _mapped(f"reading {name}"):
            path = self._root / name
            if not path.is_file():
                return None
            with path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest(), path.stat().st_size

    held = digest

    def replace(self, name: str, before: bytes | None, data: bytes) -> bool:
        with self._temporary(name) as (path, torn), path.with_name(f".{path.name}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.read(name) != before:
                return False
            with torn.open("xb") as target:
                target.write(data)
                _durable(target)
            torn.replace(path)
            _durable_folder(path.parent)
            return True

    @contextmanager
    def _temporary(self, name: str) -> Iterator[tuple[Path, Path]]:
        with _mapped(f"writing {name}"):
            path = self._root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            torn = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
            try:
                yield path, torn
            finally:
                torn.unlink(missing_ok=True)


def _appear(torn: Path, path: Path) -> bool:
    try:
        os.link(torn, path)
    except FileExistsError:
        return False
    _durable_folder(path.parent)
    return True


def _durable(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _durable_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Files under one root, in a directory or in any object store deltalake knows: written whole, read at any place."""

from __future__ import annotations

import os
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs
from deltalake._internal import DeltaFileSystemHandler
from deltalake.fs import DeltaStorageHandler


class Store(ABC):
    """Names are relative to the root, with ``/`` between parts. Raises ``OSError`` when the store fails."""

    files: pafs.FileSystem
    """The same files for pyarrow's readers."""

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """A file with these bytes. It may be torn by a crash: nothing may refer to it before this returns."""

    @abstractmethod
    def write_whole(self, name: str, data: bytes) -> None:
        """The same, but under this name the file is there with all its bytes, or as it was before."""

    def folders(self, name: str) -> list[str]:
        """Names of the folders in a folder; none when there is no such folder."""
        inside = self.files.get_file_info(pafs.FileSelector(name, allow_not_found=True))
        return sorted(info.base_name for info in inside if info.type == pafs.FileType.Directory)

    def read(self, name: str) -> bytes | None:
        """The file's bytes, or None when there is no such file."""
        try:
            with self.files.open_input_file(name) as source:
                return bytes(source.read())
        except FileNotFoundError:
            return None


class Directory(Store):
    """A local directory."""

    def __init__(self, root: str) -> None:
        self._root = Path(root).absolute()
        self.files = pafs.SubTreeFileSystem(str(self._root), pafs.LocalFileSystem())

    def write(self, name: str, data: bytes) -> None:
        (self._root / name).write_bytes(data)

    def write_whole(self, name: str, data: bytes) -> None:
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        with torn.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        torn.replace(path)


class ObjectStore(Store):
    """A prefix of an object store, as a URI. An object appears with its last byte, so every write is whole."""

    def __init__(self, root: str, options: Mapping[str, str]) -> None:
        self._writing = DeltaFileSystemHandler(root, dict(options))
        self.files = pafs.PyFileSystem(DeltaStorageHandler(root, dict(options)))

    def write(self, name: str, data: bytes) -> None:
        # Not through pyarrow: its streams hand on buffers, and deltalake 1.6.6 takes nothing but bytes.
        stream: Any = self._writing.open_output_stream(name)
        stream.write(data)
        stream.close()

    def write_whole(self, name: str, data: bytes) -> None:
        self.write(name, data)


def store(root: str, options: Mapping[str, str] | None = None) -> Store:
    """The store for a local path, or for a URI with deltalake's storage options."""
    return ObjectStore(root, options or {}) if "://" in root else Directory(root)

"""What publication, verification and the loader need of wherever releases are kept: a directory or an object store.

Names are relative to the releases' root, with ``/`` between parts. What was put new is never overwritten by anybody.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pyarrow.fs as pafs


class ReleaseStore(Protocol):
    """Every method raises ``Unavailable`` where the store cannot be reached, also after its own retries."""

    files: pafs.FileSystem
    """The same files, for pyarrow's readers."""

    def read(self, name: str) -> bytes | None:
        """The file's bytes, None where there is none."""

    def names(self, folder: str) -> list[str]:
        """Every file below a folder, relative to it, in order; none where there is no such folder."""

    def put_new(self, name: str, data: bytes) -> bool:
        """A file that was not there, durable and whole when this returns; False (and nothing done) where it was."""

    def put_file(self, name: str, source: Path, sha256: str) -> bool:
        """``put_new`` of a local file, in bounded memory. Raises ``Refused`` where its bytes have another digest."""

    def digest(self, name: str) -> tuple[str, int] | None:
        """(SHA-256 in 64 hexadecimal digits, bytes) of what is there now, read anew; None where there is nothing."""

    def replace(self, name: str, before: bytes | None, data: bytes) -> bool:
        """``before`` (None: nothing) becomes ``data``; False (and nothing done) where something else is there."""

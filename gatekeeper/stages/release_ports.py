"""What publication, verification and the loader need of wherever releases are kept: a directory or an object store.

Names are relative to the releases' root, with ``/`` between parts. What was put new is never overwritten by anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import pyarrow.fs as pafs


class MediaCopying(Protocol):
    """Takes media objects from where they are to where releases are."""

    def copy(self, source: str, name: str, sha256: str) -> bool:
        """The object at the URI ``source`` becomes the file ``name``, whole, with this digest, or not at all; False
        (and nothing done) where something was there. Raises ``WrongBytes`` (also where nothing is
        to be copied), ``ValueError`` for a place that cannot be read, ``Unavailable``.
        """


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
        """``put_new`` of a local file, in bounded memory. Raises ``WrongBytes`` where it has another digest."""

    def put_blocks(self, name: str, blocks: Iterable[bytes], sha256: str) -> bool:
        """``put_new`` of bytes as they come, in bounded memory. Raises ``WrongBytes`` where they have another digest:
        then nothing is there.
        """

    def digest(self, name: str) -> tuple[str, int] | None:
        """(SHA-256 in 64 hexadecimal digits, bytes) of what is there now, read anew; None where there is nothing."""

    def held(self, name: str) -> tuple[str, int] | None:
        """As ``digest``, but the store's own SHA-256 of the whole object, taken when it was put, will do."""

    def replace(self, name: str, before: bytes | None, data: bytes) -> bool:
        """``before`` (None: nothing) becomes ``data``; False (and nothing done) where something else is there."""

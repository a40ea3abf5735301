"""Bytes as they come → parts of one size, hashed on their way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from gatekeeper.errors import WrongBytes


def parts_of(blocks: Iterable[bytes], part_bytes: int) -> Iterator[bytes]:
    """The same bytes in parts of that size; the last one, which may be the only one and empty, has fewer."""
    held = bytearray()
    for block in blocks:
        held += block
        while len(held) > part_bytes:
            yield bytes(held[:part_bytes])
            del held[:part_bytes]
    yield bytes(held)


class Hashed(Iterator[bytes]):
    """Bytes on their way, and their SHA-256 when all have passed."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._found = parts, hashlib.sha256()

    def __next__(self) -> bytes:
        part = next(self._parts)
        self._found.update(part)
        return part

    def require(self, name: str, sha256: str) -> None:
        """Raises ``WrongBytes`` where another digest was promised."""
        if self._found.hexdigest() != sha256:
            raise WrongBytes(f"{name} would not be the file its manifest names", "build the candidate again")

"""Media objects wherever content events say they are: ``s3://bucket/key``, ``file://…``, or a path of this machine.

A path that is not absolute begins at the workspace. Only ordinary files count: a device or a pipe is nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from gatekeeper.errors import BadInput, Unavailable, WrongBytes

if TYPE_CHECKING:
    from gatekeeper.edges.media_s3 import S3Media

BLOCK_BYTES = 1_048_576
"""Read and hashed at once."""
S3, FILE = "s3://", "file://"


@dataclass(frozen=True)
class MediaObjects:
    """``options`` are boto3's (as in gatekeeper.yaml). Any number of threads may ask at once."""

    root: Path
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def digest(self, uri: str) -> tuple[str, int] | None:
        """(SHA-256, bytes) of what is there; the store's own where it is one of the whole object. None: nothing is
        there. Raises ``ValueError`` for a place that cannot be read here, ``Unavailable``.
        """
        if uri.startswith(S3):
            return self._s3.digest(*s3_place(uri))
        path = self._path(uri)
        try:
            if not path.is_file():
                return None
            with path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest(), path.stat().st_size
        except OSError as problem:
            raise _unread(uri, problem) from problem

    def blocks(self, uri: str) -> Iterator[bytes]:
        """The object's bytes, a block at a time. Raises ``WrongBytes`` where nothing is there, and as
        ``digest``.
        """
        if uri.startswith(S3):
            yield from self._s3.blocks(*s3_place(uri))
            return
        path = self._path(uri)
        if not path.is_file():
            raise WrongBytes(f"nothing is at {uri}", "build again")
        try:
            with path.open("rb") as stream:
                while block := stream.read(BLOCK_BYTES):
                    yield block
        except OSError as problem:
            raise _unread(uri, problem) from problem

    def _path(self, uri: str) -> Path:
        if uri.startswith(FILE):
            parts = urlsplit(uri)
            if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
                raise ValueError("a file of another machine")
            return Path(unquote(parts.path))
        if "://" in uri or "\0" in uri:
            raise ValueError("a place that is neither s3:// nor a file")
        return self.root / uri

    @cached_property
    def _s3(self) -> S3Media:
        try:
            from gatekeeper.edges.media_s3 import S3Media  # noqa: PLC0415 (boto3 is an extra)
        except ImportError as missing:
            raise BadInput("media in s3:// need boto3", "pip install 'gatekeeper[s3]'") from missing
        return S3Media(self.options)


def s3_place(uri: str) -> tuple[str, str]:
    """``s3://bucket/key`` → (bucket, key). Raises ``ValueError`` where one is missing."""
    bucket, _, key = uri.removeprefix(S3).partition("/")
    if not bucket or not key:
        raise ValueError("an s3:// place is a bucket and a key")
    return bucket, key


def _unread(uri: str, problem: OSError) -> Unavailable:
    return Unavailable(f"reading {uri}: {problem}", "mend what the operating system says, then run it again")

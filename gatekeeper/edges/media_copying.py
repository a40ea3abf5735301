"""Media objects into a release: inside one object store where both are in it, else through here, block by block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gatekeeper.edges.media_objects import MediaObjects

if TYPE_CHECKING:
    from gatekeeper.edges.media_copying_s3 import CopyingInS3
    from gatekeeper.edges.release_directory import DirectoryReleases
    from gatekeeper.edges.release_s3 import S3Releases

ENDPOINT = "endpoint_url"


class PutsBlocks(Protocol):
    """As much of a place for releases as this needs."""

    def put_blocks(self, name: str, blocks: Iterable[bytes], sha256: str) -> bool: ...


@dataclass(frozen=True)
class CopyingThrough:
    """Any number of threads may ask at once; each holds a block, or a part of a multipart upload."""

    objects: MediaObjects
    store: PutsBlocks

    def copy(self, source: str, name: str, sha256: str) -> bool:
        """As ``MediaCopying.copy``."""
        return self.store.put_blocks(name, self.objects.blocks(source), sha256)


def copying(
    objects: MediaObjects, store: DirectoryReleases | S3Releases, options: Mapping[str, str]
) -> CopyingThrough | CopyingInS3:
    """How media come to this store; ``options`` are those of the store's client."""
    from gatekeeper.edges.release_directory import DirectoryReleases  # noqa: PLC0415 (the other one needs boto3)

    if isinstance(store, DirectoryReleases) or objects.options.get(ENDPOINT) != options.get(ENDPOINT):
        return CopyingThrough(objects, store)
    from gatekeeper.edges.media_copying_s3 import CopyingInS3  # noqa: PLC0415

    return CopyingInS3(objects, store)

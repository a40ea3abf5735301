"""Where releases are kept: one port (``stages/release_ports.py``), two drivers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from gatekeeper.edges.release_directory import DirectoryReleases
from gatekeeper.errors import BadInput

if TYPE_CHECKING:
    from gatekeeper.edges.release_s3 import S3Releases

S3 = "s3://"
Store: TypeAlias = "DirectoryReleases | S3Releases"


def release_store(
    uri: str, options: Mapping[str, str], base: Path, now_us: Callable[[], int]
) -> DirectoryReleases | S3Releases:
    """The driver for a folder (relative to ``base``) or for ``s3://bucket/prefix``. Raises ``BadInput``."""
    if "://" not in uri:
        return DirectoryReleases(base / uri)
    if not uri.startswith(S3):
        raise BadInput(f"releases cannot be kept at {uri}", "name a folder, or s3://bucket/prefix")
    try:
        from gatekeeper.edges.release_s3 import S3Releases  # noqa: PLC0415 (boto3 is an extra)
    except ImportError as missing:
        raise BadInput(f"releases at {uri} need boto3", "pip install 'gatekeeper[s3]'") from missing
    return S3Releases(uri, options, now_us)

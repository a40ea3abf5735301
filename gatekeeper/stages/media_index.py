"""The index of a candidate's or release's media objects, read as its manifest promises it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from gatekeeper.core.manifest import Manifest
from gatekeeper.core.media import MediaLine, read_line


def media_lines(manifest: Manifest, lines: Iterator[bytes]) -> Iterator[MediaLine]:
    """Lines of the index → what they say, one by one. Raises ``ValueError`` for a line that is none, and at the end
    where the file as a whole was not the one that the manifest names.
    """
    assert manifest.media is not None, "asked only of manifests with media"
    found = hashlib.sha256()
    for line in lines:
        found.update(line)
        yield read_line(line)
    listed = {entry.path: entry.sha256 for entry in manifest.files}
    if listed.get(manifest.media.index) != found.hexdigest():
        raise ValueError(f"{manifest.media.index} is not the file its manifest names")

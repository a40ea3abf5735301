"""Sorted hashes of a data file's contents, kept on this machine beside the rights snapshots: a cache, never the truth.

A data file never changes and its name is never used again, so what was once worked out for it holds as long as it is
there. A file of hashes that is missing or damaged is made again.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from gatekeeper.core.asset_hash import Hashes
from gatekeeper.edges.delta_store import Directory

SUFFIX = ".npy"

log = logging.getLogger(__name__)


class KeptHashes:
    """``root`` is a folder of this machine, for one table and one way of hashing."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def of(self, path: str, made: Callable[[], Hashes]) -> Hashes:
        """The hashes of a data file, mapped into memory; ``made`` works them out where nobody has yet."""
        kept = self.known(path)
        if kept is not None:
            return kept
        hashes = made()
        self._keep(self._place(path), hashes)
        return hashes

    def known(self, path: str) -> Hashes | None:
        """The same, None where nobody has worked them out: for who writes nothing."""
        try:
            kept: Hashes = np.load(self._place(path), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as problem:
            log.debug("no hashes of %s yet: %s", path, problem)
            return None
        return kept if kept.dtype == np.uint64 and kept.ndim == 1 else None

    def only(self, paths: Collection[str]) -> None:
        """Forget every other data file: the table no longer has it."""
        known = {self._place(path).name for path in paths}
        for place in self._root.glob(f"*{SUFFIX}") if self._root.is_dir() else ():
            if place.name not in known:
                place.unlink(missing_ok=True)

    def _place(self, path: str) -> Path:
        return self._root / f"{path.replace('/', '_')}{SUFFIX}"

    def _keep(self, place: Path, hashes: Hashes) -> None:
        """Whole or not at all. A full disk costs the cache, not the sweep."""
        buffer = io.BytesIO()
        np.save(buffer, hashes, allow_pickle=False)
        try:
            Directory(str(self._root)).write_whole(place.name, buffer.getvalue())
        except OSError as problem:
            log.warning("the hashes of %s were not kept: %s", place.name, problem)

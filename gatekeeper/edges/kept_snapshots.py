"""Rights snapshots that a worker finds again when it starts: a cache in the workspace, never the truth.

A snapshot that is missing, damaged or made under other rules is passed over; the rights log gives the same state,
later.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

from gatekeeper.core.policy import Policy, digest_of
from gatekeeper.core.register import Register, register_of
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.snapshot.storage import ForeignSnapshot
from gatekeeper.core.use import Use
from gatekeeper.edges.snapshots import open_snapshot, save_snapshot

KEPT_MAX = 2
"""Older snapshots are removed; the last but one stays, in case the last was cut short."""

log = logging.getLogger(__name__)


class KeptSnapshots:
    """``root`` is a folder of this machine; ``rights_log`` the identity of the log whose positions these are."""

    def __init__(self, root: Path, rights_log: Mapping[str, object]) -> None:
        self._root = root / digest_of(dict(rights_log)).removeprefix("sha256:")[:16]

    def newest(self, policy: Policy, uses: Mapping[str, Use], end: int) -> tuple[Register, Snapshot] | None:
        """The newest snapshot at or below the log's end that was made under these rules, mapped; None where there is
        none.
        """
        for folder in sorted(self._folders(), reverse=True):
            if int(folder.name) <= end:
                try:
                    register = register_of(json.loads(folder.with_suffix(".json").read_bytes()))
                    return register, open_snapshot(folder, policy, uses)
                except (ForeignSnapshot, OSError, ValueError, KeyError, TypeError) as problem:
                    log.info("passing over the rights snapshot %s: %s", folder.name, problem)
        return None

    def keep(self, register: Register, snapshot: Snapshot) -> None:
        """Save a snapshot and its register, and remove old ones. A full disk costs the cache, not the worker."""
        folder = self._root / f"{register.position:020d}"
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            folder.with_suffix(".json").write_text(json.dumps(register.to_document()))
            save_snapshot(snapshot, folder)
            for old in sorted(self._folders())[:-KEPT_MAX]:
                shutil.rmtree(old, ignore_errors=True)
                old.with_suffix(".json").unlink(missing_ok=True)
        except OSError as problem:
            log.warning("the rights snapshot was not saved: %s", problem)

    def _folders(self) -> list[Path]:
        if not self._root.is_dir():
            return []
        return [path for path in self._root.iterdir() if path.is_dir() and path.name.isdigit()]

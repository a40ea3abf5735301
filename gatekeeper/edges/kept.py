"""Every policy and declaration that was ever active, by digest: what ``explain`` and ``replay`` need years later.

A file is written once, whole, under the digest of what it holds, and read only if it still has that digest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatekeeper.core.layout import Kept, build_in_lake
from gatekeeper.core.policy import canonical_json, digest_of
from gatekeeper.edges.delta_errors import mapped
from gatekeeper.edges.delta_store import store
from gatekeeper.errors import Bug, Unavailable

POLICY, DATASET = "policy", "dataset"


class KeptDocuments:
    """Documents under ``kept/`` of the lake at ``root`` (a directory, or a URI with deltalake's storage options)."""

    def __init__(self, root: str | Path, storage_options: Mapping[str, str] | None = None) -> None:
        self._files = store(str(root), storage_options)

    def put(self, kind: str, document: Mapping[str, Any]) -> str:
        """Keep a parsed policy or declaration; its digest. Again is no harm. Raises ``Unavailable``."""
        digest = digest_of(document)
        if self._bytes(kind, digest) is None:
            with mapped(f"keeping the {kind} {digest}"):
                self._files.write_whole(build_in_lake(Kept(kind, digest)), canonical_json(document))
        return digest

    def get(self, kind: str, digest: str) -> Mapping[str, Any] | None:
        """The document of a digest, None when it was never kept. Raises ``Unavailable`` when its file was changed."""
        data = self._bytes(kind, digest)
        if data is None:
            return None
        try:
            document = json.loads(data)
        except ValueError:
            document = None
        if not isinstance(document, dict) or digest_of(document) != digest:
            raise Unavailable(f"the kept {kind} {digest} is not what it was", "restore it from a backup of the lake")
        return document

    def _bytes(self, kind: str, digest: str) -> bytes | None:
        try:
            name = build_in_lake(Kept(kind, digest))
        except ValueError as problem:
            raise Bug(str(problem)) from problem
        with mapped(f"reading the {kind} {digest}"):
            return self._files.read(name)

"""Every policy and declaration that was ever active, and every erasure, by digest: what ``explain``, ``replay`` and
``verify`` need years later.

A file is written once, whole, under the digest of what it holds, and read only if it still has that digest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs

from gatekeeper.core.layout import Kept, LakePlace, build_in_lake, parse_in_lake
from gatekeeper.core.policy import canonical_json, digest_of
from gatekeeper.edges.delta_errors import mapped
from gatekeeper.edges.delta_store import store
from gatekeeper.errors import Bug, Unavailable

POLICY, DATASET, ERASURE = "policy", "dataset", "erasure"


_ANY = "sha256:" + "0" * 64


def _place(name: str) -> LakePlace | None:
    try:
        return parse_in_lake(name)
    except ValueError:
        return None  # a file that was being written when its process ended


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

    def every(self, kind: str) -> list[Mapping[str, Any]]:
        """Every document of a kind, by digest. Raises ``Unavailable``, also for one whose file was changed."""
        folder = build_in_lake(Kept(kind, _ANY)).rpartition("/")[0]
        with mapped(f"listing what is kept of {kind}"):
            found = self._files.files.get_file_info(pafs.FileSelector(folder, allow_not_found=True))
        digests = [place.digest for info in found if isinstance(place := _place(f"{folder}/{info.base_name}"), Kept)]
        return [document for digest in sorted(digests) if (document := self.get(kind, digest)) is not None]

    def _bytes(self, kind: str, digest: str) -> bytes | None:
        try:
            name = build_in_lake(Kept(kind, digest))
        except ValueError as problem:
            raise Bug(str(problem)) from problem
        with mapped(f"reading the {kind} {digest}"):
            return self._files.read(name)

"""Subject → assets (design §3): an asset answers to a subject that any of its events named.

Rules of this file: what a file can say of itself, the file is asked (a filter handed to its reader); only what lies in
lists (parties, catalogues) is looked through, a few files at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.subjects import normal_isrc, normal_sha256
from gatekeeper.stages.row_decisions import CatalogTable
from gatekeeper.stages.sweep.latest import assets_of

Where = Callable[[Sequence[str]], Sequence[str]]
"""Subjects → files of the catalogue that may hold an asset with one of them."""
ISRC, SHA256 = "ISRC", "content hash"
_EVERY_OFFSET = int(np.iinfo(np.int64).max)


def assets_answering(catalog: CatalogTable, partitions: int, subject: str, where: Where) -> list[str]:
    """A subject in its comparable spelling → asset ids in order; of ``asset:ID`` the id, known or not."""
    kind, _, key = subject.partition(":")
    match kind:
        case "asset":
            return [key]
        case "isrc" | "sha256":
            found = catalog.read(where([subject]), ["asset_id"], _spelled(kind) == key)["asset_id"]
        case "account":
            found = catalog.read(where([subject]), ["asset_id"], pc.field("account_id") == key)["asset_id"]
        case _:
            everything = dict.fromkeys(range(partitions), _EVERY_OFFSET)
            found = assets_of(catalog, everything, [subject], where([subject]))
    return sorted(pc.unique(found).to_pylist())


def shared_identities(catalog: CatalogTable, events: pa.Table, where: Where) -> list[tuple[str, str, str]]:
    """One asset's events → (what is shared, its value, other asset) for every asset with the same ISRC or hash."""
    mine = set(events["asset_id"].to_pylist())
    known = [found or {} for found in events["identifiers"].to_pylist()]
    isrcs = sorted({normal_isrc(one["isrc"]) for one in known if one.get("isrc")})
    hashes = sorted({normal_sha256(one["content_sha256"]) for one in known if one.get("content_sha256")})
    found = [*_sharing(catalog, "isrc", ISRC, isrcs, where), *_sharing(catalog, "sha256", SHA256, hashes, where)]
    return sorted({(what, value, asset) for what, value, asset in found if asset not in mine})


def _sharing(
    catalog: CatalogTable, kind: str, what: str, values: Sequence[str], where: Where
) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for value in values:
        rows = catalog.read(where([f"{kind}:{value}"]), ["asset_id"], _spelled(kind) == value)
        found += [(what, value, asset) for asset in rows["asset_id"].to_pylist()]
    return found


def _spelled(kind: str) -> pc.Expression:
    """An identifier in its comparable spelling, as an expression over the catalogue's columns."""
    if kind == "isrc":
        return pc.utf8_upper(pc.replace_substring(pc.field("identifiers", "isrc"), "-", ""))
    return pc.utf8_lower(pc.field("identifiers", "content_sha256"))

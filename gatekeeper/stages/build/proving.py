"""Permitted rows → those whose media object is there and hashes to what its event says (declaration ``media: copy``).

Rules of this file: the permit is for the recording with that ``content_sha256``; bytes that are not proven to be it are
held back, whether there is no hash, no object, or another one. Nothing is copied here: a candidate holds no media.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core import media
from gatekeeper.stages.build.values import REFUSED_SCHEMA, MediaObjects
from gatekeeper.stages.side_by_side import side_by_side

if TYPE_CHECKING:
    from gatekeeper.stages.build.judging import Judged

MEDIA_AT_ONCE = 16
"""Objects hashed side by side: an object store answers many at once; hashing itself needs little memory."""


@dataclass(frozen=True)
class Proof:
    """``reason`` is why the object is not proven, None where it is; then it has so many ``bytes``."""

    reason: str | None
    bytes: int = 0


def sources_of(events: pa.Table) -> pa.Table:
    """Events → where their media objects are, what they must hash to, and their names in a release."""
    return pa.table(
        {
            "asset_id": events["asset_id"],
            "source": events[media.URI],
            "sha256": media.hashes(events),
            "path": media.paths(events),
        }
    )


def proven(sources: pa.Table, objects: MediaObjects, told: Callable[[int], None]) -> list[Proof]:
    """One for each of the sources. Raises ``Unavailable`` where a place does not answer: nothing is known then."""
    found = []
    for proof in side_by_side(lambda source: _proof(source, objects), sources.to_pylist(), MEDIA_AT_ONCE):
        found.append(proof)
        told(len(found))
    return found


def _proof(source: Mapping[str, Any], objects: MediaObjects) -> Proof:
    if not source["source"]:
        return Proof(media.NO_URI)
    if source["sha256"] is None:
        return Proof(media.NO_HASH)
    try:
        there = objects.digest(source["source"])
    except ValueError:
        return Proof(media.UNKNOWN_PLACE)
    if there is None:
        return Proof(media.MISSING)
    return Proof(None, there[1]) if there[0] == source["sha256"] else Proof(media.MISMATCH)


def index_lines(sources: pa.Table, proofs: Sequence[Proof]) -> bytes:
    """The index of what is proven."""
    pairs = zip(sources.to_pylist(), proofs, strict=True)
    lines = (media.MediaLine(**source, bytes=proof.bytes) for source, proof in pairs if proof.reason is None)
    return b"".join(map(media.line_bytes, lines))


def without_unproven(judged: Judged, proofs: Sequence[Proof]) -> Judged:
    """What is not proven goes to the refused rows: held, for we cannot know what those bytes are."""
    reasons = pa.array([proof.reason for proof in proofs], pa.string())
    if reasons.null_count == len(reasons):
        return judged
    out = judged.rows.filter(pc.is_valid(reasons))
    why = {"verdict": pa.repeat("hold", out.num_rows), "reason": reasons.drop_null(), "evidence": out["evidence"]}
    why["holder"] = pa.nulls(out.num_rows, pa.string())
    held = pa.table({name: why[name] if name in why else out[name] for name in REFUSED_SCHEMA.names})
    refused = pa.concat_tables([judged.refused, held.cast(REFUSED_SCHEMA)])
    order = [(name, "ascending") for name in ("asset_id", "partition", "offset")]
    return replace(judged, rows=judged.rows.filter(pc.is_null(reasons)), refused=refused.sort_by(order))

"""``gatekeeper verify``: a release held against its own manifest, and its decisions made again (P4, design §6).

1. Every file by its SHA-256, and no file beside them that a reader would take for rows. 2. Rows, their order, columns
and counts. 3. Check and approval are of this candidate; no recall is missing, changed or unsigned. 4. For a sample of
the rows, or all of them: the catalogue's event decided by the *reference* implementation, at the recorded position and
instant of the build (same permit, same evidence) and at those of publication (a permit).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.asset import asset_of
from gatekeeper.core.candidate_rows import NONE, in_order, own_events, payload_differences, with_stream_columns
from gatekeeper.core.decision import Decision, decide
from gatekeeper.core.erasure import ERASED
from gatekeeper.core.manifest import DATA, REFUSED, Manifest, manifest_digest
from gatekeeper.core.media import AUDIO, copied, copies
from gatekeeper.core.policy import Policy, digest_of
from gatekeeper.core.quality import passed_for
from gatekeeper.core.release_names import FEED, RECALLS, RESULTS
from gatekeeper.core.rights import RightsState, state_of
from gatekeeper.core.times import parse_instant
from gatekeeper.core.use import read_declaration
from gatekeeper.errors import BadInput
from gatekeeper.stages.gate.barrier import RightsRead
from gatekeeper.stages.latest import folder_of
from gatekeeper.stages.recall.feed import lost
from gatekeeper.stages.recall.uses import unreadable
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.release_reading import Unsealed, recalls_of, rows_of
from gatekeeper.stages.verify_media import media_problems

SAMPLE_ROWS = 1_000
"""Rows decided again unless all are asked for."""
PROBLEMS_MAX = 100
"""Differences told of one release; there may be more."""
_MAP_FIELD = re.compile(r" \('[^']*'\)")


class Past(Protocol):
    """What stood when a release was made."""

    def policy(self, digest: str) -> Policy | None: ...
    def rights(self, policy: Policy, position: int) -> Sequence[RightsRead]: ...
    def events(self, asset_ids: pa.Array) -> pa.Table:
        """Every catalogue event of these assets."""

    def erased(self, events: pa.Table) -> npt.NDArray[np.bool_]:
        """Which of these events have lost a person's fields since."""


@dataclass(frozen=True)
class Verified:
    """What was looked at, and what differs (nothing: the release is as it was published)."""

    release: str
    files: int
    rows: int
    decided: int
    problems: tuple[str, ...]


Pick = Callable[[int, int], Sequence[int]]
"""(n, k) → k of the numbers below n, in order; without telling anybody which beforehand."""


def verify(
    store: ReleaseStore, manifest: Manifest, past: Past, pick: Pick | None, unsealed: Unsealed | None = None
) -> Verified:
    """``pick`` None decides every row again; ``unsealed`` opens signed recalls, where they are to be signed. A store
    that fails raises ``Unavailable``.
    """
    problems = [*_files(store, manifest), *media_problems(store, manifest), *_papers(store, manifest)]
    problems += _recalls(store, manifest, unsealed)
    rows = 0
    decided = 0
    try:
        rows, found = _counted(store, manifest)
        problems += found
        chosen = None if pick is None else np.asarray(pick(rows, min(rows, SAMPLE_ROWS)), np.int64)
        again = Again(manifest, past)
        for piece in _chosen(rows_of(store, manifest), chosen):
            decided += piece.num_rows
            problems += again.differences(piece)
    except (OSError, pa.ArrowException) as problem:
        problems.append(f"the parts cannot be read: {problem}")
    except (ValueError, KeyError, BadInput) as problem:
        problems.append(f"not everything can be decided again: {problem}")
    return Verified(manifest.name, len(manifest.files), rows, decided, tuple(dict.fromkeys(problems))[:PROBLEMS_MAX])


def _files(store: ReleaseStore, manifest: Manifest) -> Iterator[str]:
    folder = folder_of(manifest.dataset, manifest.version)
    for entry in manifest.files:
        found = store.digest(f"{folder}/{entry.path}")
        if found is None:
            yield f"{entry.path} is missing"
        elif found != (entry.sha256, entry.bytes):
            yield f"{entry.path} has SHA-256 {found[0]} and {found[1]} bytes, not {entry.sha256} and {entry.bytes}"
    known = {entry.path for entry in manifest.files}
    extra = [f"{DATA}/{name}" for name in store.names(f"{folder}/{DATA}")]
    yield from (f"{name} is not in the manifest" for name in extra if name not in known)


def _papers(store: ReleaseStore, manifest: Manifest) -> Iterator[str]:
    published = manifest.release
    if published is None:
        yield "the manifest is a candidate's: nobody published it"
        return
    digest = manifest_digest(manifest.candidate)
    if published.candidate != digest:
        yield f"the manifest is not that of the candidate {published.candidate} with the publication added"
    results = store.read(f"{folder_of(manifest.dataset, manifest.version)}/{RESULTS}")
    if results is None or "sha256:" + hashlib.sha256(results).hexdigest() != published.quality:
        yield f"{RESULTS} is not the one that was published"
    elif not passed_for(results, digest):
        yield f"{RESULTS} is no passed check of this candidate"
    approval = published.approval
    if approval is None and manifest.declaration.get("approval") != "none":
        yield "an approval was required, and none is in the manifest"
    elif approval is not None and (approval.approved is not True or approval.manifest != digest):
        yield "the approval in the manifest is no yes to this candidate"
    if digest_of(manifest.declaration) != manifest.declaration_digest:
        yield "the declaration in the manifest has not the digest the manifest gives it"


def _recalls(store: ReleaseStore, manifest: Manifest, unsealed: Unsealed | None) -> Iterator[str]:
    recalls = recalls_of(store, manifest, unsealed)
    yield from (f"{RECALLS}/{recall.name}: {recall.reason}" for recall in recalls if recall.asset_ids is None)
    for name in lost(store.read(FEED), manifest.name, recalls):
        yield f"{RECALLS}/{name} is not as {FEED} names it, or cannot be read"
    yield from (f"{name} cannot be read: recalls may not name a model" for name in unreadable(store, manifest))


def _counted(store: ReleaseStore, manifest: Manifest) -> tuple[int, list[str]]:
    rows, last, problems = 0, "", []
    reasons: Counter[str] = Counter()
    for piece in rows_of(store, manifest):
        schema = {field.name: _type(str(field.type)) for field in piece.schema}
        if schema != (promised := {name: _type(kind) for name, kind in manifest.schema.items()}):
            problems.append(f"columns are {schema}, not {promised}")
        ids = pa.concat_arrays([pa.array([last]), *piece["asset_id"].chunks])
        if rows == 0:
            ids = ids[1:]
        if len(ids) > 1 and not pc.all(pc.less(ids[:-1], ids[1:])).as_py():
            problems.append("rows are not in the order of asset ids, each once")
        rows, last = rows + piece.num_rows, piece["asset_id"][-1].as_py()
        for entry in pc.value_counts(piece["reason"]):
            reasons[entry["values"].as_py()] += entry["counts"].as_py()
    if rows != manifest.rows:
        problems.append(f"there are {rows} rows, not {manifest.rows}")
    if reasons != Counter(manifest.counts.permitted):
        problems.append(f"rows by reason are {dict(reasons)}, not {dict(manifest.counts.permitted)}")
    refused = store.read(f"{folder_of(manifest.dataset, manifest.version)}/{REFUSED}")
    lines: list[dict[str, Any]] = [json.loads(line) for line in (refused or b"").splitlines()]
    if (told := Counter(line["reason"] for line in lines)) != Counter(manifest.counts.refused):
        problems.append(f"refused by reason are {dict(told)}, not {dict(manifest.counts.refused)}")
    return rows, problems


def _type(text: str) -> str:
    """Parquet calls a list's values ``element``, Arrow ``item``; what comes from Parquet names a map's field, too."""
    return _MAP_FIELD.sub("", text.replace("list<element: ", "list<item: "))


def _chosen(pieces: Iterator[pa.Table], chosen: np.ndarray | None) -> Iterator[pa.Table]:
    start = 0
    for piece in pieces:
        if chosen is None:
            yield piece
        else:
            here = chosen[(chosen >= start) & (chosen < start + piece.num_rows)] - start
            if len(here):
                yield piece.take(pa.array(here))
        start += piece.num_rows


class Again:
    """Decisions of a release made again by the reference. Raises ``ValueError`` where what they rested on is gone."""

    def __init__(self, manifest: Manifest, past: Past) -> None:
        published, basis = manifest.release, manifest.basis
        policy = past.policy(basis.policy)
        if policy is None or published is None or published.policy != basis.policy:
            raise ValueError(f"the lake keeps no policy {basis.policy}, or the release names two")
        self._manifest, self._past, self._policy = manifest, past, policy
        self._use = read_declaration(manifest.declaration, policy.purposes).use
        events = past.rights(policy, max(basis.rights_position, published.rights_position))
        self._built = (self._state(events, basis.rights_position), parse_instant(basis.instant))
        self._published = (self._state(events, published.rights_position), parse_instant(published.instant))

    @staticmethod
    def _state(events: Sequence[RightsRead], position: int) -> RightsState:
        return state_of([event for event in events if event.position < position], position)

    def differences(self, rows: pa.Table) -> Iterator[str]:
        """What of these rows is not as the catalogue and the logs have it."""
        history = with_stream_columns(in_order(self._past.events(pc.unique(rows["asset_id"]))))
        own = own_events(rows, history)
        released = copied(history) if copies(self._manifest.declaration) else history
        columns = [name for name in rows.column_names if name in released.column_names]
        unlike = payload_differences(rows, released, own, columns)
        if any(unlike) and (gone := self._past.erased(history)).any():
            kept = [name for name in columns if name not in (*ERASED, AUDIO)]
            remaining = payload_differences(rows, released, own, kept)
            unlike = [remaining[i] if own[i] != NONE and gone[own[i]] else told for i, told in enumerate(unlike)]
        events = history.take(pa.array(np.maximum(own, 0))).to_pylist() if history.num_rows else []
        for i, row in enumerate(rows.select(["asset_id", "reason", "evidence"]).to_pylist()):
            if own[i] == NONE:
                yield f"{row['asset_id']}: the catalogue holds no such event"
            elif unlike[i]:
                yield f"{row['asset_id']}: {unlike[i]}"
            else:
                yield from self._decided_otherwise(row, events[i])

    def _decided_otherwise(self, row: dict[str, Any], event: dict[str, Any]) -> Iterator[str]:
        # whether the asset was in two partitions THEN is not known now; the gate and the build held it if it was
        asset = asset_of(event | {"conflicting": False})
        (built, at_us), (published, then_us) = self._built, self._published
        first = decide(asset, self._use, built, self._policy, at_us)
        if (str(first.verdict), first.reason, first.evidence) != ("permit", row["reason"], row["evidence"]):
            yield f"{row['asset_id']}: at the build {_told(first)}, the row says {row['reason']} ({row['evidence']})"
        second = decide(asset, self._use, published, self._policy, then_us)
        if str(second.verdict) != "permit":
            yield f"{row['asset_id']}: at publication {_told(second)}"


def _told(decision: Decision) -> str:
    return f"{decision.verdict}: {decision.reason} ({decision.evidence})"

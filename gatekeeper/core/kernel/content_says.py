"""What the content event says itself: removal, conflict, tags, reservations and its licence (design §3, §4).

Rules of this file: a statement borne by the content has no rights position; it comes before any of the rights log's
with the same reason. A signal only restricts. A licence speaks for every interest, everywhere and to every model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.kernel.content import Named, list_counts, named
from gatekeeper.core.kernel.findings import Tally
from gatekeeper.core.licences import licence_names
from gatekeeper.core.purposes import Purposes
from gatekeeper.core.signals import Heard, hear
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.snapshot.keys import Rows
from gatekeeper.core.snapshot.reasons import BY_RIGHTS, CODES, NOTHING, Ints
from gatekeeper.core.snapshot.rows import KIND_OF
from gatekeeper.core.snapshot.scopes import EVERYTHING, Scope, reaches
from gatekeeper.core.use import Use

ASSET = KIND_OF["asset"]


def content_says(batch: pa.RecordBatch, snapshot: Snapshot, tally: Tally) -> None:
    """Adds what the events say about their own assets."""
    removed = batch.column("removed_by").is_valid().to_numpy(zero_copy_only=False)
    deletion = Scope(tuple(snapshot.policy.claims["deletion"]), is_yes=False)
    _say(snapshot, tally, np.flatnonzero(removed), CODES["claim", "claim.deletion"], deletion)
    conflicting = pc.fill_null(batch.column("conflicting"), False).to_numpy(zero_copy_only=False)
    _say(snapshot, tally, np.flatnonzero(conflicting), CODES["claim", "evidence.conflicting"], EVERYTHING)
    _tags(batch.column("tags"), snapshot, tally)
    _reservations(batch.column("reservations"), snapshot, tally)


def _tags(column: pa.Array, snapshot: Snapshot, tally: Tally) -> None:
    tags = named(pc.list_flatten(column))
    assets = np.repeat(np.arange(len(column)), list_counts(column))
    signals: list[tuple[str, str | None, str]] = [("tag", None, text) for text in tags.names.to_pylist()]
    _signals(signals, tags.which, assets, snapshot, tally)


def _reservations(column: pa.Array, snapshot: Snapshot, tally: Tally) -> None:
    flat = pc.list_flatten(column)
    if len(flat) == 0:
        return
    combined = np.zeros(len(flat), np.int64)
    for part in flat.flatten():
        encoded = named(part)
        nulls = part.is_null().to_numpy(zero_copy_only=False)
        combined = combined * (2 * len(encoded.names) + 1) + 2 * encoded.which + nulls
        _, combined = np.unique(combined, return_inverse=True)
    _, example, which = np.unique(combined, return_index=True, return_inverse=True)
    written = flat.take(pa.array(example)).to_pylist()
    signals = [(w["vocabulary"], w.get("vocabulary_version"), w["statement"]) for w in written]
    assets = np.repeat(np.arange(len(column)), list_counts(column))
    _signals(signals, which, assets, snapshot, tally)


def _signals(
    signals: list[tuple[str, str | None, str]], which: Rows, assets: Rows, snapshot: Snapshot, tally: Tally
) -> None:
    """Each distinct signal is read once; ``which`` says where it stands."""
    policy = snapshot.policy
    saying: dict[Heard, list[int]] = defaultdict(list)
    for number, signal in enumerate(signals):
        for heard in hear(policy.signals, policy.reservations, *signal):
            saying[heard].append(number)
    for heard, numbers in saying.items():
        scope = Scope(heard.purposes, is_yes=False)
        spoken = np.zeros(len(signals), np.bool_)
        spoken[numbers] = True
        _say(snapshot, tally, assets[spoken[which]], CODES["wishes", heard.reason], scope)


def _say(snapshot: Snapshot, tally: Tally, assets: Rows, code: int, scope: Scope) -> None:
    if len(assets):
        uses = [u for u, use in enumerate(snapshot.distinct_uses) if reaches(scope, use, snapshot.policy.purposes)]
        tally.add(assets, int(snapshot.ranks[ASSET][code]) & ~BY_RIGHTS, uses)


def licences_say(licences: Named, snapshot: Snapshot) -> Ints:
    """What each distinct licence says to each use; its place among ``licences.names`` stands where others have a
    position.
    """
    policy, uses = snapshot.policy, snapshot.distinct_uses
    ranks = snapshot.ranks[ASSET]
    findings = np.full((len(uses), len(licences.names)), NOTHING, np.int64)
    by_name = {name: row for row in policy.licences for name in row.names}
    for place, spelling in enumerate(licences.names.to_pylist()):
        for row in {id(r): r for n in licence_names(spelling, policy.spellings) if (r := by_name.get(n))}.values():
            sides = (
                ("licence.prohibit", Scope(row.prohibits, is_yes=False)),
                ("licence.permit", Scope(row.permits, is_yes=True)),
            )
            for u, reason in _reached(sides, uses, policy.purposes):
                findings[u, place] = min(findings[u, place], ranks[CODES["licence", reason]] | place)
    return findings


def _reached(sides: Iterable[tuple[str, Scope]], uses: Sequence[Use], purposes: Purposes) -> Iterator[tuple[int, str]]:
    """Which side of a licence reaches which use."""
    return ((u, reason) for u, use in enumerate(uses) for reason, scope in sides if reaches(scope, use, purposes))

"""A snapshot as a header and arrays, and back. Reading and writing files is an edge's work.

Rules of this file: a header names everything the arrays depend on (format, hash, policy, readers of evidence, uses);
whatever differs is refused by name, never guessed around, because a snapshot can always be compiled again from the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from gatekeeper.core.policy import Policy
from gatekeeper.core.snapshot.indexes import side_table
from gatekeeper.core.snapshot.keys import STABLE_HASH, KeyHash
from gatekeeper.core.snapshot.level import Level
from gatekeeper.core.snapshot.scopes import Scope
from gatekeeper.core.snapshot.seen import SeenIds
from gatekeeper.core.snapshot.snapshot import Limits, Snapshot
from gatekeeper.core.snapshot.terms import Terms, TermsVersion
from gatekeeper.core.use import Use
from gatekeeper.errors import Unavailable
from gatekeeper.evidence.reading import READERS

FORMAT = "gatekeeper-rights-snapshot/2"

Array = npt.NDArray[Any]


class ForeignSnapshot(Unavailable):
    """The file was made by another version, under another policy or for other uses."""


def parts_of(snapshot: Snapshot) -> tuple[dict[str, Any], dict[str, Array]]:
    """The header (JSON types only) and the arrays by name. Seals the snapshot first."""
    snapshot.seal()
    arrays: dict[str, Array] = {"seen/high": snapshot.seen.high, "seen/low": snapshot.seen.low}
    for number, level in enumerate(snapshot.levels):
        arrays |= {f"{number}/{name}": array for name, array in level.arrays().items()}
    terms = snapshot.intake.terms
    header = {
        "format": FORMAT,
        "hash": snapshot.hashing.name,
        "seed": snapshot.seed,
        "policy": snapshot.policy.digest,
        "readers": READERS,
        "uses": snapshot.uses_digest,
        "position": snapshot.position,
        "instant_us": snapshot.instant_us,
        "levels": len(snapshot.levels),
        "next_speaker": snapshot.intake.next_speaker,
        "scopes": [_scope_text(scope) for scope in snapshot.intake.scopes],
        "terms": [[v.number, v.effective_us, v.acceptance, dict(v.grants), v.position] for v in terms.versions],
        "terms_numbers": terms.numbers,
    }
    return header, arrays


def snapshot_of(
    header: Mapping[str, Any],
    arrays: Mapping[str, Array],
    policy: Policy,
    uses: Mapping[str, Use],
    hashing: KeyHash = STABLE_HASH,
    limits: Limits | None = None,
) -> Snapshot:
    """The snapshot that ``parts_of`` took apart. Raises ``ForeignSnapshot`` for another format, hash, policy or other
    uses.
    """
    check_format(header)
    snapshot = Snapshot(policy, uses, header["instant_us"], header["seed"], hashing, limits)
    expected = {"hash": hashing.name, "policy": policy.digest, "readers": READERS, "uses": snapshot.uses_digest}
    for name, ours in expected.items():
        if header[name] != ours:
            raise ForeignSnapshot(
                f"the rights snapshot has {name} {header[name]}, not {ours}", "compile it again from the log"
            )
    snapshot.position = header["position"]
    snapshot.seen = SeenIds(arrays["seen/high"], arrays["seen/low"])
    snapshot.levels = [_level(arrays, f"{number}/") for number in range(header["levels"])]
    intake = snapshot.intake
    intake.next_speaker = header["next_speaker"]
    intake.scopes = {_scope(text): number for number, text in enumerate(header["scopes"])}
    intake.terms = Terms([TermsVersion(*version) for version in header["terms"]], dict(header["terms_numbers"]))
    return snapshot


def check_format(header: Mapping[str, Any]) -> None:
    """Raises ``ForeignSnapshot`` unless this version wrote the header."""
    if header.get("format") != FORMAT:
        raise ForeignSnapshot(
            f"the rights snapshot has format {header.get('format')!r}, not {FORMAT!r}", "compile it again from the log"
        )


def _level(arrays: Mapping[str, Array], prefix: str) -> Level:
    level = Level.of_arrays({n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)})
    level.side = side_table(level)
    return level


def _scope_text(scope: Scope) -> list[Any]:
    return [list(scope.purposes), scope.is_yes, sorted(scope.territories), sorted(scope.models), scope.everything]


def _scope(text: list[Any]) -> Scope:
    purposes, is_yes, territories, models, everything = text
    return Scope(tuple(purposes), is_yes, frozenset(territories), frozenset(models), everything)

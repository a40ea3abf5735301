"""Recalls beside a release: assets that must no longer be used (design §6), ``recalls/0001.json`` and on.

``{"asset_ids": [text, …], "reason": text, "rights_position": N}``, other keys allowed; those that gatekeeper writes
are in ``docs/recalls.md``. Rules of this file:

* A recall is never changed and never taken back: a later yes admits an asset to the next release, not to this one.
* What cannot be read recalls the whole release: what it says may be a no. So does a number that is missing.
* Bytes are a function of content, so that whoever writes the same recall again writes the same file.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = 1
REASONS_NAMED_MAX = 5
"""In the one line that says why; ``because`` names all."""


@dataclass(frozen=True)
class Recall:
    """``asset_ids`` is None where nobody can say which: then no row may be used. ``rights_position`` is -1 and
    ``instant`` empty where it does not say; ``sha256`` is of its bytes, in hexadecimal.
    """

    name: str
    asset_ids: frozenset[str] | None
    reason: str
    rights_position: int = -1
    instant: str = ""
    because: tuple[Because, ...] = ()
    sha256: str = ""


@dataclass(frozen=True)
class Because:
    """Assets that are recalled for one answer. ``same_as`` says which refused recording they are, under another id."""

    verdict: str
    reason: str
    holder: str | None
    evidence: str
    asset_ids: tuple[str, ...]
    same_as: str | None = None


@dataclass(frozen=True)
class Written:
    """A recall as gatekeeper writes it. ``manifest`` is the digest of the release's manifest, ``uses`` who declared to
    use the release by then (model and holder).
    """

    release: str
    manifest: str
    number: int
    because: tuple[Because, ...]
    rights_position: int
    policy: str
    instant: str
    uses: tuple[Mapping[str, str], ...]
    tool: str

    @property
    def asset_ids(self) -> list[str]:
        return sorted(asset_id for why in self.because for asset_id in why.asset_ids)

    @property
    def reason(self) -> str:
        return in_one_line(reasons(self.because))

    def to_bytes(self) -> bytes:
        """The bytes of the file: sorted keys, two spaces, a final newline."""
        document = {"format": FORMAT, **asdict(self), "asset_ids": self.asset_ids, "reason": self.reason}
        return (json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()


def reasons(because: Iterable[Because]) -> Counter[str]:
    """Assets by reason."""
    counts: Counter[str] = Counter()
    for why in because:
        counts[why.reason] += len(why.asset_ids)
    return counts


def in_one_line(counts: Mapping[str, int]) -> str:
    """``consent.withdrawn (520), claim.takedown (2)``: the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{reason} ({count})" for reason, count in ordered[:REASONS_NAMED_MAX])
    return named + (", …" if len(ordered) > REASONS_NAMED_MAX else "")


def read_recall(name: str, data: bytes) -> Recall:
    """Never raises."""
    digest = hashlib.sha256(data).hexdigest()
    try:
        document = json.loads(data)
        asset_ids, reason = document["asset_ids"], document.get("reason", "no reason is given")
    except (ValueError, TypeError, KeyError) as problem:
        return Recall(name, None, f"the recall cannot be read: {problem}", sha256=digest)
    if not isinstance(asset_ids, list) or not all(isinstance(one, str) for one in asset_ids):
        return Recall(name, None, "the recall cannot be read: asset_ids is no list of texts", sha256=digest)
    position, instant = document.get("rights_position"), document.get("instant")
    return Recall(
        name,
        frozenset(asset_ids),
        str(reason),
        position if isinstance(position, int) else -1,
        instant if isinstance(instant, str) else "",
        _because(document.get("because")),
        digest,
    )


def _because(told: Any) -> tuple[Because, ...]:
    """What a recall says of its reasons, as far as it can be read: what counts is ``asset_ids``."""
    try:
        return tuple(Because(**{**why, "asset_ids": tuple(why["asset_ids"])}) for why in told or ())
    except (TypeError, KeyError):
        return ()


def grouped(rows: Iterable[Mapping[str, Any]]) -> tuple[Because, ...]:
    """Refused rows (``asset_id`` and the other fields of ``Because``) by their answer, in an order of their own."""
    groups: dict[tuple[str, str, str, str, str], list[str]] = {}
    for row in rows:
        key = (row["reason"], row["verdict"], row["holder"] or "", row["evidence"] or "", row["same_as"] or "")
        groups.setdefault(key, []).append(row["asset_id"])
    return tuple(
        Because(verdict, reason, holder or None, evidence, tuple(sorted(asset_ids)), same_as or None)
        for (reason, verdict, holder, evidence, same_as), asset_ids in sorted(groups.items())
    )


def missing(numbers: Sequence[int]) -> list[int]:
    """Numbers that are not there although a later one is: a recall was lost, or taken away."""
    return sorted(set(range(1, max(numbers, default=0) + 1)) - set(numbers))

"""The platform's terms: which version is in force, and what it says to each use (design §4, layer 5).

Rules of this file: one version is in force at a time, the latest effective; between versions effective at the same
instant the one published last. The nearest listed ancestor of a purpose answers; a permit that would have to pass an
explicit purpose on its way down says nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gatekeeper.core.purposes import Purposes
from gatekeeper.core.snapshot.reasons import CODES, NOTHING, Ints, code_ranks
from gatekeeper.core.snapshot.scopes import yes_flows
from gatekeeper.core.use import Use

CONTINUED_USE = "continued_use"

_CODE_OF_WORD = {
    "permit": CODES["terms", "terms.permit"],
    "prohibit": CODES["terms", "terms.prohibit"],
    "opt_in": CODES["terms", "terms.opt_in_required"],
    "unclear": CODES["terms", "terms.unclear"],
}


@dataclass(frozen=True)
class TermsVersion:
    """One publication. ``number`` stands for its ``terms_id``, which a later publication may share."""

    number: int
    effective_us: int
    acceptance: str
    grants: Mapping[str, str]
    position: int


@dataclass
class Terms:
    """Every publication so far, and the numbers of the ids that publications and acceptances name."""

    versions: list[TermsVersion] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, terms_id: str) -> int:
        return self.numbers.setdefault(terms_id, len(self.numbers))

    def publish(
        self, terms_id: str, effective_us: int, acceptance: str, grants: Mapping[str, str], position: int
    ) -> None:
        self.versions.append(TermsVersion(self.number(terms_id), effective_us, acceptance, dict(grants), position))

    def at(self, instant_us: int, uses: Sequence[Use], purposes: Purposes, layers: Sequence[str]) -> TermsInForce:
        """The versions effective by then, oldest first, as findings."""
        known = sorted(
            (v for v in self.versions if v.effective_us <= instant_us), key=lambda v: (v.effective_us, v.position)
        )
        by_default = max((place for place, v in enumerate(known, 1) if v.acceptance == CONTINUED_USE), default=0)
        places = np.zeros(max(1, len(self.numbers)), np.int64)
        for place, version in enumerate(known, 1):
            places[version.number] = place
        ranks = code_ranks(layers, 0)
        findings = np.full((len(uses), len(known) + 1), NOTHING, np.int64)
        for u, use in enumerate(uses):
            for place, version in enumerate(known, 1):
                code = _says(version.grants, use, purposes)
                if code is not None:
                    findings[u, place] = ranks[code] | version.position
        return TermsInForce(by_default, places, findings)

    def next_change_us(self, instant_us: int) -> int | None:
        return min((v.effective_us for v in self.versions if v.effective_us > instant_us), default=None)


@dataclass(frozen=True)
class TermsInForce:
    """``findings[use, place]``; place 0 is no terms, later places are later versions. An account's place is the
    greatest of ``by_default`` and ``places[number]`` of what it accepted.
    """

    by_default: int
    places: Ints
    findings: Ints


def _says(grants: Mapping[str, str], use: Use, purposes: Purposes) -> int | None:
    for ancestor in purposes.lineage(use.purpose):
        word = grants.get(ancestor)
        if word is not None:
            silent = word == "permit" and not yes_flows(purposes, ancestor, use.purpose)
            return None if silent else _CODE_OF_WORD[word]
    return None

"""Statements: the one shape every piece of evidence takes (design §4), and when a statement matches a use.

A permit matches only if it covers the purpose, *all* the use's territories and the model. A prohibition or an unclear
statement matches if it covers the purpose and *any* of them. An interval is [from, until).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.core.purposes import Purposes, only
from gatekeeper.core.times import ALWAYS_US
from gatekeeper.core.use import Use

NEVER_US = -(2**62)
"""Earlier than any instant that can be written: the start of what has no start."""


class Says(StrEnum):
    """Inside a layer the first of these that anyone says wins."""

    PROHIBIT = "prohibit"
    UNCLEAR = "unclear"
    PERMIT = "permit"


class Mismatch(StrEnum):
    """Why a statement does not speak on a use, in words for people."""

    OUT_OF_SCOPE = "the recording is not in its scope"
    NOT_YET = "it starts later"
    EXPIRED = "it has ended"
    OTHER_PURPOSE = "it names other purposes"
    MUST_BE_NAMED = "this purpose must be named itself"
    OTHER_TERRITORY = "it does not cover the territories"
    OTHER_MODEL = "it does not cover the model"
    SUPERSEDED = "the same speaker said something later on this subject"
    NOT_THE_HOLDER = "its speaker holds no interest here"
    OTHER_INTEREST = "it speaks for another interest"


@dataclass(frozen=True, slots=True)
class Statement:
    """Who says what about which subject, for which use, from when to when, in which layer, from which rights position.

    ``ref`` names the evidence (``rights:41``, ``content:0:17``, ``licence:CC0-1.0``); ``position`` orders evidence, -1
    for what the content event itself carries. A purpose covers what is beneath it, ``=purpose`` only itself. No
    territories means worldwide, no models means every model.
    """

    layer: str
    says: Says
    reason: str
    ref: str
    purposes: tuple[str, ...]
    position: int = -1
    speaker: str | None = None
    subject: str | None = None
    territories: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    from_us: int = NEVER_US
    until_us: int = ALWAYS_US
    in_scope: bool = True


def mismatch(statement: Statement, use: Use, instant_us: int, purposes: Purposes) -> Mismatch | None:
    """Why the statement does not match the use at the instant, or None where it does."""
    if not statement.in_scope:
        return Mismatch.OUT_OF_SCOPE
    if instant_us < statement.from_us:
        return Mismatch.NOT_YET
    if instant_us >= statement.until_us:
        return Mismatch.EXPIRED
    if reason := _purpose_mismatch(statement, use.purpose, purposes):
        return reason
    if not _territories_match(statement, use):
        return Mismatch.OTHER_TERRITORY
    return None if _model_matches(statement, use) else Mismatch.OTHER_MODEL


def _purpose_mismatch(statement: Statement, purpose: str, purposes: Purposes) -> Mismatch | None:
    lineage = purposes.lineage(purpose)
    named = [ancestor for ancestor in lineage if ancestor in statement.purposes]
    if not named:
        return None if only(purpose) in statement.purposes else Mismatch.OTHER_PURPOSE
    if statement.says is not Says.PERMIT:
        return None
    beneath_the_nearest = lineage[: lineage.index(named[0])]
    return Mismatch.MUST_BE_NAMED if any(purposes.explicit[p] for p in beneath_the_nearest) else None


def _territories_match(statement: Statement, use: Use) -> bool:
    if not statement.territories:
        return True
    if statement.says is Says.PERMIT:
        return bool(use.territories) and use.territories <= statement.territories
    return not use.territories or bool(use.territories & statement.territories)


def _model_matches(statement: Statement, use: Use) -> bool:
    if not statement.models or use.model in statement.models:
        return True
    return use.model is None and statement.says is not Says.PERMIT

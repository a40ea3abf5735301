"""What a reservation says, in one shape for every vocabulary.

Rule of this folder: a signal may only restrict. A signal that no reader knows is ``unclear``, never silent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Says(StrEnum):
    PROHIBIT = "prohibit"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Reading:
    """One restriction: which key of the policy's ``reservations`` table names its purposes, and the reason code."""

    says: Says
    purposes_key: str
    reason: str


_NO_AI = re.compile(r"\s*no[\s_-]*ai\s*", re.IGNORECASE)
_NO_AI_TAG = Reading(Says.PROHIBIT, "no_ai_tag", "reservation.no_ai_tag")
_UNSUPPORTED = Reading(Says.UNCLEAR, "unsupported", "evidence.unsupported")


def is_no_ai_tag(tag: str) -> bool:
    """``no-ai`` in any case, also ``noai``, ``no ai``, ``no_ai`` (design §3)."""
    return _NO_AI.fullmatch(tag) is not None


def read_reservation(vocabulary: str, _vocabulary_version: str | None, statement: str) -> tuple[Reading, ...]:
    """The restrictions a reservation makes: none for a tag other than "no AI", unclear for a vocabulary without a
    reader.
    """
    if vocabulary == "tag":
        return (_NO_AI_TAG,) if is_no_ai_tag(statement) else ()
    return (_UNSUPPORTED,)

"""What a reservation says, in one shape for every vocabulary.

Rules of this folder:

1. A signal may only restrict: a reading is a no or a "we cannot know", never a yes.
2. What cannot be read, or was written against a version nobody here knows, is unclear; it is never silent.
3. A reader is a function of the text alone: no file, no network, no clock. It never raises, and what it looks at is
   bounded before it looks.
4. What a signal's term means for our purposes is the policy's table (``signals``), not code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

READERS: Final = 1
"""The version of these readers. A policy names the version its decisions are made with, and keeps it in its digest; a
change that alters any reading gets the next number.
"""

UNSUPPORTED_TERM: Final = "unsupported"
"""The row of a signal whose terms are not known: the purposes that ``reservations.unsupported`` lists."""

HEADER_CHARS_MAX: Final = 65_536
"""A header's value or a tag. Servers refuse much shorter ones."""
DOCUMENT_CHARS_MAX: Final = 1_048_576
"""A manifest, a licence document, a file of rules."""
MARKUP_CHARS_MAX: Final = 262_144
"""A page or package document that is looked through for metadata."""


class Says(StrEnum):
    PROHIBIT = "prohibit"
    UNCLEAR = "unclear"


class Unknown(StrEnum):
    """Why we cannot know, as reason codes."""

    UNREADABLE = "evidence.unreadable"
    UNSUPPORTED = "evidence.unsupported"
    UNVERIFIED = "evidence.unverified"
    CONSTRAINED = "evidence.constrained"
    CONFLICTING = "evidence.conflicting"
    STALE = "evidence.stale"


@dataclass(frozen=True)
class Reading:
    """One restriction: what it says, about which term (a row of the policy's ``signals`` table, ``no_ai_tag`` or
    ``unsupported``), under which reason code.
    """

    says: Says
    term: str
    reason: str


Readings = tuple[Reading, ...]
Reader = Callable[[str | None, str], Readings]
"""(vocabulary version or None, statement) → its restrictions; none where it takes no position."""

SILENT: Final[Readings] = ()


def no(vocabulary: str, term: str) -> Reading:
    """The signal says no to a term: ``no("aipref", "aipref-07/train-ai")``."""
    return Reading(Says.PROHIBIT, term, f"reservation.{vocabulary}")


def unclear(why: Unknown, term: str = UNSUPPORTED_TERM) -> Reading:
    """We cannot know what the signal says about a term, or about anything."""
    return Reading(Says.UNCLEAR, term, str(why))


def value_of(statement: str, field: re.Pattern[str]) -> str:
    """A header's value, with or without the field's name before it."""
    named = field.match(statement)
    return statement[named.end() :] if named else statement


def once(readings: list[Reading]) -> Readings:
    """Each reading once, in order."""
    return tuple(dict.fromkeys(readings))

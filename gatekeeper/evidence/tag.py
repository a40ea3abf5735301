"""The platform's "no AI" tag (design §3): any other tag says nothing."""

from __future__ import annotations

import re

from gatekeeper.evidence.reading import HEADER_CHARS_MAX, SILENT, Reading, Readings, Says

_NO_AI = re.compile(r"\s*no[\s_-]*ai\s*", re.IGNORECASE)
_NO_AI_TAG = Reading(Says.PROHIBIT, "no_ai_tag", "reservation.no_ai_tag")


def is_no_ai_tag(tag: str) -> bool:
    """``no-ai`` in any case, also ``noai``, ``no ai``, ``no_ai`` (design §3)."""
    return len(tag) <= HEADER_CHARS_MAX and _NO_AI.fullmatch(tag) is not None


def read_tag(_version: str | None, statement: str) -> Readings:
    """The "no AI" tag, or nothing."""
    return (_NO_AI_TAG,) if is_no_ai_tag(statement) else SILENT

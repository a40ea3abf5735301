"""IETF AI preferences: ``Content-Usage`` (draft-ietf-aipref-vocab, draft-ietf-aipref-attach).

Rules of this file:

1. The same token changed its meaning from draft to draft, so the draft is required: without one, or with one that is
   not known here, the signal is unclear.
2. The value is an RFC 9651 Dictionary of tokens ``y`` and ``n``; unknown keys and all parameters are ignored, the last
   of a repeated key counts (vocab-07, section 5).
3. Where the draft calls a preference *unknown* because the value cannot be parsed or is neither ``y`` nor ``n``, the
   sender wanted to say something: that is unclear here, not silence.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

import http_sf

from gatekeeper.evidence.reading import HEADER_CHARS_MAX, Readings, Unknown, no, once, unclear, value_of
from gatekeeper.evidence.robots import Unreadable, is_robots, rules_for_url

CATEGORIES: Final = {
    "02": ("all", "train-ai", "train-genai", "ai-use", "search"),
    "03": ("bots", "train-ai", "train-genai", "search"),
    "04": ("bots", "train-ai", "ai-output", "search"),
    "05": ("train-ai", "search"),
    "06": ("train-ai", "search"),
    "07": ("train-ai", "search"),
}
"""Draft of the vocabulary → its categories. Drafts 00 and 01 had other labels and are not read."""

AIPREF_TERMS: Final = tuple(f"aipref-{draft}/{name}" for draft, names in CATEGORIES.items() for name in names)

_DRAFT = re.compile(r"(?:draft-ietf-aipref-vocab-|-)?(\d\d)", re.ASCII)
_FIELD = re.compile(r"\s*content-usage\s*:", re.IGNORECASE)
_FIELD_NAME: Final = "content-usage"


class Preference(StrEnum):
    """What a statement says about a category (vocab-07, section 4)."""

    ALLOWED = "allowed"
    DISALLOWED = "disallowed"
    UNKNOWN = "unknown"


def preferences(value: str) -> dict[str, Preference] | None:
    """Every key of a ``Content-Usage`` value with its preference; None where RFC 9651 parsing fails."""
    try:
        parsed = http_sf.parse(value.encode("utf-8", "replace"), tltype="dictionary")
    except ValueError:
        return None
    assert isinstance(parsed, dict)
    return {key: _preference(member) for key, member in parsed.items()}


def _preference(member: object) -> Preference:
    item = member[0] if isinstance(member, tuple) else member
    if isinstance(item, http_sf.Token):
        return {"y": Preference.ALLOWED, "n": Preference.DISALLOWED}.get(str(item), Preference.UNKNOWN)
    return Preference.UNKNOWN


def read_aipref(version: str | None, statement: str) -> Readings:
    """A header's value (with or without the field's name), or a robots.txt (``robots``)."""
    draft = _DRAFT.fullmatch((version or "").strip())
    if draft is None or draft[1] not in CATEGORIES:
        return (unclear(Unknown.UNSUPPORTED),)
    if is_robots(statement):
        return _read_robots(draft[1], statement)
    return _read_value(draft[1], value_of(statement, _FIELD))


def _read_robots(draft: str, statement: str) -> Readings:
    """Rules of equal, longest path are combined: any no is a no (attach-05, section 4)."""
    found = rules_for_url(statement, _FIELD_NAME)
    if isinstance(found, Unreadable):
        return (unclear(found.why),)
    readings = [reading for value in found.values for reading in _read_value(draft, value)]
    return once([*readings, *found.unknowns])


def _read_value(draft: str, value: str) -> Readings:
    said = preferences(value) if len(value) <= HEADER_CHARS_MAX else None
    if said is None:
        return (unclear(Unknown.UNREADABLE),)
    readings = []
    for category in CATEGORIES[draft]:
        term = f"aipref-{draft}/{category}"
        if said.get(category) is Preference.DISALLOWED:
            readings.append(no("aipref", term))
        elif said.get(category) is Preference.UNKNOWN:
            readings.append(unclear(Unknown.UNREADABLE, term))
    return tuple(readings)

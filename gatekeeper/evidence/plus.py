"""PLUS / IPTC ``Data Mining``: the values ``DMI-…`` of the PLUS vocabulary, alone, as URLs, or inside XMP.

Rules of this file: ``DMI-ALLOWED`` and ``DMI-UNSPECIFIED`` grant nothing. A value that points to conditions elsewhere
is constrained, and a value nobody here knows is unsupported. Allowed and prohibited at once is conflicting.
"""

from __future__ import annotations

import re
from typing import Final

from gatekeeper.evidence.reading import MARKUP_CHARS_MAX, Reading, Readings, Unknown, no, once, unclear

PROHIBITED: Final = (
    "DMI-PROHIBITED",
    "DMI-PROHIBITED-AIMLTRAINING",
    "DMI-PROHIBITED-GENAIMLTRAINING",
    "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING",
)
PLUS_TERMS: Final = tuple(f"plus/{value}" for value in PROHIBITED)

_SILENT: Final = frozenset({"DMI-ALLOWED", "DMI-UNSPECIFIED"})
_CONDITIONS: Final = ("SEECONSTRAINT", "SEEEMBEDDEDRIGHTSEXPR", "SEELINKEDRIGHTSEXPR")
_VALUE = re.compile(r"DMI-[A-Z0-9-]+", re.IGNORECASE)


def read_plus(version: str | None, statement: str) -> Readings:
    """The restrictions of every value in the text."""
    if len(statement) > MARKUP_CHARS_MAX:
        return (unclear(Unknown.UNREADABLE),)
    values = dict.fromkeys(found.upper().rstrip("-") for found in _VALUE.findall(statement))
    readings = [reading for value in values for reading in _read_value(value)]
    if not values:
        readings.append(unclear(Unknown.UNREADABLE))
    if "DMI-ALLOWED" in values and len(values) > 1:
        readings = [unclear(Unknown.CONFLICTING)]
    if version is not None:
        readings.append(unclear(Unknown.UNSUPPORTED))
    return once(readings)


def _read_value(value: str) -> list[Reading]:
    if value in _SILENT:
        return []
    if value in PROHIBITED:
        return [no("plus", f"plus/{value}")]
    return [unclear(Unknown.CONSTRAINED if value.endswith(_CONDITIONS) else Unknown.UNSUPPORTED)]

"""TDM·AI: ``TDM``, ``AiTraining`` and ``genAiTraining`` of a piece of content known by its ISCC.

Rules of this file: the keys are flat and inherit nothing, on purpose. ``usageReservation`` is a no, ``usagePermission``
grants nothing. A declaration without an ``iscc`` is about nothing in particular, so its silence is unclear; one with an
``intent`` nobody here knows may withdraw what it seems to say, so it is unclear as a whole.
"""

from __future__ import annotations

from typing import Any, Final

from gatekeeper.evidence.json_text import Unparsed, parsed
from gatekeeper.evidence.reading import Reading, Readings, Unknown, no, once, unclear

TDMAI_KEYS: Final = ("TDM", "AiTraining", "genAiTraining")
TDMAI_TERMS: Final = tuple(f"tdmai/{key}" for key in TDMAI_KEYS)

_INTENTS: Final = frozenset({"activate", "update", "supercede", "supersede"})
_KEY_OF: Final = {key.lower(): key for key in TDMAI_KEYS}


def read_tdmai(version: str | None, statement: str) -> Readings:
    """A declaration as JSON, bare or as the ``credentialSubject`` of a credential."""
    document = parsed(statement)
    if isinstance(document, Unparsed):
        return (unclear(document.why),)
    if not isinstance(document, dict):
        return (unclear(Unknown.UNREADABLE),)
    subject = document.get("credentialSubject", document)
    if not isinstance(subject, dict):
        return (unclear(Unknown.UNREADABLE),)
    if subject.get("intent") is not None and subject["intent"] not in _INTENTS:
        return (unclear(Unknown.UNSUPPORTED),)
    readings = _read_keys(subject)
    if not isinstance(subject.get("iscc"), str) or not any(key.lower() in _KEY_OF for key in subject):
        readings.append(unclear(Unknown.UNREADABLE))
    if version is not None:
        readings.append(unclear(Unknown.UNSUPPORTED))
    return once(readings)


def _read_keys(subject: dict[str, Any]) -> list[Reading]:
    readings = []
    for written, value in subject.items():
        key = _KEY_OF.get(written.lower())
        if key is None or value == "usagePermission":
            continue
        term = f"tdmai/{key}"
        reserved = value == "usageReservation"
        readings.append(no("tdmai", term) if reserved else unclear(Unknown.UNREADABLE, term))
    return readings

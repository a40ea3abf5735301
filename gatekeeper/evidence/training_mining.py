"""CAWG training and data mining (1.0, 1.1), and the same assertion of C2PA 1.x.

Rules of this file:

1. ``notAllowed`` is a no, ``allowed`` grants nothing, a missing entry says nothing.
2. ``constrained`` without information about the constraint shall be treated as ``notAllowed`` (CAWG 1.1). With it,
   somebody has to say whether the conditions are met: constrained, until an agreement speaks above it.
3. An entry nobody here knows is unclear unless it allows; so is a ``use`` that is none of the three words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from gatekeeper.evidence.manifest_store import NoAssertions, assertions_in
from gatekeeper.evidence.reading import Reading, Readings, Unknown, no, once, unclear

ENTRIES: Final = ("data_mining", "ai_inference", "ai_training", "ai_generative_training")
TRAINING_MINING_TERMS: Final = tuple(f"cawg/{name}" for name in ENTRIES)

_VERSIONS: Final = {
    "cawg": re.compile(r"(?:cawg[ -]?)?v?1(?:\.[01])?(?:-final)?", re.IGNORECASE),
    "c2pa": re.compile(r"(?:c2pa[ -]?)?v?1(?:\.[0-4x])?", re.IGNORECASE),
}
_INFORMATION: Final = ("constraint_info", "constraints_info")
_PREFIXES: Final = ("cawg.", "c2pa.")


def read_cawg(version: str | None, statement: str) -> Readings:
    return _read("cawg", version, statement)


def read_c2pa(version: str | None, statement: str) -> Readings:
    return _read("c2pa", version, statement)


def _read(vocabulary: str, version: str | None, statement: str) -> Readings:
    if version is not None and _VERSIONS[vocabulary].fullmatch(version.strip()) is None:
        return (unclear(Unknown.UNSUPPORTED),)
    found = assertions_in(statement)
    if isinstance(found, NoAssertions):
        return (unclear(found.why),)
    pairs = [pair for assertion in found for pair in assertion.entries.items()]
    return once([reading for key, entry in pairs for reading in _read_entry(vocabulary, key, entry)])


def _read_entry(vocabulary: str, key: str, entry: Any) -> list[Reading]:
    use = entry.get("use") if isinstance(entry, dict) else None
    if use == "allowed":
        return []
    name = next((key.removeprefix(p) for p in _PREFIXES if key.startswith(p)), None)
    if name not in ENTRIES:
        return [unclear(Unknown.UNSUPPORTED if isinstance(use, str) else Unknown.UNREADABLE)]
    term = f"cawg/{name}"
    if use == "notAllowed" or (use == "constrained" and not _informed(entry)):
        return [no(vocabulary, term)]
    return [unclear(Unknown.CONSTRAINED if use == "constrained" else Unknown.UNREADABLE, term)]


def _informed(entry: Mapping[str, Any]) -> bool:
    said = [entry.get(name) for name in _INFORMATION]
    return any(isinstance(text, str) and text.strip() for text in said)

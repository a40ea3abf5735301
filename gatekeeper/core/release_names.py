"""The files of a candidate and of a release beside what its manifest names, relative to its folder (design §6)."""

from __future__ import annotations

import re

APPROVAL = "approval.json"
RESULTS = "quality/results.json"
QUALITY = "quality"
CROISSANT = "croissant.json"
CARD = "README.md"
PLOTS = "plots"
RECALLS = "recalls"
USES = "uses"
"""Who declared to use the release, a file each."""
ACKNOWLEDGEMENTS = "acknowledgements"
"""Which holders have heard of its recalls, a file each."""
LATEST = "latest.json"
"""Beside the versions of a dataset: which of them a reader who names none gets."""
FEED = "recalls.json"
"""At the root of all releases: every recall, for whoever follows them (JSON Feed 1.1)."""

_RECALL = re.compile(r"([0-9]{4,9})\.json")
_ENVELOPE = re.compile(r"([0-9]{4,9})\.dsse")


def recall_name(number: int) -> str:
    """``0001.json``."""
    return f"{number:04d}.json"


def envelope_name(number: int) -> str:
    """``0001.dsse``: the signed bytes of the recall of that number."""
    return f"{number:04d}.dsse"


def recall_number(name: str) -> int | None:
    """The number of a recall's file name, None where it has none."""
    return _number(_RECALL, name)


def envelope_number(name: str) -> int | None:
    """The number of an envelope's file name, None where it is none."""
    return _number(_ENVELOPE, name)


def _number(pattern: re.Pattern[str], name: str) -> int | None:
    found = pattern.fullmatch(name)
    return int(found[1]) if found else None

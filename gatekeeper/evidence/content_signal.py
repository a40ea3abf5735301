"""Content signals: ``Content-Signal: search=yes, ai-input=no, ai-train=no``, alone or in a robots.txt.

Rules of this file: ``yes`` and an absent signal grant nothing; ``no`` is a reservation (Directive (EU) 2019/790,
article 4, by the signals' own words). ``ai-train`` is the training or fine-tuning of any AI model. A signal nobody here
knows is unclear where it is not a plain yes, and a signal given both ways is conflicting.
"""

from __future__ import annotations

import re
from typing import Final

from gatekeeper.evidence.reading import HEADER_CHARS_MAX, Reading, Readings, Unknown, no, once, unclear, value_of
from gatekeeper.evidence.robots import Unreadable, is_robots, rules_for_url

CONTENT_SIGNALS: Final = ("ai-train", "ai-input", "search")
CONTENT_SIGNAL_TERMS: Final = tuple(f"content-signal/{name}" for name in CONTENT_SIGNALS)

_FIELD = re.compile(r"\s*content-signals?\s*:", re.IGNORECASE)
_SIGNAL = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]*)\s*=\s*([A-Za-z]+)\s*")
_NO_LIMIT: Final = ("use", "full")


def read_content_signal(version: str | None, statement: str) -> Readings:
    """The restrictions of a value, or of a robots.txt for its URL. Content signals have no versions: one that is named
    is not known here, so what is not a no is unclear.
    """
    unversioned = [] if version is None else [unclear(Unknown.UNSUPPORTED)]
    if is_robots(statement):
        found = rules_for_url(statement, "content-signal")
        if isinstance(found, Unreadable):
            return (unclear(found.why),)
        readings = [reading for value in found.values for reading in _read_value(value)]
        return once([*readings, *found.unknowns, *unversioned])
    return once([*_read_value(value_of(statement, _FIELD)), *unversioned])


def _read_value(value: str) -> list[Reading]:
    if len(value) > HEADER_CHARS_MAX or not value.strip():
        return [unclear(Unknown.UNREADABLE)]
    said: dict[str, set[str]] = {}
    readings = []
    for part in value.split(","):
        found = _SIGNAL.fullmatch(part)
        if found is None:
            readings.append(unclear(Unknown.UNREADABLE))
        else:
            said.setdefault(found[1].lower(), set()).add(found[2].lower())
    for name, values in said.items():
        readings += _read_signal(name, values)
    return readings


def _read_signal(name: str, values: set[str]) -> list[Reading]:
    if name not in CONTENT_SIGNALS:
        granted = values == {"yes"} or (name, *values) == _NO_LIMIT
        why = Unknown.CONSTRAINED if name == "use" else Unknown.UNSUPPORTED
        return [] if granted else [unclear(why)]
    term = f"content-signal/{name}"
    if values == {"no"}:
        return [no("content-signal", term)]
    if values == {"yes"}:
        return []
    return [unclear(Unknown.CONFLICTING if values == {"yes", "no"} else Unknown.UNREADABLE, term)]

"""``X-Robots-Tag``: the directives ``noai``, ``noimageai`` and ``noml`` in a response's header.

Rules of this file: directives compare in any case, also behind a crawler's name (``examplebot: noai``): whoever the
robot is, the owner said no. Directives about indexing say nothing of AI. One nobody here knows is unclear.
"""

from __future__ import annotations

import re
from typing import Final

from gatekeeper.evidence.reading import HEADER_CHARS_MAX, Reading, Readings, Unknown, no, once, unclear

X_ROBOTS_DIRECTIVES: Final = ("noai", "noimageai", "noml")
X_ROBOTS_TERMS: Final = tuple(f"x-robots-tag/{name}" for name in X_ROBOTS_DIRECTIVES)

_INDEXING: Final = frozenset(
    (
        *("all", "index", "follow", "archive", "snippet", "noindex", "nofollow", "none", "nosnippet", "noarchive"),
        *("indexifembedded", "notranslate", "noimageindex", "nocache", "noodp", "noydir", "nopreview"),
        *("nositelinkssearchbox", "nopagereadaloud"),
    )
)
_WITH_VALUE = re.compile(r"max-(?:snippet|image-preview|video-preview)\s*:\s*[\w-]+")
_DATED = re.compile(r"unavailable_after\s*:")
_NAME = re.compile(r"[^:,\s]+\s*:\s*")


def read_x_robots_tag(version: str | None, statement: str) -> Readings:
    """The restrictions of a value. The header has no versions: one that is named is not known here."""
    if len(statement) > HEADER_CHARS_MAX:
        return (unclear(Unknown.UNREADABLE),)
    unversioned = [] if version is None else [unclear(Unknown.UNSUPPORTED)]
    return once([reading for part in re.split(r"[,\n]", statement) for reading in _directive(part)] + unversioned)


def _directive(part: str) -> list[Reading]:
    word = part.strip().lower()
    while word and word not in _INDEXING and not _WITH_VALUE.fullmatch(word):
        if _DATED.match(word) or _is_rest_of_date(word):
            return []
        if word in X_ROBOTS_DIRECTIVES:
            return [no("x-robots-tag", f"x-robots-tag/{word}")]
        named = _NAME.match(word)
        if named is None:
            return [unclear(Unknown.UNSUPPORTED)]
        word = word[named.end() :]
    return []


def _is_rest_of_date(word: str) -> bool:
    """Dates of ``unavailable_after`` hold commas: ``Wed, 25 Jun 2025 15:00:00 GMT``."""
    return re.fullmatch(r"\d{1,2}[ -][a-z]{3}[ -]\d{2,4}( [\d:]+)?( [a-z]{2,4})?", word) is not None

"""Really Simple Licensing 1.0 (RSL-SPEC-1.0): an XML document of licences for content.

Rules of this file:

1. Every ``<content>`` and every ``<license>`` counts, since nobody can say which of several URLs the asset is. A
   prohibits beats a permits.
2. A licence that permits, permits under its conditions: other uses only, an audience, a place, a payment. Whether they
   are met is for a person or an agreement to say: constrained. What is permitted to all for nothing grants nothing.
3. No document type, so no entities; depth, elements and text are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from gatekeeper.evidence.reading import DOCUMENT_CHARS_MAX, Reading, Readings, Unknown, no, once, unclear

RSL_NAMESPACE: Final = "https://rslstandard.org/rsl"
USAGES: Final = ("all", "ai-all", "ai-train", "ai-input", "ai-index", "search")
RSL_TERMS: Final = tuple(f"rsl/{usage}" for usage in USAGES)
DEPTH_MAX: Final = 32
ELEMENTS_MAX: Final = 10_000

_VERSION = re.compile(r"(?:rsl(?:-spec)?[ -]?)?v?1(?:\.0)?", re.IGNORECASE)
_TRAINS: Final = frozenset({"all", "ai-all", "ai-train"})
_READ: Final = frozenset({"permits", "prohibits"})
_ROOTS: Final = frozenset({"rsl", "content", "license", "permits", "prohibits"})
"""The document, or a part of it as somebody may have kept it."""
_FREE: Final = frozenset({"free", ""})


class _NotRead(Exception):
    """Ends the parse; never leaves this file."""


@dataclass
class _Licence:
    """``permits`` and ``prohibits``: (type, words) of each such element; ``payments``: the types asked for."""

    permits: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    prohibits: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    payments: set[str] = field(default_factory=set)


def read_rsl(version: str | None, statement: str) -> Readings:
    """The restrictions of a document."""
    if version is not None and _VERSION.fullmatch(version.strip()) is None:
        return (unclear(Unknown.UNSUPPORTED),)
    licences = _licences(statement)
    if licences is None:
        return (unclear(Unknown.UNREADABLE),)
    return once([reading for licence in licences for reading in _read_licence(licence)])


def _read_licence(licence: _Licence) -> Iterator[Reading]:
    for kind, words in licence.prohibits:
        if kind != "usage":
            yield unclear(Unknown.CONSTRAINED)
            continue
        yield from (no("rsl", f"rsl/{w}") if w in USAGES else unclear(Unknown.UNSUPPORTED) for w in sorted(words))
    usages = [words for kind, words in licence.permits if kind == "usage"]
    narrowed = any(kind != "usage" for kind, _ in licence.permits)
    left_out = bool(usages) and not any(words & _TRAINS for words in usages)
    if narrowed or left_out or licence.payments - _FREE:
        yield unclear(Unknown.CONSTRAINED)


def _licences(statement: str) -> list[_Licence] | None:
    """Every licence of the document; None where it is no RSL that can be read."""
    if len(statement) > DOCUMENT_CHARS_MAX:
        return None
    reader = _Reader()
    try:
        reader.parser.Parse(statement.encode("utf-8", "replace"), True)
    except (expat.ExpatError, _NotRead):
        return None
    return reader.licences


class _Reader:
    """Collects licences while expat reads."""

    def __init__(self) -> None:
        self.licences: list[_Licence] = []
        self._path: list[str] = []
        self._elements = 0
        self._kind = ""
        self._text: list[str] = []
        self.parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _refuse(self, *_: object) -> None:
        raise _NotRead

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        self._elements += 1
        root_is_other = not self._path and (local not in _ROOTS or namespace not in ("", RSL_NAMESPACE))
        if len(self._path) >= DEPTH_MAX or self._elements > ELEMENTS_MAX or root_is_other:
            raise _NotRead
        self._path.append(local)
        self._text.clear()
        self._kind = attributes.get("type", "").strip().lower()
        if local == "license":
            self.licences.append(_Licence())
        elif local == "payment" and self.licences:
            self.licences[-1].payments.add(self._kind)

    def _end(self, _name: str) -> None:
        local = self._path.pop()
        if local in _READ:
            self.licences = self.licences or [_Licence()]
            words = frozenset(re.split(r"[\s,]+", "".join(self._text).strip().lower())) - {""}
            kind = self._kind or "usage"
            listed = self.licences[-1].permits if local == "permits" else self.licences[-1].prohibits
            listed.append((kind, words))
        self._text.clear()

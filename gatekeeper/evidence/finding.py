"""The signals in a file's text, as reservations with their original text.

Rules of this file: which kind of file it is shows in its text (a robots.txt, saved response headers, a tdmrep.json, a
manifest store, an RSL document, a page, XMP); what is found is passed on, never weighed, except that of several TDMRep
places for one URL the protocol says which counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gatekeeper.evidence.json_text import Unparsed, parsed
from gatekeeper.evidence.readers import read_reservation
from gatekeeper.evidence.reading import Says
from gatekeeper.evidence.robots import FETCH_KEYS, is_robots
from gatekeeper.evidence.tdmrep import Reservation, reservation_of, rule_for

HEADERS: Final = {
    "content-usage": "aipref",
    "content-signal": "content-signal",
    "x-robots-tag": "x-robots-tag",
    "tdm-reservation": "tdmrep",
}
"""Header → vocabulary."""

PLACES: Final = ("file", "header", "embedded")
"""Where a TDM reservation stands, weakest first."""

_HEADER_LINE = re.compile(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*:(.*)")


@dataclass(frozen=True)
class Fetch:
    """What is known of how the content and the signals about it were fetched."""

    url: str | None = None
    agent: str | None = None
    robots_fetched_at: str | None = None
    content_fetched_at: str | None = None
    aipref_version: str | None = None


@dataclass(frozen=True)
class Signal:
    """One reservation; ``place`` says where the text stood."""

    vocabulary: str
    vocabulary_version: str | None
    statement: str
    place: str


def signals_in(text: str, fetch: Fetch) -> list[Signal] | None:
    """Every signal in a text; None where it is no kind of file that carries any."""
    for kind, read in _KINDS:
        if kind(text):
            return list(read(text, fetch))
    return None


def strongest_tdmrep(signals: Sequence[Signal]) -> list[Signal]:
    """Signals found for one URL, with only the TDM reservation that counts: embedded over header over file."""
    reserving = [s for s in signals if s.vocabulary == "tdmrep" and _is_set(s.statement)]
    top = max((PLACES.index(s.place) for s in reserving), default=-1)
    return [s for s in signals if s.vocabulary != "tdmrep" or top < 0 or PLACES.index(s.place) == top]


def _is_set(statement: str) -> bool:
    """Whether it says 1 or 0: an odd value resets nothing."""
    found = read_reservation("tdmrep", None, statement)
    return not found or any(reading.says is Says.PROHIBIT for reading in found)


def _is_headers(text: str) -> bool:
    lines = text.strip().splitlines()
    if lines and lines[0].startswith("HTTP/"):
        return True
    return bool(lines) and all(_HEADER_LINE.fullmatch(line) or line[:1] in " \t" for line in lines if line)


def _robots(text: str, fetch: Fetch) -> Iterator[Signal]:
    statement = text
    if fetch.url is not None:
        known = (text, fetch.url, fetch.agent, fetch.robots_fetched_at, fetch.content_fetched_at)
        record = {key: value for key, value in zip(FETCH_KEYS, known, strict=True) if value is not None}
        statement = json.dumps(record, ensure_ascii=False)
    fields = {line.partition(":")[0].strip().lower() for line in text.splitlines()}
    if "content-signal" in fields:
        yield Signal("content-signal", None, statement, "file")
    if "content-usage" in fields:
        yield Signal("aipref", fetch.aipref_version, statement, "file")


def _headers(text: str, fetch: Fetch) -> Iterator[Signal]:
    for line in text.splitlines():
        found = _HEADER_LINE.fullmatch(line)
        vocabulary = HEADERS.get(found[1].lower()) if found else None
        if found and vocabulary:
            version = fetch.aipref_version if vocabulary == "aipref" else None
            named = f"{found[1]}:{found[2]}" if vocabulary == "tdmrep" else found[2].strip()
            yield Signal(vocabulary, version, named, "header")


def _json(text: str, fetch: Fetch) -> Iterator[Signal]:
    document = parsed(text)
    if isinstance(document, Unparsed):
        yield Signal("c2pa", None, text, "file")
    elif isinstance(document, list) or "tdm-reservation" in document:
        yield from _tdm_rules(document if isinstance(document, list) else [document], text, fetch)
    elif {"iscc", "credentialSubject"} & set(document):
        yield Signal("tdmai", None, text, "file")
    else:
        yield Signal("cawg" if '"cawg.training-mining' in text or '"cawg.' in text else "c2pa", None, text, "embedded")


def _tdm_rules(rules: list[Any], text: str, fetch: Fetch) -> Iterator[Signal]:
    if fetch.url is None or not all(isinstance(rule, dict) for rule in rules):
        yield Signal("tdmrep", None, text, "file")
    elif (rule := rule_for(rules, fetch.url)) is not None:
        unset = reservation_of(rule.get("tdm-reservation")) is Reservation.UNSET
        yield Signal("tdmrep", None, text if unset else json.dumps(rule, ensure_ascii=False), "file")


def _markup(text: str, _fetch: Fetch) -> Iterator[Signal]:
    lower = text.lower()
    if "rslstandard.org" in lower:
        yield Signal("rsl", None, text, "file")
        return
    if "tdm-reservation" in lower or "tdm:reservation" in lower:
        yield Signal("tdmrep", None, text, "embedded")
    if "DMI-" in text:
        yield Signal("plus", None, text, "embedded")


_KINDS: Final[tuple[tuple[Callable[[str], bool], Callable[[str, Fetch], Iterator[Signal]]], ...]] = (
    (lambda text: text.lstrip()[:1] in ("{", "["), _json),
    (lambda text: text.lstrip()[:1] == "<", _markup),
    (is_robots, _robots),
    (_is_headers, _headers),
)

"""TDM Reservation Protocol (W3C Community Group, 2024-05-10): ``tdm-reservation`` 1, 0 or unset.

Rules of this file:

1. It stands in a file of rules (``tdmrep.json``, the first rule whose location matches the URL counts), in a
   response's headers, or embedded in the content (HTML and EPUB metadata, XMP). ``strongest`` applies the protocol's
   priority: embedded over header over file, and an absence never resets a value.
2. 1 reserves; a policy beside it is an offer that somebody may have accepted, which is for agreements to say. 0 grants
   nothing. The protocol treats any other value as unset. It resets nothing and grants nothing here either, but where it
   is all that was said, somebody wanted to say something: that is unreadable, not silence.
3. Of a file of rules without a URL nobody can say which applies. If they disagree they are conflicting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from protego import Protego

from gatekeeper.evidence.json_text import Unparsed, parsed
from gatekeeper.evidence.markup import metadata_of
from gatekeeper.evidence.reading import MARKUP_CHARS_MAX, SILENT, Readings, Unknown, no, unclear

TDMREP_TERMS: Final = ("tdmrep/mine",)
RULES_MAX: Final = 10_000

_VERSION = re.compile(r"(?:cg-final-)?(?:tdmrep[ -]?)?(?:v?1(?:\.0)?|2024-?(?:02-?02|05-?10))", re.IGNORECASE)
_HEADER = re.compile(r"^[ \t]*tdm-reservation[ \t]*:(.*)$", re.IGNORECASE | re.MULTILINE)
_NAMES: Final = ("tdm-reservation", "tdm:reservation")


class Reservation(StrEnum):
    """``ODD``: something was written that the protocol treats as unset."""

    RESERVED = "reserved"
    NOT_RESERVED = "not reserved"
    ODD = "odd"
    UNSET = "unset"


def reservation_of(value: object) -> Reservation:
    """A value as it stands in a file, a header or metadata."""
    if isinstance(value, bool):
        return Reservation.ODD
    written = str(value).strip() if isinstance(value, int | str) else ""
    if value is None:
        return Reservation.UNSET
    return {"1": Reservation.RESERVED, "0": Reservation.NOT_RESERVED}.get(written, Reservation.ODD)


def strongest(file: Reservation, header: Reservation, embedded: Reservation) -> Reservation:
    """What holds by the protocol's priority; ``ODD`` only where nothing else was said."""
    said = [r for r in (embedded, header, file) if r in (Reservation.RESERVED, Reservation.NOT_RESERVED)]
    odd = Reservation.ODD in (file, header, embedded)
    return said[0] if said else Reservation.ODD if odd else Reservation.UNSET


def rule_for(rules: Sequence[Mapping[str, Any]], url: str) -> Mapping[str, Any] | None:
    """The first rule whose location matches (``*`` and ``$`` as in robots.txt), or None."""
    parts = urlsplit(url)
    for rule in rules[:RULES_MAX]:
        location = rule.get("location")
        if isinstance(location, str) and location.startswith("/") and "\n" not in location and "\r" not in location:
            alone = Protego.parse(f"User-agent: *\nDisallow: {location.replace('#', '%23')}")
            if not alone.can_fetch(parts._replace(fragment="").geturl(), "*"):
                return rule
    return None


def read_tdmrep(version: str | None, statement: str) -> Readings:
    """A bare value, header lines, a ``tdmrep.json`` (whole or one rule), or a document with metadata."""
    if version is not None and _VERSION.fullmatch(version.strip()) is None:
        return (unclear(Unknown.UNSUPPORTED),)
    said = _said(statement)
    if isinstance(said, Unknown):
        return (unclear(said),)
    found = set(said) - {Reservation.UNSET}
    if {Reservation.RESERVED, Reservation.NOT_RESERVED} <= found:
        return (unclear(Unknown.CONFLICTING),)
    if Reservation.RESERVED in found:
        return (no("tdmrep", "tdmrep/mine"),)
    return SILENT if found == {Reservation.NOT_RESERVED} else (unclear(Unknown.UNREADABLE),)


def _said(statement: str) -> list[Reservation] | Unknown:
    """Every reservation that the statement names."""
    text = statement.strip()
    if text.startswith(("[", "{")):
        return _said_in_rules(text)
    if len(text) > MARKUP_CHARS_MAX:
        return Unknown.UNREADABLE
    if headers := _HEADER.findall(text):
        return [reservation_of(value) for value in headers]
    if "<" in text:
        return [reservation_of(value) for value in metadata_of(text, _NAMES)]
    return [reservation_of(text)]


def _said_in_rules(text: str) -> list[Reservation] | Unknown:
    document = parsed(text)
    if isinstance(document, Unparsed):
        return document.why
    rules = document if isinstance(document, list) else [document]
    if len(rules) > RULES_MAX or not all(isinstance(rule, dict) for rule in rules):
        return Unknown.UNREADABLE
    if any("permission" in rule for rule in rules):
        return Unknown.CONSTRAINED
    return [value for rule in rules for value in _values(rule)]


def _values(rule: Mapping[str, Any]) -> Iterator[Reservation]:
    written = [rule[name] for name in _NAMES if name in rule]
    yield from (reservation_of("" if value is None else value) for value in written or [""])

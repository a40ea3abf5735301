"""Which licence a spelling names: the policy's ``licence_spellings`` as data.

Rules of this file:

1. A spelling is looked up without its scheme, without ``www.`` and a trailing slash, and without the page that shows it
   (``/deed``, ``/deed.fr``, ``/legalcode``); everything else compares exactly. An id (``CC0-1.0``) is its own name.
2. ``exact`` lists addresses and the id each stands for. ``families`` spells ``PLACE/CODE/VERSION[/PORT]``, from the
   codes, versions and ports that it lists: by-nc-nd, 3.0, de is CC-BY-NC-ND-3.0-DE.
3. A row of the licence table speaks where it names the spelling itself, its id, its id without the port (every port of
   that version) or without the version (every version). What no list knows is no licence anybody named: it has no id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_AROUND = re.compile(r"https?://(?:www\.)?(?P<address>.+?)(?:/deed(?:\.[a-z]{2}(?:[-_][A-Za-z]{2,4})?)?|/legalcode)?/?")
_CHARS_MAX = 512


@dataclass(frozen=True)
class Family:
    """``codes``: as an address has them → as an id has them. ``ports`` in lower case."""

    codes: Mapping[str, str]
    versions: frozenset[str]
    ports: frozenset[str]


@dataclass(frozen=True)
class Spellings:
    exact: Mapping[str, str] = field(default_factory=dict)
    families: Mapping[str, Family] = field(default_factory=dict)


def read_spellings(table: Mapping[str, Any] | None) -> Spellings:
    """The policy's table; without one every spelling names only itself. Raises ``KeyError``, ``TypeError`` and
    ``AttributeError`` for another shape.
    """
    if table is None:
        return Spellings()
    families = {
        place: Family(dict(row["codes"]), frozenset(row["versions"]), frozenset(row["ports"]))
        for place, row in (table.get("families") or {}).items()
    }
    return Spellings(dict(table.get("exact") or {}), families)


def licence_id(spelling: str, spellings: Spellings) -> str | None:
    """``http://creativecommons.org/licenses/by-nd/3.0/de/`` → ``CC-BY-ND-3.0-DE``; None where no list knows it."""
    return next(iter(_ids(spelling, spellings)), None)


def licence_names(spelling: str, spellings: Spellings) -> tuple[str, ...]:
    """Every name a row may know the licence by, the narrowest first; the spelling itself is always one."""
    return tuple(dict.fromkeys((spelling, *_ids(spelling, spellings))))


def _ids(spelling: str, spellings: Spellings) -> tuple[str, ...]:
    found = _AROUND.fullmatch(spelling) if len(spelling) <= _CHARS_MAX else None
    if found is None:
        return ()
    address = found["address"]
    if address in spellings.exact:
        return (spellings.exact[address],)
    for place, family in spellings.families.items():
        if address.startswith(place + "/"):
            return _of_family(address[len(place) + 1 :].split("/"), family)
    return ()


def _of_family(parts: list[str], family: Family) -> tuple[str, ...]:
    if len(parts) not in (2, 3) or parts[0] not in family.codes or parts[1] not in family.versions:
        return ()
    code = family.codes[parts[0]]
    version = f"{code}-{parts[1]}"
    if len(parts) == 2:
        return version, code
    return (f"{version}-{parts[2].upper()}", version, code) if parts[2] in family.ports else ()

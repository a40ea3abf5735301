"""Named metadata out of HTML, EPUB packages and XMP, however broken they are.

Only the wanted elements are looked for, by expressions whose every repetition is bounded: a parser that follows the
whole document can be made to take time that grows with the square of its length. What stands in a comment counts too,
which can only restrict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Final

NAME_ATTRIBUTES: Final = ("name", "property")

_TAG = re.compile(r"<([a-z][a-z0-9:._-]{0,63})(\s[^<>]{0,2000})?>([^<]{0,64})", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""([a-z][a-z0-9:._-]{0,63})\s{0,8}=\s{0,8}("[^"]{0,500}"|'[^']{0,500}'|[^\s"'>]{1,500})""", re.IGNORECASE
)


def metadata_of(text: str, names: Sequence[str]) -> list[str]:
    """The values of ``<meta name=N content=V>``, ``<meta property=N>V</meta>``, ``<N>V</N>`` and ``<x N=V>``, in order.

    ``names`` in lower case. The text has to be bounded by the caller.
    """
    wanted = frozenset(names)
    return [value for tag in _TAG.finditer(text) for value in _values(tag[1].lower(), tag[2] or "", tag[3], wanted)]


def _values(tag: str, written: str, following: str, wanted: frozenset[str]) -> Iterator[str]:
    if tag not in wanted and not any(name in written.lower() for name in wanted):
        return
    given = {name.lower(): unescape(value.strip("\"'")) for name, value in _ATTRIBUTE.findall(written)}
    if tag in wanted or any(given.get(name, "").strip().lower() in wanted for name in NAME_ATTRIBUTES):
        yield given.get("content", following.strip())
    yield from (given[name] for name in given if name in wanted)

"""Signals inside a robots.txt (RFC 9309), for one URL.

Rules of this file:

1. Whether a group is for an agent, and whether a path matches a URL, is answered by Protego: a rule counts where a file
   with that rule alone, written as ``Disallow``, would keep the agent from the URL.
2. The statement is either the file itself, or a record of its fetch (``FETCH_KEYS``) as JSON. Of a file without a URL
   nobody can say which rules apply: every one counts.
3. Of rules that match, the longest path counts, and all rules of equal paths do (draft-ietf-aipref-attach-05). A
   preference reaches only what may be crawled: where the file forbids the crawl, and the content is here all the same,
   the two contradict each other.
4. A robots.txt may be used for 24 hours (RFC 9309, section 2.4). One that was fetched earlier than that before the
   content, or after it, is no evidence of what held then: what it forbids still stands, its silence is unclear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from protego import Protego

from gatekeeper.core.strict_json import JsonProblem, loads
from gatekeeper.core.times import parse_instant
from gatekeeper.evidence.reading import DOCUMENT_CHARS_MAX, Reading, Unknown, unclear

FETCH_KEYS: Final = ("robots_txt", "url", "agent", "robots_fetched_at", "content_fetched_at")
"""A record of a fetch: the file's text, the content's URL, the crawler's product token (default ``*``), and when each
was fetched (RFC 3339).
"""

FRESH_US: Final = 24 * 3600 * 1_000_000
RULES_MAX: Final = 100
"""Rules of one field in one file; real files have a handful."""
LINES_MAX: Final = 5_000
REMEMBERED_MAX: Final = 256
REMEMBERED_CHARS_MAX: Final = 8_192

_ROBOTS = re.compile(r"(?:\A|\n)[ \t]*user-agent[ \t]*:", re.IGNORECASE)
_RULES = frozenset({"allow", "disallow", "content-usage", "content-signal"})
"""Lines that end a group's list of agents."""
_EVERYWHERE: Final = "/"


@dataclass(frozen=True)
class Unreadable:
    """The file or its record cannot be read."""

    why: Unknown = Unknown.UNREADABLE


@dataclass(frozen=True)
class Found:
    """The values of the rules that count for the URL; ``stale`` where the file is no evidence of what held then;
    ``crawlable`` unless the file keeps the agent from the URL.
    """

    values: tuple[str, ...]
    stale: bool = False
    crawlable: bool = True

    @property
    def unknowns(self) -> list[Reading]:
        """What the file leaves unclear beside its values."""
        found = [unclear(Unknown.STALE)] if self.stale else []
        return found if self.crawlable else [*found, unclear(Unknown.CONFLICTING)]


@dataclass(frozen=True)
class _Rule:
    line: int
    path: str
    value: str


@dataclass(frozen=True)
class _Fetch:
    text: str
    url: str | None = None
    agent: str = "*"
    stale: bool = False


def is_robots(statement: str) -> bool:
    """Whether a statement is a robots.txt or a record of its fetch rather than a header's value."""
    return statement.lstrip().startswith("{") or _ROBOTS.search(statement) is not None


def rules_for_url(statement: str, field: str) -> Found | Unreadable:
    """What the file says in ``field`` (lower case) for the URL it was fetched for."""
    if len(statement) > DOCUMENT_CHARS_MAX:
        return Unreadable()
    fetch = _fetch(statement)
    if isinstance(fetch, Unreadable):
        return fetch
    lines = fetch.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    rules = list(_rules(lines, field))
    if len(lines) > LINES_MAX or len(rules) > RULES_MAX or "\0" in fetch.text:
        return Unreadable()
    if fetch.url is None:
        return Found(tuple(rule.value for rule in rules))
    try:
        return _for_url(lines, rules, fetch, fetch.url)
    except UnicodeError:  # half a surrogate pair in a path or the URL
        return Unreadable()


def _for_url(lines: list[str], rules: list[_Rule], fetch: _Fetch, url: str) -> Found:
    matching = [rule for rule in rules if _applies(lines, rule, url, fetch.agent)]
    longest = max((len(rule.path.encode()) for rule in matching), default=0)
    values = tuple(rule.value for rule in matching if len(rule.path.encode()) == longest)
    return Found(values, fetch.stale, _may_fetch(fetch.text, url, fetch.agent))


def _fetch(statement: str) -> _Fetch | Unreadable:
    if not statement.lstrip().startswith("{"):
        return _Fetch(statement)
    record = loads(statement.encode("utf-8", "replace"))
    if isinstance(record, JsonProblem) or not isinstance(record, dict):
        return Unreadable()
    if not set(record) <= set(FETCH_KEYS) or not all(isinstance(value, str) for value in record.values()):
        return Unreadable()
    text, url = record.get("robots_txt"), record.get("url")
    if text is None or url is None or not is_url(url):
        return Unreadable()
    try:
        stale = _is_stale(record)
    except ValueError:
        return Unreadable()
    return _Fetch(text, url, record.get("agent", "*"), stale)


def is_url(url: str) -> bool:
    """Whether it is an absolute URL of the web."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _is_stale(record: dict[str, Any]) -> bool:
    """Raises ``ValueError`` for an instant that is none."""
    written = record.get("robots_fetched_at"), record.get("content_fetched_at")
    robots_us, content_us = (None if text is None else parse_instant(text) for text in written)
    if robots_us is None or content_us is None:
        return False
    return not robots_us <= content_us <= robots_us + FRESH_US


def _rules(lines: list[str], field: str) -> Iterator[_Rule]:
    """``Field: value`` and ``Field: /path value``; a rule without a path is for every path."""
    for number, line in enumerate(lines):
        name, value = _field(line)
        if name != field:
            continue
        path, rest = [*value.split(None, 1), ""][:2] if value.startswith("/") else (_EVERYWHERE, value)
        yield _Rule(number, path, rest)


def _field(line: str) -> tuple[str, str]:
    """Name in lower case and value of a line, comments apart."""
    name, _, value = line.partition("#")[0].partition(":")
    return name.strip().lower(), value.strip()


def _applies(lines: list[str], rule: _Rule, url: str, agent: str) -> bool:
    """Protego on the file's groups with this rule alone in them."""
    alone = []
    for number, line in enumerate(lines):
        name, _ = _field(line)
        if number == rule.line:
            alone.append(f"Disallow: {rule.path}")
        elif name == "user-agent":
            alone.append(line)
        elif name in _RULES:
            alone.append("Allow:")
    return not _may_fetch("\n".join(alone), url, agent)


def _may_fetch(text: str, url: str, agent: str) -> bool:
    groups = _remembered(text) if len(text) <= REMEMBERED_CHARS_MAX else Protego.parse(text)
    return bool(groups.can_fetch(url, agent))


_remembered = lru_cache(REMEMBERED_MAX)(Protego.parse)
"""One site's robots.txt speaks for many recordings."""

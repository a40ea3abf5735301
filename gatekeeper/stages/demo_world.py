"""The world of the demo: chapters of a story, written as data, expanded into the events of the two logs.

Rules of this file: the same document gives the same bytes; everybody in it is invented. What a chapter tells is said
once, in the document; this file only adds the envelope, ids and what a recording needs to look like one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import orjson

from gatekeeper.core.times import format_instant, parse_instant

SOURCE = "urn:gatekeeper:demo"
_SECOND_US = 1_000_000
_AS_WRITTEN = ("genres", "tags", "catalogs", "licence", "reservations")


@dataclass(frozen=True)
class Chapter:
    """``rights`` and ``content`` are lines for the two logs; among the content may be lines that are no events."""

    title: str
    story: str
    rights: tuple[bytes, ...]
    content: tuple[bytes, ...]


@dataclass(frozen=True)
class World:
    """``explain`` names the dataset and the asset whose decision is worth a look."""

    chapters: tuple[Chapter, ...]
    explain: tuple[str, str]


def read_world(document: Mapping[str, Any]) -> World:
    """The parsed world document → its chapters, with event ids numbered through the whole story."""
    rights_ids, content_ids = count(1), count(1)
    chapters = tuple(
        Chapter(
            chapter["title"],
            chapter["story"],
            tuple(_rights_event(event, next(rights_ids)) for event in chapter.get("rights", ())),
            (
                *(line for group in chapter.get("content", ()) for line in _content_events(group, content_ids)),
                *(line.encode() for line in chapter.get("raw", ())),
            ),
        )
        for chapter in document["chapters"]
    )
    return World(chapters, (document["explain"]["dataset"], document["explain"]["asset"]))


def rights_event(number: int, kind: str, time: str, data: Mapping[str, Any]) -> bytes:
    """One line of the rights log, spoken by the demo."""
    return _line({"id": f"demo-rights-{number:03d}", "type": kind, "time": time, "data": data})


def _rights_event(event: Mapping[str, Any], number: int) -> bytes:
    return rights_event(number, event["type"], event["time"], event["data"])


def _content_events(group: Mapping[str, Any], numbers: Iterator[int]) -> Iterator[bytes]:
    """One event per track of the group, a second apart; ISRCs are counted up from the group's first."""
    for i, title in enumerate(group["tracks"]):
        time = format_instant(parse_instant(group["time"]) + i * _SECOND_US)
        kind = group.get("type", "content.published")
        data = _data(group, title, i, time)
        yield _line({"id": f"demo-content-{next(numbers):03d}", "type": kind, "time": time, "data": data})


def _data(group: Mapping[str, Any], title: str, i: int, time: str) -> dict[str, Any]:
    account = group["account"]
    data = {"asset_id": f"{account}/{slug(title)}", "account_id": account, "title": title}
    data |= {name: group[name] for name in _AS_WRITTEN if name in group}
    if "holders" in group:
        data["interests"] = [{"party_id": party, "role": role} for role, party in group["holders"].items()]
    if "isrcs" in group:
        data["identifiers"] = {"isrc": _counted_up(group["isrcs"], i)}
    data["artists"] = [account.replace("-", " ").title()]
    data["duration_ms"] = 120_000 + zlib.crc32(title.encode()) % 240_000
    data["media_uri"] = f"https://media.example/{data['asset_id']}.flac"
    data["published_at"] = time
    return data


def slug(title: str) -> str:
    """``"Signal Fire (HQ)"`` → ``signal-fire-hq``."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _counted_up(isrc: str, by: int) -> str:
    return f"{isrc[:-5]}{int(isrc[-5:]) + by:05d}"


def _line(event: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"specversion": "1.0", "source": SOURCE, **event})

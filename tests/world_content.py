"""Generated content events as rows of columns, each from a source of choices; valid by design §3."""

from __future__ import annotations

from tests.world_cast import (
    GRID_US,
    LICENCES,
    TAGS,
    Cast,
    Choices,
    Json,
    a_reservation,
    a_sha256,
    an_isrc,
    some,
)


def content_row(c: Choices, cast: Cast) -> Json:
    """A content event before it has a place: every ``data`` column, ``type`` and ``time`` (microseconds)."""
    index = c.pick(range(len(cast.assets)))
    account = cast.accounts[index % len(cast.accounts)]
    return {
        "type": c.pick(["content.published"] * 7 + ["content.updated"] * 7 + ["content.removed"]),
        "time": c.pick(GRID_US),
        "asset_id": cast.assets[index],
        "account_id": c.pick([account, account, account, c.pick(cast.accounts)]),
        "interests": _interests(c, cast),
        "identifiers": _identifiers(c, cast),
        "catalogs": c.pick([None, some(c, cast.catalogs, 2)]),
        "licence": c.pick(LICENCES),
        "tags": c.pick([None, None, None, None, [], [c.pick(TAGS), *some(c, TAGS, 1)]]),
        "reservations": c.pick([*[None] * 8, [], [{"vocabulary_version": None, **a_reservation(c)}]]),
        "title": "Night Ferry",
        "artists": None,
        "genres": None,
        "duration_ms": 1000,
        "media_uri": None,
        "published_at": None,
        "attributes": None,
        "extra": None,
    }


def _interests(c: Choices, cast: Cast) -> list[Json] | None:
    kind = c.pick(["none", "none", "empty", "some", "alone", "title", "title", "title"])
    if kind in ("none", "empty"):
        return None if kind == "none" else []
    if kind == "some":
        roles = some(c, ["recording", "composition", "performance"], 2)
    else:
        roles = ["recording", "composition", *some(c, ["performance", "recording"], 1)]
    parties = [c.pick(cast.parties)] if kind == "alone" else cast.parties
    return [{"party_id": c.pick(parties), "role": role} for role in roles]


def _identifiers(c: Choices, cast: Cast) -> Json | None:
    if c.pick(["none", "some", "some"]) == "none":
        return None
    return {
        "isrc": c.pick([None, an_isrc(c, cast), an_isrc(c, cast)]),
        "iswc": c.pick([None, "T-123.456.789-4"]),
        "content_sha256": c.pick([None, a_sha256(c, cast)]),
    }

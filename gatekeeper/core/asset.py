"""An asset as a decision sees it: its latest content event, and what the stream knows about it (design §3, §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatekeeper.core.subjects import subject


@dataclass(frozen=True)
class Asset:
    """``removed_by`` is the offset of the removal that covers this event; ``conflicting`` says the asset has events
    in two partitions.
    """

    asset_id: str
    account_id: str
    interests: tuple[tuple[str, str], ...] = ()
    isrc: str | None = None
    content_sha256: str | None = None
    catalogs: tuple[str, ...] = ()
    licence: str | None = None
    tags: tuple[str, ...] = ()
    reservations: tuple[tuple[str, str | None, str], ...] = ()
    partition: int = 0
    offset: int = 0
    removed_by: int | None = None
    conflicting: bool = False

    @property
    def subjects(self) -> list[str]:
        """Every subject the asset answers to, each once, in comparable spelling."""
        found = [subject("asset", self.asset_id)]
        found += [subject("isrc", self.isrc)] if self.isrc else []
        found += [subject("sha256", self.content_sha256)] if self.content_sha256 else []
        found += [subject("catalog", c) for c in self.catalogs]
        found += [subject("party", party) for party, _ in self.interests]
        found.append(subject("account", self.account_id))
        return list(dict.fromkeys(found))

    @property
    def holders(self) -> list[str]:
        """Who holds an interest, as first declared; the account where nobody is named."""
        if not self.interests:
            return [subject("account", self.account_id)]
        return list(dict.fromkeys(subject("party", party) for party, _ in self.interests))


def asset_of(row: Mapping[str, Any]) -> Asset:
    """A row of the content columns (as ``pyarrow`` gives it to Python) → Asset. Empty lists mean absent."""
    identifiers = row.get("identifiers") or {}
    return Asset(
        asset_id=row["asset_id"],
        account_id=row["account_id"],
        interests=tuple((i["party_id"], i["role"]) for i in row.get("interests") or ()),
        isrc=identifiers.get("isrc") or None,
        content_sha256=identifiers.get("content_sha256") or None,
        catalogs=tuple(row.get("catalogs") or ()),
        licence=row.get("licence") or None,
        tags=tuple(row.get("tags") or ()),
        reservations=tuple(
            (r["vocabulary"], r.get("vocabulary_version"), r["statement"]) for r in row.get("reservations") or ()
        ),
        partition=row.get("partition", 0),
        offset=row.get("offset", 0),
        removed_by=row.get("removed_by"),
        conflicting=bool(row.get("conflicting")),
    )

"""The stream that benchmarks read: distinct assets, most of their subjects known to the rights log, every layer used.

Deterministic: the n-th event is a function of n, so that what must come out can be worked out apart from the gate.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

LABELS, ARTISTS, PUBLISHERS, ACCOUNTS = 400, 5_000, 900, 5_000
"""Few enough accounts that a batch of 50,000 events holds some of each: what is withdrawn is met again at once."""
UPDATE_EVERY, REMOVE_EVERY = 25, 100
"""4 % updates and 1 % removals of an asset seen before: 5 % together."""
ISRCS_PER_AGREEMENT = 250
_ROLES = ("recording", "performance", "composition")


def rights_events(assets: int) -> Iterator[bytes]:
    """Agreements, consents on half of the assets, artists and accounts, takedowns."""
    for label in range(LABELS):
        yield _agreement(f"label-{label}", f"label-{label}", label, {"catalogs": [f"catalog-{label}"]})
        if label % 2:
            yield _agreement(f"label-{label}-all", f"label-{label}", label, {"all": True})
            yield from _by_isrc(label, assets)
    for publisher in range(0, PUBLISHERS, 2):
        yield _agreement(f"publisher-{publisher}", f"publisher-{publisher}", publisher, {"all": True})
    for artist in range(ARTISTS // 2):
        yield _consent("granted", f"party:artist-{artist}", f"party:artist-{artist}", ["training.analytical"])
    for account in range(0, ACCOUNTS, 2):
        who = f"account:account-{account}"
        yield _consent("withdrawn" if account % 20 == 0 else "granted", who, who, ["training.generative"])
    for asset in range(0, assets, 2):
        yield from _of_asset(asset)
    for asset in range(7, assets, 200):
        yield _rights("claim.opened", asset, claim_id=f"c{asset}", kind="takedown", subject=f"isrc:{isrc(asset)}")


def _of_asset(asset: int) -> Iterator[bytes]:
    subject = f"asset:{asset_id(asset)}"
    if asset % 14 == 0:
        yield _consent("withdrawn", f"party:artist-{asset % ARTISTS}", subject, ["training"])
        return
    purposes = ["training.generative.replication", "training.generative"]
    speakers = [party for party, _ in _interests(asset)] if asset % 20 == 0 else [f"artist-{asset % ARTISTS}"]
    for speaker in speakers:
        yield _consent("granted", f"party:{speaker}", subject, purposes)


def _by_isrc(label: int, assets: int) -> Iterator[bytes]:
    isrcs = [isrc(asset) for asset in range(label, assets, LABELS)]
    for start in range(0, len(isrcs), ISRCS_PER_AGREEMENT):
        scope = {"isrcs": isrcs[start : start + ISRCS_PER_AGREEMENT]}
        yield _agreement(f"label-{label}-isrcs-{start}", f"label-{label}", label, scope)


def _agreement(agreement_id: str, party_id: str, number: int, scope: dict[str, Any]) -> bytes:
    return _rights(
        "agreement.signed",
        agreement_id,
        agreement_id=agreement_id,
        party_id=party_id,
        scope=scope,
        permits=["training.analytical"] if number % 3 else [],
        prohibits=["training.generative"] if number % 4 else [],
        valid_from="2024-01-01T00:00:00Z",
    )


def _consent(kind: str, speaker: str, subject: str, purposes: list[str]) -> bytes:
    return _rights(f"consent.{kind}", f"{speaker}/{subject}", speaker=speaker, subject=subject, purposes=purposes)


def _rights(kind: str, name: object, time: str = "2025-06-01T00:00:00Z", /, **data: Any) -> bytes:
    event = {"specversion": "1.0", "id": f"{kind}-{name}", "source": "//bench", "type": f"rights.{kind}", "time": time}
    return json.dumps(event | {"data": data}, separators=(",", ":")).encode()


def account_withdrawal(account: int, time: str) -> bytes:
    """An account takes back everything, ``service`` included."""
    who = f"account:account-{account}"
    purposes = ["service", "training", "external"]
    return _rights("consent.withdrawn", f"all/{who}", time, speaker=who, subject=who, purposes=purposes)


def about(number: int) -> tuple[int, str]:
    """The asset that the n-th content event is about, and the event's type."""
    if number % REMOVE_EVERY == 50 and number > REMOVE_EVERY:
        return number - 77, "content.removed"
    if number % UPDATE_EVERY == 13 and number > UPDATE_EVERY:
        return number - 19, "content.updated"
    return number, "content.published"


def content_event(number: int) -> tuple[bytes, bytes]:
    """Key and value of the n-th content event."""
    asset, kind = about(number)
    event = {
        "specversion": "1.0",
        "id": f"event-{number}",
        "source": "//bench/ingest",
        "type": kind,
        "time": f"2025-07-{1 + number % 28:02d}T12:00:00Z",
        "data": _asset(asset),
    }
    return asset_id(asset).encode(), json.dumps(event, separators=(",", ":")).encode()


def asset_id(asset: int) -> str:
    return f"asset-{asset:09d}"


def number_of(asset: str) -> int:
    """The inverse of ``asset_id``."""
    return int(asset.rpartition("-")[2])


def isrc(asset: int) -> str:
    return f"QZ{asset // 100_000 % 1000:03d}{asset % 10_000_000:07d}"


def _interests(asset: int) -> list[tuple[str, str]]:
    parties = (f"label-{asset % LABELS}", f"artist-{asset % ARTISTS}", f"publisher-{asset % PUBLISHERS}")
    return list(zip(parties, _ROLES, strict=True))


def _asset(asset: int) -> dict[str, Any]:
    data: dict[str, Any] = {
        "asset_id": asset_id(asset),
        "account_id": f"account-{asset % ACCOUNTS}",
        "interests": [{"party_id": party, "role": role} for party, role in _interests(asset)],
        "identifiers": {"isrc": isrc(asset)},
        "catalogs": [f"catalog-{asset % LABELS}"],
        "title": f"Song number {asset}",
        "artists": [f"Artist {asset % ARTISTS}"],
        "genres": ["electronic", "ambient"],
        "duration_ms": 180_000 + asset % 60_000,
        "media_uri": f"s3://media/{asset_id(asset)}.flac",
    }
    if asset % 11 == 0:
        data["tags"] = ["No AI"]
    if asset % 17 == 0:
        data |= {"interests": [], "licence": "CC0-1.0"}
    return data


def known_subjects(rights: Iterable[bytes]) -> set[str]:
    """The subjects that these rights events say something about."""
    known: set[str] = set()
    for value in rights:
        data = json.loads(value)["data"]
        if "subject" in data:
            known.add(data["subject"])
        elif "scope" in data:
            scope = data["scope"]
            known.update(
                f"{kind[:-1]}:{name}" for kind in ("catalogs", "isrcs", "assets") for name in scope.get(kind, ())
            )
            known |= {f"party:{data['party_id']}"} if scope.get("all") else set()
    return known


def hit_share(values: Iterable[bytes], known: set[str]) -> float:
    """The share of the subjects of these content events that are known."""
    asked = [subject for value in values for subject in _subjects(json.loads(value)["data"])]
    return sum(subject in known for subject in asked) / len(asked)


def _subjects(data: dict[str, Any]) -> Iterator[str]:
    yield from (f"asset:{data['asset_id']}", f"account:{data['account_id']}", f"isrc:{data['identifiers']['isrc']}")
    yield from (f"catalog:{name}" for name in data["catalogs"])
    yield from (f"party:{interest['party_id']}" for interest in data["interests"])

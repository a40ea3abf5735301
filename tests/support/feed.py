"""Content and rights events as producers send them: updates, removals, duplicates and bad records, all from one seed.

The feed knows which of its records are bad; nothing here knows what an event means for a decision.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

Json = dict[str, Any]

PURPOSES = ("service.recommendation", "training", "training.analytical", "training.generative.replication")
LICENCES = (None, None, "CC0-1.0", "CC-BY-NC-4.0")
TAGS = (None, None, None, ["ambient"], ["No AI"])
_BAD_EVERY = 9
_AGAIN_EVERY = 12
_MAY_STRAY = 4
"""The last few assets have a producer with a partitioner of its own, now and then."""


class Sent(NamedTuple):
    """``strays``: to be sent to whichever partition, not to the one its key belongs to."""

    key: bytes | None
    value: bytes | None
    bad: bool = False
    strays: bool = False


@dataclass
class Feed:
    """``now`` gives the producers' clock. Assets keep their partition because they keep their id."""

    rng: random.Random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    assets: int = 60
    keyed: bool = True
    _serial: int = 0
    _first: set[str] = field(default_factory=set)
    _recent: list[Sent] = field(default_factory=list)
    _claims: list[str] = field(default_factory=list)

    def content(self, count: int) -> list[Sent]:
        """The next records for the content log, at least one of them bad."""
        records = [self._next() for _ in range(count)]
        return records if any(sent.bad for sent in records) else [*records[:-1], self._spoiled(self._good())]

    def rights(self, count: int) -> list[bytes]:
        """The next records for the rights log; some of them nobody can read."""
        return [self._rights() for _ in range(count)]

    def _next(self) -> Sent:
        if self._recent and self.rng.randrange(_AGAIN_EVERY) == 0:
            return self.rng.choice(self._recent)
        good = self._good()
        if self.rng.randrange(_BAD_EVERY) == 0:
            return self._spoiled(good)
        self._recent = [*self._recent[-20:], good]
        return good

    def _spoiled(self, good: Sent) -> Sent:
        return self.rng.choice(_SPOILED + (_SPOILED_KEYS if self.keyed else []))(good)

    def _good(self) -> Sent:
        number = self.rng.randrange(self.assets)
        asset, strays = f"asset-{number}", number >= self.assets - _MAY_STRAY and self.rng.randrange(4) == 0
        kind = "published" if asset not in self._first else self.rng.choice(["updated"] * 6 + ["removed", "published"])
        self._first.add(asset)
        # an event that is older than a removal of its asset is covered by it, so some come late
        late = timedelta(seconds=self.rng.choice([0, 0, 0, 2, 30]))
        return Sent(asset.encode(), self._event(f"content.{kind}", self._about(asset), late), strays=strays)

    def _about(self, asset: str) -> Json:
        number = int(asset.partition("-")[2])
        parties = self.rng.sample([f"party-{n}" for n in range(5)], self.rng.choice([0, 0, 1, 2]))
        roles = ["recording", "composition"]
        data = {
            "asset_id": asset,
            "account_id": f"account-{number % 4}",
            "interests": [{"party_id": p, "role": r} for p, r in zip(parties, roles, strict=False)] or None,
            "identifiers": {"isrc": f"DEA1225{number % 7:05d}"},
            "catalogs": self.rng.choice([None, ["catalogue-0"], ["catalogue-1", "catalogue-2"]]),
            "licence": self.rng.choice(LICENCES),
            "tags": self.rng.choice(TAGS),
            "title": f"{asset} as of record {self._serial}",
        }
        return {name: value for name, value in data.items() if value is not None}

    def _event(self, kind: str, data: Json, late: timedelta = timedelta(0)) -> bytes:
        self._serial += 1
        event = {
            "specversion": "1.0",
            "id": f"event-{self._serial}",
            "source": "urn:tests:feed",
            "type": kind,
            "time": (self.now() - late).isoformat(),
            "data": data,
        }
        return json.dumps(event).encode()

    def _rights(self) -> bytes:
        kind = self.rng.choice(["consent"] * 6 + ["claim"] * 3 + ["agreement", "reservation", "unreadable"])
        if kind == "consent":
            return self._consent()
        if kind == "claim":
            return self._claim()
        if kind == "agreement":
            return self._agreement()
        subject = f"asset:asset-{self.rng.randrange(self.assets)}"
        if kind == "reservation":
            change = self.rng.choice(["declared", "lifted"])
            return self._event(
                f"rights.reservation.{change}", {"subject": subject, "vocabulary": "tag", "statement": "no-ai"}
            )
        return self.rng.choice(
            [
                b"{ this is no JSON",
                self._event(
                    "rights.consent.granted",
                    {"speaker": "party:party-1", "subject": subject, "purposes": ["a purpose nobody knows"]},
                ),
            ]
        )

    def _consent(self) -> bytes:
        speaker = self.rng.choice([f"party:party-{self.rng.randrange(5)}", f"account:account-{self.rng.randrange(4)}"])
        subject = self.rng.choice([speaker, f"asset:asset-{self.rng.randrange(self.assets)}"])
        data: Json = {"speaker": speaker, "subject": subject, "purposes": [self.rng.choice(PURPOSES)]}
        if self.rng.randrange(4) == 0:  # an answer that changes with time alone
            data["valid_until"] = (self.now() + timedelta(seconds=self.rng.uniform(0.5, 5))).isoformat()
        return self._event(f"rights.consent.{self.rng.choice(['granted', 'granted', 'withdrawn'])}", data)

    def _claim(self) -> bytes:
        if self._claims and self.rng.randrange(2):
            return self._event("rights.claim.resolved", {"claim_id": self.rng.choice(self._claims), **self._claimed()})
        self._claims.append(f"claim-{len(self._claims)}")
        return self._event("rights.claim.opened", {"claim_id": self._claims[-1], **self._claimed()})

    def _claimed(self) -> Json:
        subject = self.rng.choice([f"asset:asset-{self.rng.randrange(self.assets)}", "isrc:DEA122500003"])
        return {"kind": self.rng.choice(["takedown", "dispute"]), "subject": subject}

    def _agreement(self) -> bytes:
        party = f"party-{self.rng.randrange(5)}"
        data = {
            "agreement_id": f"agreement-of-{party}",
            "party_id": party,
            "scope": {"catalogs": ["catalogue-1"]},
            "permits": self.rng.choice([[], ["training"]]),
            "prohibits": self.rng.choice([[], ["training.generative"]]),
            "valid_from": "2024-01-01T00:00:00Z",
        }
        return self._event("rights.agreement.signed", data)


def _without(field_name: str) -> Callable[[Sent], Sent]:
    def spoil(good: Sent) -> Sent:
        event = json.loads(good.value or b"")
        del event["data"][field_name]
        return Sent(good.key, json.dumps(event).encode(), bad=True)

    return spoil


_SPOILED: list[Callable[[Sent], Sent]] = [
    _without("account_id"),
    lambda good: Sent(good.key, (good.value or b"")[:-1], bad=True),
    lambda good: Sent(good.key, (good.value or b"")[:-1] + b', "id": "twice"}', bad=True),
    lambda good: Sent(good.key, (good.value or b"").replace(b'"1.0"', b"NaN"), bad=True),
    lambda good: Sent(good.key, b"\xff\xfe", bad=True),
    lambda good: Sent(good.key, (good.value or b"").replace(b"urn:tests", b"urn:\x01tests"), bad=True),
]

_SPOILED_KEYS: list[Callable[[Sent], Sent]] = [
    lambda good: Sent(b"another-" + (good.key or b""), good.value, bad=True),
    lambda good: Sent(None, good.value, bad=True),
    lambda good: Sent(good.key, None, bad=True),
]

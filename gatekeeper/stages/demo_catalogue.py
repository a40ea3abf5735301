"""The demo on somebody's real catalogue: its own tracks, licences and labels, and a few statements that are made up.

Rules of this file: what is invented says so in its own ids and in the story told; it speaks about the biggest holders
of the catalogue, so that it shows; the same catalogue gives the same statements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from gatekeeper.ports import Appended, LogWriter
from gatekeeper.stages.demo_world import rights_event

SAID_AT = "2025-10-01T12:00:00Z"
"""After both versions of the terms, before today: when everything made up was said."""
EXPLAINED_DATASET = "voice-replication"
REPLICATION = "training.generative.replication"


@dataclass
class Survey:
    """What stands in the content events that passed: who holds how many, and an asset of each."""

    recording: Counter[str] = field(default_factory=Counter)
    beside: dict[str, Counter[str]] = field(default_factory=dict)
    accounts: Counter[str] = field(default_factory=Counter)
    first_asset: dict[str, str] = field(default_factory=dict)

    def note(self, data: dict[str, Any]) -> None:
        interests = data.get("interests") or ()
        recording = [i["party_id"] for i in interests if i["role"] == "recording"]
        others = [i["party_id"] for i in interests if i["role"] != "recording"]
        for party in recording:
            self.recording[party] += 1
            self.beside.setdefault(party, Counter()).update(others)
            self.first_asset.setdefault(f"party:{party}", data["asset_id"])
        self.accounts[data["account_id"]] += 1
        self.first_asset.setdefault(f"account:{data['account_id']}", data["asset_id"])


class Surveying:
    """A content log's writer that surveys what passes through it."""

    def __init__(self, writer: LogWriter, survey: Survey) -> None:
        self._writer, self._survey = writer, survey

    def append(self, events: Iterable[tuple[bytes | None, bytes]]) -> list[Appended]:
        return self._writer.append(self._noted(events))

    def _noted(self, events: Iterable[tuple[bytes | None, bytes]]) -> Iterator[tuple[bytes | None, bytes]]:
        for key, event in events:
            self._survey.note(orjson.loads(event)["data"])
            yield key, event

    def close(self) -> None:
        self._writer.close()


@dataclass(frozen=True)
class MadeUp:
    """``told`` are sentences for people, ``rights`` lines for the rights log, ``explain`` a dataset and an asset."""

    told: tuple[str, ...]
    rights: tuple[bytes, ...]
    explain: tuple[str, str]


def make_up(survey: Survey) -> MadeUp:
    """A few statements about the catalogue's biggest holders."""
    said = list(_by_parties(survey) if len(survey.recording) >= _PARTIES_MIN else _by_accounts(survey))
    events = [(kind, data) for _, statements in said for kind, data in statements]
    lines = [rights_event(i, kind, SAID_AT, data) for i, (kind, data) in enumerate(events, 1)]
    asset = survey.first_asset[_biggest(survey)] if survey.first_asset else ""
    return MadeUp(tuple(sentence for sentence, _ in said), tuple(lines), (EXPLAINED_DATASET, asset))


def _biggest(survey: Survey) -> str:
    holders = survey.recording or survey.accounts
    kind = "party" if survey.recording else "account"
    return f"{kind}:{holders.most_common(1)[0][0]}"


_PARTIES_MIN = 5
Said = tuple[str, list[tuple[str, dict[str, Any]]]]


def _by_parties(survey: Survey) -> Iterator[Said]:
    first, second, third, fourth, fifth = (party for party, _ in survey.recording.most_common(_PARTIES_MIN))
    yield (
        f"{first} has an agreement: analysis yes, generative models no.",
        [_agreement(first, permits=["training.analytical"], prohibits=["training.generative"])],
    )
    yield f"{second} has an agreement: nothing may train.", [_agreement(second, permits=[], prohibits=["training"])]
    yield (
        f"{third} has an agreement for one model in one country, which is not our use.",
        [_agreement(third, permits=["training", REPLICATION], prohibits=[], territories=["DE"], models=["aria-2"])],
    )
    (partner, _), *_ = survey.beside[fourth].most_common(1) or [(fourth, 0)]
    yield (
        f"{fourth} and {partner} both opt in to replication: where these two hold everything, that is enough.",
        [_opt_in(f"party:{party}") for party in dict.fromkeys((fourth, partner))],
    )
    yield (
        f"{fifth} disputes who controls its account; one track of it is taken down.",
        [
            _claim("account_control", f"party:{fifth}"),
            _claim("takedown", f"asset:{survey.first_asset[f'party:{fifth}']}"),
        ],
    )


def _by_accounts(survey: Survey) -> Iterator[Said]:
    """Where the catalogue names no rightsholders there is nobody to have an agreement with: accounts speak."""
    accounts = [account for account, _ in survey.accounts.most_common(3)]
    if accounts:
        yield f"{accounts[0]} opts in to replication.", [_opt_in(f"account:{accounts[0]}")]
    if len(accounts) > 1:
        no = {"speaker": f"account:{accounts[1]}", "subject": f"account:{accounts[1]}", "purposes": ["training"]}
        yield f"{accounts[1]} withdraws from all training.", [("rights.consent.withdrawn", no)]
    for account in accounts[2:]:
        asset = survey.first_asset[f"account:{account}"]
        yield f"A track of {account} is taken down.", [_claim("takedown", f"asset:{asset}")]


def _agreement(party: str, **terms: list[str]) -> tuple[str, dict[str, Any]]:
    data = {"agreement_id": f"made-up/{party}", "party_id": party, "scope": {"all": True}, "valid_from": SAID_AT}
    return "rights.agreement.signed", data | terms


def _opt_in(speaker: str) -> tuple[str, dict[str, Any]]:
    return "rights.consent.granted", {"speaker": speaker, "subject": speaker, "purposes": [REPLICATION]}


def _claim(kind: str, subject: str) -> tuple[str, dict[str, Any]]:
    return "rights.claim.opened", {"claim_id": f"made-up/{kind}", "kind": kind, "subject": subject}

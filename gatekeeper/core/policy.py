"""Policy as data (design §4): purposes, what each claim stops, roles a title needs, order of layers, licence table.

A policy is known by its digest: SHA-256 over the canonical JSON of its document, so a comment never makes a new policy
and a changed word always does. A table that is incomplete is refused when read: an empty rule set is a mistake,
never "allow".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper.core.licences import Spellings, read_spellings
from gatekeeper.core.purposes import Purposes
from gatekeeper.core.signals import Signals, read_signals, signals_problems
from gatekeeper.core.subjects import KINDS
from gatekeeper.errors import BadInput

LAYERS = ("claim", "agreement", "wishes", "licence", "terms")
CLAIM_KINDS = ("takedown", "deletion", "dispute", "account_control")
VOCABULARIES = ("tag", "aipref", "cawg", "c2pa", "tdmrep", "rsl", "content-signal", "x-robots-tag", "tdmai", "plus")
EVERYTHING = "*"


def canonical_json(document: object) -> bytes:
    """Sorted keys, no spaces, UTF-8: the bytes a digest is taken of."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(document: object) -> str:
    """``sha256:`` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(canonical_json(document)).hexdigest()


@dataclass(frozen=True)
class LicenceRow:
    """What a licence says, under any of its names: spellings, or ids that ``licence_spellings`` gives."""

    names: tuple[str, ...]
    permits: tuple[str, ...]
    prohibits: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """The tables decisions are made with. Purpose lists hold names of ``purposes`` only."""

    digest: str
    document: Mapping[str, Any]
    purposes: Purposes
    layers: tuple[str, ...]
    wishes_tiers: tuple[tuple[str, ...], ...]
    claims: Mapping[str, tuple[str, ...]]
    reservations: Mapping[str, tuple[str, ...]]
    signals: Signals
    required_roles: Mapping[str, tuple[str, ...]]
    licences: tuple[LicenceRow, ...]
    spellings: Spellings

    @property
    def short_digest(self) -> str:
        """The twelve hexadecimal digits that ``evidence`` carries."""
        return self.digest.removeprefix("sha256:")[:12]


def read_policy(document: Mapping[str, Any]) -> Policy:
    """A parsed ``policy.yaml`` → Policy. Raises ``BadInput`` naming the entry to mend."""
    try:
        purposes = Purposes({n: bool((d or {}).get("explicit", False)) for n, d in document["purposes"].items()})
        policy = Policy(
            digest=digest_of(document),
            document=document,
            purposes=purposes,
            layers=tuple(document["layers"]),
            wishes_tiers=tuple(tuple(tier) for tier in document["wishes_tiers"]),
            claims={k: _purposes(purposes, v) for k, v in document["claims"].items()},
            reservations={k: _purposes(purposes, v) for k, v in document["reservations"].items()},
            signals=read_signals(document.get("signals"), purposes),
            required_roles={k: tuple(v) for k, v in document.get("required_roles", {}).items()},
            licences=tuple(_licence(row) for row in document.get("licences", [])),
            spellings=read_spellings(document.get("licence_spellings")),
        )
        problems = signals_problems(document.get("signals"), purposes)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"policy.yaml: {error!r} is missing or has the wrong shape", "compare it with the shipped policy"
        ) from error
    _check(policy, problems)
    return policy


def _purposes(purposes: Purposes, names: Sequence[str]) -> tuple[str, ...]:
    if EVERYTHING in names:
        return tuple(n for n in purposes.names if "." not in n)
    return tuple(names)


def _licence(row: Mapping[str, Any]) -> LicenceRow:
    return LicenceRow(tuple(row["names"]), tuple(row.get("permits") or ()), tuple(row.get("prohibits") or ()))


def _check(policy: Policy, problems: list[str]) -> None:
    problems = problems + _table_problems(policy) + _purpose_problems(policy)
    if problems:
        raise BadInput("policy.yaml: " + "; ".join(problems), "mend policy.yaml and run `gatekeeper apply`")


def _table_problems(policy: Policy) -> list[str]:
    found = []
    if sorted(policy.layers) != sorted(LAYERS):
        found.append(f"layers must hold each of {', '.join(LAYERS)} once")
    if sorted(k for tier in policy.wishes_tiers for k in tier) != sorted(KINDS):
        found.append(f"wishes_tiers must hold each of {', '.join(KINDS)} once")
    if sorted(policy.claims) != sorted(CLAIM_KINDS):
        found.append(f"claims must hold each of {', '.join(CLAIM_KINDS)} once")
    if sorted(policy.reservations) != ["no_ai_tag", "unsupported"]:
        found.append("reservations must hold no_ai_tag and unsupported")
    if any(not stops for stops in (*policy.claims.values(), *policy.reservations.values())):
        found.append("a claim or reservation that stops nothing is not a rule: name its purposes")
    names = [name for row in policy.licences for name in row.names]
    if len(names) != len(set(names)):
        found.append("a licence is spelled in two rows")
    return found


def _purpose_problems(policy: Policy) -> list[str]:
    found = []
    for name in policy.purposes.names:
        missing = policy.purposes.unknown(policy.purposes.lineage(name)[1:2])
        found += [f"purpose {name} needs its parent {parent}" for parent in missing]
    used = [n for stops in (*policy.claims.values(), *policy.reservations.values()) for n in stops]
    used += [n for row in policy.licences for n in (*row.permits, *row.prohibits)]
    used += list(policy.required_roles)
    found += [f"unknown purpose {n}" for n in dict.fromkeys(policy.purposes.unknown(used))]
    return found

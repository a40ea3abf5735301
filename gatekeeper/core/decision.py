"""The decision, as the precedence table (design §4). This is the reference: the columnar kernel must agree with it.

1. Each interest is decided for its holder; every interest must be permitted, so one no is enough.
2. Layers are read top down in the policy's order; the first that speaks decides the interest.
3. Inside a layer (in the wishes: inside the most specific tier that speaks) prohibit beats unclear beats permit.
4. Nothing spoke: that is no permission. What is not known to be permitted is not permitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.core.asset import Asset
from gatekeeper.core.gathering import gather
from gatekeeper.core.policy import VOCABULARIES, Policy
from gatekeeper.core.rights import RightsState
from gatekeeper.core.statements import Mismatch, Says, Statement, mismatch
from gatekeeper.core.subjects import kind_of
from gatekeeper.core.use import Use


class Verdict(StrEnum):
    """``deny``: the answer is no. ``hold``: we cannot know. Over the interests the first of these that any has wins."""

    DENY = "deny"
    HOLD = "hold"
    PERMIT = "permit"


VERDICT_OF = {Says.PROHIBIT: Verdict.DENY, Says.UNCLEAR: Verdict.HOLD, Says.PERMIT: Verdict.PERMIT}

REASON_ORDER = (
    *("claim.takedown", "claim.deletion", "claim.dispute", "claim.account_control"),
    *("agreement.permit", "agreement.prohibit"),
    *("consent.opt_in", "consent.withdrawn", "reservation.no_ai_tag"),
    *(f"reservation.{v}" for v in VOCABULARIES if v != "tag"),
    *("licence.permit", "licence.prohibit"),
    *("terms.permit", "terms.prohibit", "terms.opt_in_required", "terms.unclear"),
    "no_permission",
    "title.missing_role",
    *(
        "evidence.unreadable",
        "evidence.unsupported",
        "evidence.unverified",
        "evidence.constrained",
        "evidence.conflicting",
        "evidence.stale",
    ),
)
"""Every reason code; where one layer offers several of the same verdict, the earlier is reported."""

MISSING_ROLE = Statement("title", Says.UNCLEAR, "title.missing_role", "policy:required_roles", ())
NO_PERMISSION = Statement("none", Says.PROHIBIT, "no_permission", "none", ())


@dataclass(frozen=True)
class Decision:
    """What was decided, why, for whom, and on what: enough to decide it again alone."""

    verdict: Verdict
    reason: str
    holder: str | None
    statement: str
    rights_position: int
    policy: Policy
    instant_us: int

    @property
    def evidence(self) -> str:
        """Statement, rights position and policy in one word: ``rights:41@57#3fa9c1d2e4b5``."""
        return f"{self.statement}@{self.rights_position}#{self.policy.short_digest}"


@dataclass(frozen=True)
class Heard:
    """One interest: the statement that decided it, and every statement considered with why it did not speak (None:
    it spoke).
    """

    holder: str
    decided_by: Statement
    considered: tuple[tuple[Statement, Mismatch | None], ...]


@dataclass(frozen=True)
class Explanation:
    decision: Decision
    interests: tuple[Heard, ...]
    missing_roles: tuple[str, ...]


def decide(asset: Asset, use: Use, rights: RightsState, policy: Policy, instant_us: int) -> Decision:
    """The decision on an asset for a use, on the rights state at its position, at an instant."""
    return explain(asset, use, rights, policy, instant_us).decision


def explain(asset: Asset, use: Use, rights: RightsState, policy: Policy, instant_us: int) -> Explanation:
    """The decision with everything that was considered."""
    statements = gather(asset, use, rights, policy, instant_us)
    interests = tuple(_hear(holder, asset, statements, use, policy, instant_us) for holder in asset.holders)
    missing = missing_roles(asset, use, policy)
    candidates: list[tuple[str | None, Statement]] = [(h.holder, h.decided_by) for h in interests]
    if missing:
        candidates.append((None, MISSING_ROLE))
    holder, decided_by = _over_the_interests(candidates, policy)
    verdict = VERDICT_OF[decided_by.says]
    decision = Decision(verdict, decided_by.reason, holder, decided_by.ref, rights.position, policy, instant_us)
    return Explanation(decision, interests, missing)


def missing_roles(asset: Asset, use: Use, policy: Policy) -> tuple[str, ...]:
    """Roles the purpose needs and the declared interests lack; none where no interests are declared."""
    if not asset.interests:
        return ()
    needed = [role for p in policy.purposes.lineage(use.purpose) for role in policy.required_roles.get(p, ())]
    present = {role for _, role in asset.interests}
    return tuple(role for role in dict.fromkeys(needed) if role not in present)


def _over_the_interests(candidates: list[tuple[str | None, Statement]], policy: Policy) -> tuple[str | None, Statement]:
    """Any deny, else any hold, else permit; of those, the highest layer; of those, the first interest as declared."""
    layers = ("title", *policy.layers, "none")
    verdicts = list(Verdict)
    return min(candidates, key=lambda c: (verdicts.index(VERDICT_OF[c[1].says]), layers.index(c[1].layer)))


def _hear(holder: str, asset: Asset, statements: list[Statement], use: Use, policy: Policy, instant_us: int) -> Heard:
    considered = [(s, mismatch(s, use, instant_us, policy.purposes)) for s in statements]
    latest = _latest_consents([s for s, why in considered if why is None])
    account = f"account:{asset.account_id}"
    considered = [(s, why or _not_counted(s, holder, account, latest)) for s, why in considered]
    speaking = [s for s, why in considered if why is None]
    decided_by = min(speaking, key=lambda s: _precedence(s, policy), default=NO_PERMISSION)
    return Heard(holder, decided_by, tuple(considered))


def _latest_consents(matching: list[Statement]) -> dict[tuple[str | None, str | None], int]:
    """Of one speaker's matching consents on one subject, the highest position counts."""
    latest: dict[tuple[str | None, str | None], int] = {}
    for s in matching:
        if s.reason.startswith("consent."):
            key = (s.speaker, s.subject)
            latest[key] = max(latest.get(key, -1), s.position)
    return latest


def _not_counted(
    s: Statement, holder: str, account: str, latest: dict[tuple[str | None, str | None], int]
) -> Mismatch | None:
    """Who counts: a party for its own interests only; the account's no for all, its yes only where it is the holder."""
    if s.speaker is None or s.speaker == holder:
        counted = True
    elif s.layer == "agreement":
        return Mismatch.OTHER_INTEREST
    else:
        counted = s.speaker == account and s.says is Says.PROHIBIT
    if s.reason.startswith("consent.") and s.position < latest[s.speaker, s.subject]:
        return Mismatch.SUPERSEDED
    return None if counted else Mismatch.NOT_THE_HOLDER


def _precedence(s: Statement, policy: Policy) -> tuple[int, int, int, int, int]:
    """Layer, tier, says, reason, evidence: the smallest decides."""
    tier = 0
    if s.layer == "wishes":
        kind = kind_of(s.subject or "")
        tier = next(i for i, kinds in enumerate(policy.wishes_tiers) if kind in kinds)
    return (
        policy.layers.index(s.layer),
        tier,
        list(Says).index(s.says),
        REASON_ORDER.index(s.reason),
        s.position,
    )

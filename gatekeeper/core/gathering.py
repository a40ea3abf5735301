"""Which statements concern an asset: everything in the rights state, the policy and the asset's own event that might
speak.

Nothing is decided here. Statements that will turn out not to match are gathered too, so that ``explain`` can say why.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.core.asset import Asset
from gatekeeper.core.events import RightsEvent
from gatekeeper.core.licences import licence_names
from gatekeeper.core.policy import Policy
from gatekeeper.core.rights import Agreement, RightsState, Span
from gatekeeper.core.signals import hear
from gatekeeper.core.statements import Says, Statement
from gatekeeper.core.subjects import kind_of, normal_isrc
from gatekeeper.core.times import ALWAYS_US
from gatekeeper.core.use import Use
from gatekeeper.evidence.tag import is_no_ai_tag

_CONSENT = {
    "rights.consent.granted": (Says.PERMIT, "consent.opt_in"),
    "rights.consent.withdrawn": (Says.PROHIBIT, "consent.withdrawn"),
}
_GRANT = {
    "permit": (Says.PERMIT, "terms.permit"),
    "prohibit": (Says.PROHIBIT, "terms.prohibit"),
    "opt_in": (Says.PROHIBIT, "terms.opt_in_required"),
    "unclear": (Says.UNCLEAR, "terms.unclear"),
}


def gather(asset: Asset, use: Use, rights: RightsState, policy: Policy, instant_us: int) -> list[Statement]:
    """Every statement about the asset, in no particular order."""
    return [
        *_claims(asset, rights, policy),
        *_unreadable(asset, rights, policy),
        *_agreements(asset, rights),
        *_consents(asset, rights),
        *_reservations(asset, rights, policy),
        *_licence(asset, policy),
        *_terms(asset, use, rights, policy, instant_us),
    ]


def _claims(asset: Asset, rights: RightsState, policy: Policy) -> Iterator[Statement]:
    for subject in asset.subjects:
        for claim_id in sorted(rights.claims_about.get(subject, ())):
            for span in rights.claims[claim_id]:
                if span.opened.data["subject"] == subject:
                    kind = span.opened.data["kind"]
                    yield _spanned("claim", Says.PROHIBIT, f"claim.{kind}", span, policy.claims[kind])
    if asset.removed_by is not None:
        ref = f"content:{asset.partition}:{asset.removed_by}"
        yield Statement("claim", Says.PROHIBIT, "claim.deletion", ref, policy.claims["deletion"])


def _unreadable(asset: Asset, rights: RightsState, policy: Policy) -> Iterator[Statement]:
    everything = tuple(n for n in policy.purposes.names if "." not in n)
    subjects = asset.subjects
    for record in rights.unanswered:
        if record.subject in subjects:
            ref = f"rights:{record.position}"
            yield Statement(
                "claim", Says.UNCLEAR, "evidence.unreadable", ref, everything, record.position, subject=record.subject
            )
    if asset.conflicting:
        ref = f"content:{asset.partition}:{asset.offset}"
        yield Statement("claim", Says.UNCLEAR, "evidence.conflicting", ref, everything)


def _agreements(asset: Asset, rights: RightsState) -> Iterator[Statement]:
    for party_id in dict.fromkeys(party for party, _ in asset.interests):
        for agreement_id in sorted(rights.agreements_of.get(party_id, ())):
            agreement = rights.agreements[agreement_id]
            if agreement.signed.data["party_id"] == party_id:
                yield from _agreement(agreement, f"party:{party_id}", asset)


def _agreement(agreement: Agreement, party: str, asset: Asset) -> Iterator[Statement]:
    signed = agreement.signed
    for says, purposes in ((Says.PERMIT, signed.data["permits"]), (Says.PROHIBIT, signed.data["prohibits"])):
        if purposes:
            yield Statement(
                layer="agreement",
                says=says,
                reason=f"agreement.{says}",
                ref=f"rights:{signed.position}",
                purposes=purposes,
                position=signed.position,
                speaker=party,
                territories=signed.data["territories"],
                models=signed.data["models"],
                from_us=signed.data["from_us"],
                until_us=min(signed.data["until_us"], agreement.terminated_us),
                in_scope=_in_scope(signed, asset),
            )


def _in_scope(signed: RightsEvent, asset: Asset) -> bool:
    scope = signed.data["scope"]
    return bool(
        scope["all"]
        or asset.asset_id in scope["assets"]
        or scope["catalogs"].intersection(asset.catalogs)
        or (asset.isrc and normal_isrc(asset.isrc) in scope["isrcs"])
    )


def _consents(asset: Asset, rights: RightsState) -> Iterator[Statement]:
    for subject in asset.subjects:
        for event in rights.consents.get(subject, ()):
            speaker = event.data["speaker"]
            if kind_of(subject) in ("party", "account") and speaker != subject:
                continue
            says, reason = _CONSENT[event.type]
            yield Statement(
                layer="wishes",
                says=says,
                reason=reason,
                ref=f"rights:{event.position}",
                purposes=event.data["purposes"],
                position=event.position,
                speaker=speaker,
                subject=subject,
                territories=event.data["territories"],
                models=event.data["models"],
                from_us=event.data["from_us"],
                until_us=event.data["until_us"],
            )


def _reservations(asset: Asset, rights: RightsState, policy: Policy) -> Iterator[Statement]:
    ref, subject = f"content:{asset.partition}:{asset.offset}", f"asset:{asset.asset_id}"
    found = [("tag", None, tag) for tag in asset.tags if is_no_ai_tag(tag)]
    for vocabulary, version, text in (*found, *asset.reservations):
        for heard in hear(policy.signals, policy.reservations, vocabulary, version, text):
            yield Statement("wishes", Says(heard.says), heard.reason, ref, heard.purposes, subject=subject)
    for about in asset.subjects:
        for vocabulary in sorted(rights.reserved.get(about, ())):
            yield from (s for span in rights.reservations[about, vocabulary] for s in _declared(span, policy))


def _declared(span: Span, policy: Policy) -> Iterator[Statement]:
    data = span.opened.data
    words = (data["vocabulary"], data.get("vocabulary_version"), data["statement"])
    for heard in hear(policy.signals, policy.reservations, *words):
        yield _spanned("wishes", Says(heard.says), heard.reason, span, heard.purposes)


def _spanned(layer: str, says: Says, reason: str, span: Span, purposes: tuple[str, ...]) -> Statement:
    event = span.opened
    return Statement(
        layer=layer,
        says=says,
        reason=reason,
        ref=f"rights:{event.position}",
        purposes=purposes,
        position=event.position,
        subject=event.data["subject"],
        from_us=event.time_us,
        until_us=span.closed_us,
    )


def _licence(asset: Asset, policy: Policy) -> Iterator[Statement]:
    if asset.licence is None:
        return
    names = licence_names(asset.licence, policy.spellings)
    for row in policy.licences:
        if not set(row.names).isdisjoint(names):
            for says, purposes in ((Says.PERMIT, row.permits), (Says.PROHIBIT, row.prohibits)):
                if purposes:
                    yield Statement("licence", says, f"licence.{says}", f"licence:{asset.licence}", purposes)


def _terms(asset: Asset, use: Use, rights: RightsState, policy: Policy, instant_us: int) -> Iterator[Statement]:
    terms = terms_in_force(rights, asset.account_id, instant_us)
    if terms is None:
        return
    grants = terms.data["grants"]
    nearest = next((p for p in policy.purposes.lineage(use.purpose) if p in grants), None)
    if nearest is not None:
        says, reason = _GRANT[grants[nearest]]
        yield Statement("terms", says, reason, f"rights:{terms.position}", (nearest,), terms.position)


def terms_in_force(rights: RightsState, account_id: str, instant_us: int) -> RightsEvent | None:
    """The latest effective terms among those that continued use accepts and those the account has accepted (design
    §4, layer 5).
    """
    candidates = [
        t
        for t in rights.terms
        if t.data["effective_from_us"] <= instant_us
        and (
            t.data["acceptance"] == "continued_use"
            or rights.accepted.get((account_id, t.data["terms_id"]), ALWAYS_US) <= instant_us
        )
    ]
    return max(candidates, key=lambda t: (t.data["effective_from_us"], t.position), default=None)

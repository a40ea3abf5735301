"""What would change a decision, in sentences for people (design §7, ``explain``).

Rules of this file: a sentence names who has to act and with which event; it never promises more than the precedence
table gives, so each says what would speak next once the obstacle is gone. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from gatekeeper.core.decision import VERDICT_OF, Explanation, Heard, Verdict
from gatekeeper.core.decision import _precedence as precedence
from gatekeeper.core.policy import Policy
from gatekeeper.core.statements import Mismatch, Says, Statement
from gatekeeper.core.times import ALWAYS_US, format_instant
from gatekeeper.core.use import Use

_YES: Final = "A yes to {use} is needed from {holders}: {means}."
_CLAIM: Final = (
    "The claim {ref} on {subject} has to be closed by whoever opened it: `rights.claim.resolved` with its id."
)

_OBSTACLE: Final = {
    "claim.takedown": _CLAIM,
    "claim.deletion": _CLAIM,
    "claim.dispute": _CLAIM,
    "claim.account_control": _CLAIM,
    "agreement.prohibit": (
        "The agreement {ref} has to change: {speaker} signs it again (`rights.agreement.signed`, the same id) "
        "without this prohibition, or it is terminated (`rights.agreement.terminated`). Nothing below it overrules it."
    ),
    "consent.withdrawn": (
        "{speaker} withdrew its consent ({ref}) and has to grant it again on {subject}: `rights.consent.granted`."
    ),
    "reservation.no_ai_tag": 'The "no AI" tag has to go: {lift}.{above}',
    "licence.prohibit": (
        "The policy's licence table says no ({ref}): the asset needs another licence (`content.updated`), or "
        "{holders} a yes in a layer above the licence."
    ),
    "terms.prohibit": "The terms in force ({ref}) say no. " + _YES,
    "terms.opt_in_required": "The terms in force ({ref}) ask for an explicit opt-in. " + _YES,
    "terms.unclear": "The terms in force ({ref}) leave it open. " + _YES,
    "no_permission": "Nobody has permitted it, and what is not known to be permitted is not. " + _YES,
    "evidence.unreadable": (
        "An operator has to look at the rights event {ref}: `gatekeeper rights resolve {position} --because …`."
    ),
    "evidence.unsupported": (
        "No reader knows the vocabulary of this reservation, or its version: {lift}, or a reader is added.{above}"
    ),
    "evidence.unverified": "The evidence {ref} has to be verified, or replaced by evidence that can be.",
    "evidence.constrained": (
        "The evidence {ref} sets conditions, or says no to a part of {use}: a person has to confirm that it is met, or "
        "{lift}.{above}"
    ),
    "evidence.conflicting": (
        "The asset has events in two partitions, so nobody can say which is the latest: an operator has to find the "
        "producer that sends them without the asset id as key."
    ),
    "evidence.stale": (
        "The robots.txt was not fetched within a day before the content: fetch both again, and send the record.{above}"
    ),
}
_UNREAD_SIGNAL: Final = {
    "evidence.unreadable": "The reservation {ref} cannot be read: its sender has to send it again, or {lift}.{above}",
    "evidence.conflicting": (
        "The reservation {ref} contradicts itself: its sender has to say which holds, or {lift}.{above}"
    ),
}
"""What a reservation is held for, where the same reason has other causes in other layers."""
_RESERVED: Final = "The reservation {ref} has to go: {lift}.{above}"
_REMOVED: Final = (
    "The asset was removed ({ref}). Only a later `content.published`, its `time` after the removal's, brings it back."
)


def advice(explanation: Explanation, use: Use) -> tuple[str, ...]:
    """Sentences, each once, most important first: what has to happen for another answer, and what time will do."""
    found = [
        *_missing_roles(explanation, use),
        *_obstacles(explanation, use),
        *_near_misses(explanation),
        *_by_itself(explanation),
    ]
    return tuple(dict.fromkeys(found))


def use_in_words(use: Use) -> str:
    """``training.generative in DE, FR by the model m1``; a worldwide use names no territory."""
    where = f" in {', '.join(sorted(use.territories))}" if use.territories else ""
    model = f" by the model {use.model}" if use.model else ""
    return f"{use.purpose}{where}{model}"


def _missing_roles(explanation: Explanation, use: Use) -> Iterator[str]:
    if explanation.missing_roles:
        roles = " and ".join(explanation.missing_roles)
        declared = f"The asset has to declare who holds its {roles} rights (`content.updated`)"
        yield f"{declared}, and they have to permit {use_in_words(use)}."


def _obstacles(explanation: Explanation, use: Use) -> Iterator[str]:
    """One sentence for everyone who is stopped by the same statement with the same next in line."""
    stopped: dict[tuple[Statement, str], list[str]] = {}
    for heard in explanation.interests:
        if VERDICT_OF[heard.decided_by.says] is not Verdict.PERMIT:
            then = _then(heard, explanation.decision.policy)
            stopped.setdefault((heard.decided_by, then), []).append(heard.holder)
    for (statement, then), holders in stopped.items():
        yield _obstacle(holders, statement, use) + then


def _obstacle(holders: Sequence[str], s: Statement, use: Use) -> str:
    carried = s.ref.startswith("content:")
    template = _template(s, carried=carried)
    declared = f"`rights.reservation.lifted` for its vocabulary on {s.subject} ({s.ref})"
    return template.format(
        ref=s.ref,
        position=s.position,
        subject=s.subject,
        speaker=s.speaker,
        holders=" and ".join(holders),
        lift="the asset is published without it (`content.updated`)" if carried else declared,
        use=use_in_words(use),
        means=_means(holders, use),
        above=_above(holders, use),
    )


def _template(s: Statement, *, carried: bool) -> str:
    if carried and s.reason == "claim.deletion":
        return _REMOVED
    if s.layer == "wishes" and s.reason in _UNREAD_SIGNAL:
        return _UNREAD_SIGNAL[s.reason]
    return _OBSTACLE.get(s.reason, _RESERVED)


def _means(holders: Sequence[str], use: Use) -> str:
    """Agreements are made with parties; an account can only consent."""
    consent = f"`rights.consent.granted` naming {use.purpose}"
    return f"{consent}, or an agreement that permits it (`rights.agreement.signed`)" if _parties(holders) else consent


def _above(holders: Sequence[str], use: Use) -> str:
    parties = " and ".join(_parties(holders))
    return f" An agreement with {parties} that permits {use_in_words(use)} ranks above it." if parties else ""


def _parties(holders: Sequence[str]) -> list[str]:
    return [holder for holder in holders if holder.startswith("party:")]


def _then(heard: Heard, policy: Policy) -> str:
    """What speaks once the deciding statement is gone: advice that only uncovers the next no must say so."""
    decided_by = heard.decided_by
    a_yes_is_asked_for = decided_by.layer in ("terms", "none") or decided_by.speaker == heard.holder
    if a_yes_is_asked_for and decided_by.layer != "agreement":
        return ""
    rest = [s for s, why in heard.considered if why is None and s.ref != decided_by.ref]
    following = min(rest, key=lambda s: precedence(s, policy), default=None)
    if following is None:
        return " Then nothing would permit it yet."
    return f" Then {following.reason} ({following.ref}) would decide: {VERDICT_OF[following.says]}."


_NEAR: Final = (
    Mismatch.OTHER_TERRITORY,
    Mismatch.OTHER_MODEL,
    Mismatch.MUST_BE_NAMED,
    Mismatch.OUT_OF_SCOPE,
    Mismatch.EXPIRED,
)


def _near_misses(explanation: Explanation) -> Iterator[str]:
    """A yes that exists and does not reach this use: often the shortest way to a yes."""
    for heard in explanation.interests:
        if VERDICT_OF[heard.decided_by.says] is Verdict.PERMIT:
            continue
        for s, why in heard.considered:
            if s.says is Says.PERMIT and why in _NEAR and s.speaker in (None, heard.holder):
                yield f"{s.reason} ({s.ref}) would help {heard.holder}, but {why}."


def _by_itself(explanation: Explanation) -> Iterator[str]:
    """Instants at which the answer may change without anybody doing anything."""
    for heard in explanation.interests:
        decided_by = heard.decided_by
        if decided_by.until_us != ALWAYS_US:
            yield f"{decided_by.reason} ({decided_by.ref}) ends at {format_instant(decided_by.until_us)}."
        for s, why in heard.considered:
            if why is Mismatch.NOT_YET:
                yield f"{s.reason} ({s.ref}) starts at {format_instant(s.from_us)}."


_NO: Final = {
    "agreement": (
        "The agreement {ref} permits {use}: {speaker} has to terminate it (`rights.agreement.terminated`) or sign it "
        "again without that (`rights.agreement.signed`, the same id). A withdrawal of consent does not overrule it."
    ),
    "wishes": (
        "{speaker} granted it ({ref}) and may take it back at any time: `rights.consent.withdrawn` on {subject} naming "
        "{purpose}."
    ),
}
_WITHDRAW: Final = (
    "{reason} ({ref}) permits {use}; {holder} may say no at any time: `rights.consent.withdrawn` with speaker and "
    "subject {holder}, naming {purpose}. One no is enough."
)
_TAKEDOWN: Final = (
    "A takedown (`rights.claim.opened`, kind `takedown`, on the asset, its ISRC or its content hash) stops every use, "
    "also of copies under other ids."
)


def ways_to_no(explanation: Explanation, use: Use, holder: str) -> tuple[str, ...]:
    """What a holder can do about a permit, in sentences: the event that would stop it."""
    mine = [heard for heard in explanation.interests if heard.holder == holder] or list(explanation.interests)
    found = []
    for heard in mine:
        s = heard.decided_by
        if VERDICT_OF[s.says] is Verdict.PERMIT:
            told = {
                "ref": s.ref,
                "speaker": s.speaker,
                "subject": s.subject,
                "reason": s.reason,
                "purpose": use.purpose,
            }
            found.append(_NO.get(s.layer, _WITHDRAW).format(**told, holder=holder, use=use_in_words(use)))
    return (*dict.fromkeys(found), _TAKEDOWN)

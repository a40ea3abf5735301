"""What would change a decision: told for every decision case, and true."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import pytest
import yaml

from gatekeeper.core.advice import advice
from gatekeeper.core.asset import asset_of
from gatekeeper.core.contracts import Contracts, contracts_of
from gatekeeper.core.decision import REASON_ORDER, Explanation, Verdict, explain
from gatekeeper.core.events import read_rights_event
from gatekeeper.core.policy import Policy, read_policy
from gatekeeper.core.rights import state_of
from gatekeeper.core.use import Use
from gatekeeper.edges.shipped import read_schemas
from tests.core.cases import Case, load_cases
from tests.core.test_decision_cases import asset_of_case

CASES = load_cases()


@cache
def _contracts() -> Contracts:
    return contracts_of(read_schemas())


@cache
def _shipped() -> dict[str, Any]:
    return dict(yaml.safe_load((files("gatekeeper") / "shipped/policy/policy.yaml").read_text("utf-8")))


def _policy(case: Case) -> Policy:
    return read_policy(case.policy_document(_shipped()))


def _explained(case: Case, without: frozenset[int] = frozenset()) -> tuple[Explanation, Use]:
    """The case's explanation, as if some rights events had never been said."""
    policy = _policy(case)
    records = [
        read_rights_event(position, record.value, record.arrived_us, policy.purposes, _contracts().check_rights)
        for position, record in enumerate(case.rights)
        if position not in without
    ]
    use = Use(case.purpose, frozenset(case.territories), case.model)
    return explain(asset_of_case(case), use, state_of(records, case.rights_at), policy, case.at_us), use


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_no_has_a_way_to_another_answer(case: Case) -> None:
    """A deny or a hold always comes with at least one sentence, each sentence once, none with a hole in it."""
    explanation, use = _explained(case)
    sentences = advice(explanation, use)
    assert len(set(sentences)) == len(sentences)
    assert all("None" not in sentence and "{" not in sentence for sentence in sentences)
    assert sentences or explanation.decision.verdict is Verdict.PERMIT


def _stopped_by_one_event(case: Case) -> bool:
    explanation, _ = _explained(case)
    stops = [h.decided_by for h in explanation.interests]
    one_claim = len({s.ref for s in stops}) == 1 and stops[0].layer == "claim" and stops[0].ref.startswith("rights:")
    return one_claim and not explanation.missing_roles


CLAIMED = [case for case in CASES if _stopped_by_one_event(case)]


def test_claims_are_among_the_cases() -> None:
    """The next test is not empty."""
    assert len(CLAIMED) > 10


@pytest.mark.parametrize("case", CLAIMED, ids=lambda case: case.id)
def test_what_would_decide_next_is_what_decides_next(case: Case) -> None:
    """Where a claim is all that decides: with its event taken away, the decision is the one the advice foretold."""
    explanation, use = _explained(case)
    position = int(explanation.decision.statement.removeprefix("rights:"))
    without, _ = _explained(case, frozenset({position}))
    foretold = advice(explanation, use)
    for heard in without.interests:
        reason = heard.decided_by.reason
        expected = "Then nothing would permit it yet." if reason == "no_permission" else f"Then {reason} "
        assert any(expected in sentence for sentence in foretold), (expected, foretold)


def test_advice_knows_every_reason() -> None:
    """Each reason that can say no or leave open is told by some case, or has words of its own."""
    from gatekeeper.core.advice import _OBSTACLE

    noes = {r for r in REASON_ORDER if not r.endswith((".permit", ".opt_in", "missing_role"))}
    worded = {*_OBSTACLE, *(r for r in noes if r.startswith("reservation."))}
    assert noes == worded


def test_a_removed_asset_comes_back_only_by_a_later_publication() -> None:
    """No claim has to be closed where the owner removed the asset itself."""
    asset = asset_of({"asset_id": "a", "account_id": "n", "offset": 4, "removed_by": 3})
    explanation = explain(asset, Use("service"), state_of([]), read_policy(_shipped()), 0)
    sentences = advice(explanation, Use("service"))
    assert sentences[0].startswith("The asset was removed (content:0:3). Only a later `content.published`")


def test_a_yes_that_does_not_reach_is_pointed_out() -> None:
    """An opt-in for another territory is the shortest way to a yes: it is named with what it lacks."""
    near = [case for case in CASES if "other territory" in case.id or "territor" in case.theme]
    told = [sentence for case in near for sentence in advice(*_explained(case))]
    assert any("would help" in sentence and "territories" in sentence for sentence in told), told


def test_a_yes_that_ends_says_when() -> None:
    """A permit that runs out names the instant."""
    ending = [c for c in CASES if any(h.decided_by.until_us < 2**62 for h in _explained(c)[0].interests)]
    permits = [c for c in ending if c.expect.verdict == "permit"]
    assert permits
    for case in permits:
        assert any(" ends at " in sentence for sentence in advice(*_explained(case)))

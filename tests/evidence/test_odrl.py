"""The ODRL test suite, as far as an agreement can say what its policies say (table in the README).

How a policy becomes an agreement: an action is a purpose (``use`` ⊃ ``read``, ``write``; ``transfer`` ⊃ ``sell``), no
action is every purpose; the assignee is the model that the agreement names, since both say for whom; the assigner holds
the recording. A rule that the suite reports active is one that decides.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rdflib import Graph, Namespace, URIRef
from rdflib.term import Node

from gatekeeper.core.asset import asset_of
from gatekeeper.core.decision import decide
from gatekeeper.core.events import read_rights_event
from gatekeeper.core.policy import read_policy
from gatekeeper.core.rights import state_of
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.times import parse_instant
from gatekeeper.core.use import Use
from tests.core.comparing import SEED, batch_of, by_kernel, check_rights, shipped_policy
from tests.support.shared_data import FOLDER, shared

ODRL = Namespace("http://www.w3.org/ns/odrl/2/")
EX = Namespace("http://example.org/")
REPORT = Namespace("https://w3id.org/force/compliance-report#")
AT = "2024-02-12T11:20:10Z"
PURPOSES = {"use": "use", "read": "use.read", "write": "use.write", "transfer": "transfer", "sell": "transfer.sell"}
ROOTS = ["use", "transfer"]
CASES = sorted(path.name for path in (FOLDER / "vectors" / "odrl-test-suite" / "test_cases").glob("*.ttl"))


@cache
def suite() -> Graph:
    graph = Graph()
    for path in sorted(shared("vectors", "odrl-test-suite").rglob("*.ttl")):
        graph.parse(path, format="turtle")
    return graph


def name(node: Node | None) -> str:
    return str(node).rpartition("/")[2]


def one(subject: Node | None, predicate: URIRef) -> Node | None:
    return suite().value(subject, predicate)


def policy_document() -> dict[str, Any]:
    """The shipped policy with the suite's actions as its purposes."""
    stops = {"takedown": ["*"], "deletion": ["*"], "dispute": ["*"], "account_control": ["*"]}
    reservations = {"no_ai_tag": ROOTS, "unsupported": ROOTS}
    tables = {"purposes": dict.fromkeys(PURPOSES.values()), "claims": stops, "reservations": reservations}
    return {**shipped_policy(), **tables, "signals": None, "required_roles": {}, "licences": []}


def agreement(policy: Node) -> dict[str, Any]:
    """The one rule of a policy as an agreement of the recording's holder."""
    sides: dict[str, list[str]] = {"permits": [], "prohibits": []}
    models: list[str] = []
    for predicate, side in ((ODRL.permission, "permits"), (ODRL.prohibition, "prohibits")):
        for rule in suite().objects(policy, predicate):
            action, assignee = one(rule, ODRL.action), one(rule, ODRL.assignee)
            sides[side] += ROOTS if action is None else [PURPOSES[name(action)]]
            models += [] if assignee is None else [name(assignee)]
    data = {"agreement_id": "a", "party_id": "assigner", "scope": {"all": True}, **sides}
    return {**data, "models": models, "valid_from": "2024-01-01T00:00:00Z"}


def event(data: dict[str, Any]) -> bytes:
    envelope = {"specversion": "1.0", "id": "1", "source": "urn:odrl", "type": "rights.agreement.signed"}
    return json.dumps({**envelope, "time": "2024-01-01T00:00:00Z", "data": data}).encode()


def asked(request: Node) -> Use:
    permission = one(request, ODRL.permission)
    return Use(PURPOSES[name(one(permission, ODRL.action))], frozenset(), name(one(permission, ODRL.assignee)))


def expected(case: Node) -> tuple[str, str]:
    """(permission or prohibition, active or inactive)."""
    rule = one(one(case, EX.expectedReport), REPORT.ruleReport)
    kind = next(str(t) for t in suite().objects(rule, URIRef("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")))
    return name(URIRef(kind.replace("#", "/"))), str(one(rule, REPORT.activationState)).rpartition("#")[2]


VERDICTS = {
    ("PermissionReport", "Active"): ("permit", "agreement.permit"),
    ("PermissionReport", "Inactive"): ("deny", "no_permission"),
    ("ProhibitionReport", "Active"): ("deny", "agreement.prohibit"),
    ("ProhibitionReport", "Inactive"): ("deny", "no_permission"),
}


def test_the_suite_is_there() -> None:
    """Twenty cases, so that the next test is not empty."""
    shared("vectors", "odrl-test-suite")
    assert len(CASES) == 20


@pytest.mark.parametrize("file", CASES)
def test_a_case_of_the_suite(file: str) -> None:
    """Reference and kernel decide as the suite reports; an inactive rule leaves nothing that permits."""
    graph = Graph().parse(Path(shared("vectors", "odrl-test-suite", "test_cases", file)), format="turtle")
    case = next(graph.subjects(EX.policy))
    policy = read_policy(policy_document())
    signed, request = one(case, EX.policy), one(case, EX.request)
    assert signed is not None
    assert request is not None
    at_us = parse_instant(AT)
    records = [read_rights_event(0, event(agreement(signed)), at_us, policy.purposes, check_rights())]
    row = {"asset_id": "x", "account_id": "k", "interests": [{"party_id": "assigner", "role": "recording"}]}
    use = asked(request)
    decided = decide(asset_of(row), use, state_of(records), policy, at_us)
    assert (str(decided.verdict), decided.reason) == VERDICTS[expected(case)]
    snapshot = Snapshot.compile(records, 1, policy, {"asked": use}, at_us, seed=SEED)
    [[(verdict, reason, _, _)]] = by_kernel(batch_of([{**row, "partition": 0, "offset": 0}]), snapshot)
    assert (verdict, reason) == VERDICTS[expected(case)]

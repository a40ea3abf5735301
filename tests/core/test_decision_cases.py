"""Every decision case, through the reference implementation."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import pytest
import yaml

from gatekeeper.core.asset import Asset, asset_of
from gatekeeper.core.contracts import Contracts, contracts_of
from gatekeeper.core.decision import explain
from gatekeeper.core.events import read_rights_event
from gatekeeper.core.policy import read_policy
from gatekeeper.core.removals import REMOVED
from gatekeeper.core.rights import state_of
from gatekeeper.core.times import parse_instant
from gatekeeper.core.use import Use
from gatekeeper.edges.shipped import read_schemas
from tests.core.cases import Case, load_cases

CASES = load_cases()


@cache
def _shipped_policy() -> dict[str, Any]:
    text = (files("gatekeeper") / "shipped/policy/policy.yaml").read_text("utf-8")
    return dict(yaml.safe_load(text))


@cache
def _contracts() -> Contracts:
    return contracts_of(read_schemas())


def asset_of_case(case: Case) -> Asset:
    """The asset as the stream knows it when ``content[expect.index]`` is decided."""
    known = case.content[: case.expect.index + 1]
    decided = known[-1]
    asset_id = decided.event["data"]["asset_id"]
    of_asset = [r for r in known if r.event["data"]["asset_id"] == asset_id]
    removed_by: tuple[int, int] | None = None
    time_us = parse_instant(decided.event["time"])
    for record in of_asset:
        record_us = parse_instant(record.event["time"])
        if record is decided:
            break
        if record.event["type"] == REMOVED and (removed_by is None or record_us > removed_by[0]):
            removed_by = (record_us, record.offset)
    covered = decided.offset if decided.event["type"] == REMOVED else None
    if covered is None and removed_by is not None and time_us <= removed_by[0]:
        covered = removed_by[1]
    row = dict(decided.event["data"]) | {"partition": decided.partition, "offset": decided.offset}
    row |= {"removed_by": covered, "conflicting": len({r.partition for r in of_asset}) > 1}
    return asset_of(row)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(case: Case) -> None:
    """The verdict, its reason, its holder and its evidence are what the case says."""
    policy = read_policy(case.policy_document(_shipped_policy()))
    check = _contracts().check_rights
    records = [
        read_rights_event(position, record.value, record.arrived_us, policy.purposes, check)
        for position, record in enumerate(case.rights)
    ]
    use = Use(case.purpose, frozenset(case.territories), case.model)
    decision = explain(asset_of_case(case), use, state_of(records, case.rights_at), policy, case.at_us).decision
    answer = (decision.verdict, decision.reason, decision.holder)
    assert answer == (case.expect.verdict, case.expect.reason, case.expect.holder), case.because
    if case.expect.evidence_statement is not None:
        assert decision.statement == case.expect.evidence_statement, case.because
    assert decision.evidence == f"{decision.statement}@{case.rights_at}#{policy.short_digest}"

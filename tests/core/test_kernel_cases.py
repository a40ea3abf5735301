"""Every decision case, through the columnar kernel."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper.core.events import read_rights_event
from gatekeeper.core.policy import read_policy
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.use import Use
from tests.core.cases import Case, load_cases
from tests.core.comparing import SEED, batch_of, by_kernel, check_rights, shipped_policy
from tests.core.test_decision_cases import asset_of_case


def row_of_case(case: Case) -> dict[str, Any]:
    """The content event that a case asks about, as a row with what the stream knows of its asset."""
    record, asset = case.content[case.expect.index], asset_of_case(case)
    known = {"partition": record.partition, "offset": record.offset}
    known |= {"removed_by": asset.removed_by, "conflicting": asset.conflicting}
    return {**record.event["data"], **known}


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.id)
def test_case(case: Case) -> None:
    """The kernel's verdict, reason, holder and evidence are what the case says."""
    policy = read_policy(case.policy_document(shipped_policy()))
    records = [
        read_rights_event(position, record.value, record.arrived_us, policy.purposes, check_rights())
        for position, record in enumerate(case.rights)
    ]
    uses = {"asked": Use(case.purpose, frozenset(case.territories), case.model)}
    snapshot = Snapshot.compile(records, case.rights_at, policy, uses, case.at_us, seed=SEED)
    [[(verdict, reason, holder, evidence)]] = by_kernel(batch_of([row_of_case(case)]), snapshot)
    assert (verdict, reason, holder) == (case.expect.verdict, case.expect.reason, case.expect.holder), case.because
    statement, _, rest = evidence.rpartition("@")
    assert rest == f"{case.rights_at}#{policy.short_digest}"
    assert case.expect.evidence_statement in {None, statement}, case.because

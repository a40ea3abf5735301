"""Commands that change a workspace: ``init`` and ``apply`` with real edges."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from gatekeeper.config import read_workspace
from gatekeeper.core.policy import read_policy
from gatekeeper.edges.new_workspace import make_workspace
from gatekeeper.edges.rules_files import read_terms
from gatekeeper.stages import apply as applying
from gatekeeper.stages.append import Judge
from gatekeeper.stages.append import rights_judge as judge_rights
from gatekeeper.stages.terms import terms_events
from gatekeeper.wiring.workspace import Clock, OpenWorkspace


def new_workspace(root: Path, *, bare: bool, clock_us: Clock) -> OpenWorkspace:
    """A workspace with empty logs; unless ``bare`` the shipped terms, policy and datasets are on the rights log."""
    opened = OpenWorkspace(read_workspace(make_workspace(root, bare=bare).root), clock_us)
    if not bare:
        terms = terms_events(read_terms(opened.workspace.terms_file), clock_us())
        with closing(opened.writer("rights")) as log:
            log.append((None, event) for event in terms)
        apply(opened, plan(opened))
    return opened


def plan(opened: OpenWorkspace) -> applying.Plan:
    """What ``apply`` would put on the log. Raises ``BadInput`` where the files are not valid."""
    rules = opened.rules()
    rights = opened.rights(rules.policy)
    kept = opened.kept()
    made = applying.plan(rules.policy, rules.declarations, rights.register, kept.get)
    active = rights.register.policy_digest
    before = kept.get("policy", active) if active and active != rules.policy.digest else None
    if before is None:
        return made
    as_before = opened.rights(read_policy(before), rights.position)
    return replace(made, unreadable=applying.no_longer_readable(as_before.events, rights.events))


def rights_judge(opened: OpenWorkspace) -> Judge:
    """Rights events against their contract, the policy file and what the lake keeps."""
    kept = opened.kept()
    purposes, limits = opened.policy().purposes, opened.workspace.limits

    def is_kept(kind: str, digest: str) -> bool:
        return kept.get(kind, digest) is not None

    return judge_rights(opened.contracts.check_rights, purposes, opened.clock_us, limits, is_kept)


def apply(opened: OpenWorkspace, plan: applying.Plan) -> list[dict[str, Any]]:
    """Carry the plan out; the events that are now on the log."""
    with closing(opened.writer("rights")) as log:
        return applying.carry_out(plan, opened.kept().put, log, opened.clock_us())

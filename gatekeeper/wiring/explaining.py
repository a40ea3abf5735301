"""``explain`` with real edges: an asset's decision now, from a file, or as it was recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.events import RightsEvent
from gatekeeper.core.layout import CATALOG, DECISIONS
from gatekeeper.core.policy import Policy, read_policy
from gatekeeper.core.tables import CONTENT_SCHEMA, INSTANT
from gatekeeper.core.use import Declaration, read_declaration
from gatekeeper.errors import BadInput
from gatekeeper.stages.decide import named
from gatekeeper.stages.explain import Known, Told, latest, parse_evidence, tell
from gatekeeper.stages.gate.barrier import RightsRead
from gatekeeper.stages.reading import decisions_of, events_of
from gatekeeper.wiring.questions import Asked, instant_of
from gatekeeper.wiring.workspace import OpenWorkspace


@dataclass(frozen=True)
class Explained:
    """``recorded`` is the decision on record that the answer is compared with, None where there is none."""

    told: Told
    recorded: Mapping[str, Any] | None


def explain_now(opened: OpenWorkspace, dataset: str, asset_id: str, asked: Asked, file: pa.Table | None) -> Explained:
    """The decision on the asset's latest event, of the catalogue or of ``file``, compared with the last on record."""
    rules = opened.rules()
    rights = opened.rights(rules.policy, asked.rights_at)
    instant_us = instant_of(opened, asked, rights)
    known = Known(rules.policy, named(rules, dataset), rights.records, rights.events, rights.position, instant_us)
    history = _catalogue(opened, asset_id) if file is None else file
    told = tell(*latest(history, asset_id), known)
    recorded = _recorded(opened, asset_id, dataset) if file is None else []
    return Explained(told, recorded[-1] if recorded else None)


def explain_recorded(opened: OpenWorkspace, dataset: str, asset_id: str, text: str) -> Explained:
    """A decision on record, found by its evidence and decided again on what stood then. Raises ``BadInput``."""
    evidence = parse_evidence(text)
    found = [row for row in _recorded(opened, asset_id, dataset) if row["evidence"] == text]
    if not found:
        do = "copy the evidence from `decisions` or from an answer of the gate for this asset and dataset"
        raise BadInput(f"no decision on {asset_id!r} for {dataset} carries the evidence {text}", do)
    recorded = found[-1]
    policy = _policy(opened, recorded["policy"])
    rights = opened.rights(policy, evidence.position)
    declaration = _declaration(opened, dataset, rights.events, policy)
    decided_us = pa.scalar(recorded["decided_at"], INSTANT).value
    known = Known(policy, declaration, rights.records, rights.events, evidence.position, decided_us)
    return Explained(tell(*latest(_until(_catalogue(opened, asset_id), recorded), asset_id), known), recorded)


def _catalogue(opened: OpenWorkspace, asset_id: str) -> pa.Table:
    catalog = opened.table(CATALOG)
    return CONTENT_SCHEMA.empty_table() if catalog is None else events_of(catalog, asset_id)


def _recorded(opened: OpenWorkspace, asset_id: str, dataset: str) -> list[dict[str, Any]]:
    """Decisions on record, the last one last."""
    table = opened.table(DECISIONS)
    if table is None:
        return []
    rows = decisions_of(table, asset_id)
    found: list[dict[str, Any]] = rows.filter(pc.equal(rows["dataset"], dataset)).to_pylist()
    return found


def _until(history: pa.Table, recorded: Mapping[str, Any]) -> pa.Table:
    """The events the decision knew. That the asset was in two partitions is taken from the record itself."""
    here = pc.equal(history["partition"], recorded["partition"])
    known = pc.and_(here, pc.less_equal(history["offset"], recorded["offset"]))
    if recorded["reason"] == "evidence.conflicting":
        known = pc.or_(known, pc.invert(here))
    return history.filter(known)


def _policy(opened: OpenWorkspace, digest: str) -> Policy:
    document = opened.kept().get("policy", digest)
    if document is None:
        raise BadInput(f"the lake keeps no policy {digest}", "restore lake/kept from a backup")
    return read_policy(document)


def _declaration(opened: OpenWorkspace, dataset: str, events: Sequence[RightsRead], policy: Policy) -> Declaration:
    """The declaration in force at the position; the file's where the log had none yet."""
    declared = [e for e in events if isinstance(e, RightsEvent) and e.type == "dataset.declared"]
    digests = [e.data["digest"] for e in declared if e.data["name"] == dataset]
    document = opened.kept().get("dataset", digests[-1]) if digests else None
    return named(opened.rules(), dataset) if document is None else read_declaration(document, policy.purposes)

"""Whether an asset is in a release; and if not, the decision that kept it out.

Rules of this file, the first that holds answers: its row; what the build refused, and why; the last decision on record
that stood when the release was built; no decision by then; no such asset. ``where`` of a declaration may leave a
permitted asset out: selection is not permission.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper.core.manifest import REFUSED, Manifest
from gatekeeper.core.times import parse_instant
from gatekeeper.stages.latest import folder_of
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.trace.life import Life
from gatekeeper.stages.trace.membership import Member

NOT_SELECTED = "not_selected"


@dataclass(frozen=True)
class InRelease:
    """``row`` where it is a member. Else ``decision`` is what kept it out (None: nothing was decided by then) and
    ``because`` the same in words.
    """

    release: str
    row: Member | None
    decision: Mapping[str, Any] | None
    because: str

    @property
    def member(self) -> bool:
        return self.row is not None


def in_release(store: ReleaseStore, manifest: Manifest, life: Life) -> InRelease:
    """The answer for one asset and one release."""
    row = next((member for member in life.releases if member.release == manifest.name), None)
    if row is not None:
        recalled = f", recalled by {row.recall}" if row.recall else ""
        return InRelease(manifest.name, row, None, f"in {manifest.name}: {row.reason} ({row.evidence}){recalled}")
    refused = _refused(store, manifest, life.asset_id)
    if refused is not None:
        what = "its declaration does not select it" if refused["reason"] == NOT_SELECTED else _told(refused)
        return InRelease(manifest.name, None, refused, f"not in {manifest.name}: the build left it out: {what}")
    decision = _stood(life.decisions, manifest)
    return InRelease(manifest.name, None, decision, f"not in {manifest.name}: {_because(decision, life, manifest)}")


def _because(decision: Mapping[str, Any] | None, life: Life, manifest: Manifest) -> str:
    when = f"when it was built (rights position {manifest.basis.rights_position}, {manifest.basis.instant})"
    if not life.events:
        return "no event of this asset is in the catalogue"
    if decision is None:
        return f"nothing had been decided on it for {manifest.dataset} {when}"
    if decision["verdict"] == "permit":
        return f"it was permitted {when}, and the dataset's table did not hold it yet"
    return f"{when} the decision was {_told(decision)}"


def _told(decision: Mapping[str, Any]) -> str:
    holder = f", {decision['holder']}" if decision.get("holder") else ""
    return f"{decision['verdict']}: {decision['reason']}{holder} ({decision['evidence']})"


def _refused(store: ReleaseStore, manifest: Manifest, asset_id: str) -> dict[str, Any] | None:
    """The asset's line in what the build left out."""
    data = store.read(f"{folder_of(manifest.dataset, manifest.version)}/{REFUSED}") or b""
    quoted = json.dumps(asset_id, ensure_ascii=False).encode()
    escaped = json.dumps(asset_id).encode()
    for line in data.splitlines():
        if (quoted in line or escaped in line) and (found := json.loads(line))["asset_id"] == asset_id:
            return dict(found)
    return None


def _stood(told: Sequence[Mapping[str, Any]], manifest: Manifest) -> Mapping[str, Any] | None:
    """The last decision for the release's dataset that was on record when it was built."""
    position, instant_us = manifest.basis.rights_position, parse_instant(manifest.basis.instant)
    then = [
        row
        for row in told
        if row["dataset"] == manifest.dataset
        and row["rights_position"] <= position
        and parse_instant(row["decided_at"]) <= instant_us
    ]
    return then[-1] if then else None

"""``gatekeeper holds``: the work list of people. What is held, why, and who could resolve it (design §7).

A hold says "we cannot know"; each has somebody who could. Groups are by reason and holder, the largest first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.stages.reading import ReadableTable, last_decisions

WHO = {
    "title.missing_role": "the publisher of the recording: declare who holds the missing role (`content.updated`)",
    "terms.unclear": "the holder: a consent or an agreement; or the desk that publishes the terms",
    "evidence.unreadable": (
        "an operator: look at the rights event, then `gatekeeper rights resolve POSITION --because …`; or whoever sent "
        "the signal: send it again"
    ),
    "evidence.unsupported": (
        "whoever sent the signal: name its version; engineering: a reader for it; or the holder: an agreement"
    ),
    "evidence.unverified": "the rights desk: verify the evidence or ask for better",
    "evidence.constrained": "the rights desk: say whether the use meets the conditions; or the holder: an agreement",
    "evidence.conflicting": "an operator: events without the asset id as key; or whoever sent the signal: which holds",
    "evidence.stale": "whoever fetched the content: fetch it and its robots.txt again",
}
"""Who could turn a hold into an answer. A reason that is not here is new: the rights desk looks at it first."""

EXAMPLES_MAX = 3


@dataclass(frozen=True)
class Held:
    """One group: ``assets`` counts (asset, dataset) pairs; ``evidence`` belongs to the first example."""

    reason: str
    holder: str | None
    assets: int
    datasets: tuple[str, ...]
    who: str
    examples: tuple[str, ...]
    evidence: str


def held(decisions: ReadableTable, datasets: Iterable[str] | None = None) -> list[Held]:
    """Groups of what is held now, of all datasets or of these."""
    rows = last_decisions(decisions, ("verdict", "reason", "holder", "evidence"))
    rows = rows.filter(pc.equal(rows["verdict"], "hold"))
    if datasets is not None:
        rows = rows.filter(pc.is_in(rows["dataset"], value_set=pa.array(list(datasets), pa.string())))
    return groups_of(rows)


def groups_of(rows: pa.Table) -> list[Held]:
    """Held decisions (``reason, holder, asset_id, dataset, evidence``) as the work of people, the largest first."""
    groups: dict[tuple[str, str | None], list[tuple[str, str, str]]] = defaultdict(list)
    columns = (rows[name].to_pylist() for name in ("reason", "holder", "asset_id", "dataset", "evidence"))
    for reason, holder, asset, dataset, evidence in zip(*columns, strict=True):
        groups[reason, holder].append((asset, dataset, evidence))
    found = [_group(reason, holder, members) for (reason, holder), members in groups.items()]
    return sorted(found, key=lambda group: (-group.assets, group.reason, group.holder or ""))


def _group(reason: str, holder: str | None, members: list[tuple[str, str, str]]) -> Held:
    members.sort()
    return Held(
        reason=reason,
        holder=holder,
        assets=len(members),
        datasets=tuple(sorted({dataset for _, dataset, _ in members})),
        who=WHO.get(reason, "the rights desk"),
        examples=tuple(list(dict.fromkeys(asset for asset, _, _ in members))[:EXAMPLES_MAX]),
        evidence=members[0][2],
    )

"""``gatekeeper review``: what stands behind a candidate, for the person who must say yes.

What came in, what was refused and why, for whose sake, and what waits for a person. Everything is counted from what is
on record; nothing is decided here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.stages.holds import Held, groups_of
from gatekeeper.stages.reading import ReadableTable, last_decisions

NOBODY = "nobody in particular"
GROUPS_SHOWN_MAX = 60
"""Groups of refused assets that are told one by one; the totals count them all."""
HOLDERS_SHOWN_MAX = 12
EXAMPLES_MAX = 3

Group = Mapping[str, Any]
"""``verdict``, ``reason``, ``holder`` and how many assets have them."""


@dataclass(frozen=True)
class Refused:
    """Assets that may not go in for one reason and one holder's sake. ``layer`` is where the reason comes from."""

    verdict: str
    reason: str
    layer: str
    holder: str
    assets: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Standing:
    """The last decision on every asset for one dataset. ``refused`` are the largest groups; ``by_layer``, ``by_reason``
    and ``by_holder`` count all that is denied or held.
    """

    assets: int
    verdicts: Mapping[str, int]
    refused: tuple[Refused, ...]
    by_layer: Mapping[str, int]
    by_reason: Mapping[str, int]
    by_holder: Mapping[str, int]
    held: tuple[Held, ...]


def standing(decisions: ReadableTable, dataset: str, layer_of: Mapping[str, str]) -> Standing:
    """What is on record for a dataset. ``layer_of``: reason → layer."""
    rows = last_decisions(decisions, ("verdict", "reason", "holder", "evidence"), dataset)
    groups = rows.group_by(["verdict", "reason", "holder"]).aggregate([("asset_id", "count")]).to_pylist()
    groups.sort(key=lambda g: (-g["asset_id_count"], g["reason"], g["holder"] or ""))
    against = [g for g in groups if g["verdict"] != "permit"]
    return Standing(
        assets=rows.num_rows,
        verdicts=_totals(groups, lambda g: g["verdict"]),
        refused=tuple(_refused(g, _examples(rows, g), layer_of) for g in against[:GROUPS_SHOWN_MAX]),
        by_layer=_totals(against, lambda g: layer_of.get(g["reason"], "none")),
        by_reason=_totals(against, lambda g: g["reason"]),
        by_holder=dict(list(_totals(against, lambda g: g["holder"] or NOBODY).items())[:HOLDERS_SHOWN_MAX]),
        held=tuple(groups_of(rows.filter(pc.equal(rows["verdict"], "hold")))),
    )


@dataclass(frozen=True)
class LeftOut:
    """Rows of the dataset's table that the build left out for one reason. ``forged``: no decision explains them."""

    reason: str
    holder: str
    forged: bool
    assets: int
    examples: tuple[str, ...]


def left_out(lines: Iterable[bytes]) -> list[LeftOut]:
    """The lines of a candidate's ``refused.jsonl``, counted: forged rows first, then the largest groups."""
    counts: Counter[tuple[bool, str, str]] = Counter()
    examples: dict[tuple[bool, str, str], list[str]] = {}
    for line in lines:
        row = json.loads(line)
        group = (bool(row.get("forged")), row["reason"], row.get("holder") or NOBODY)
        counts[group] += 1
        if len(some := examples.setdefault(group, [])) < EXAMPLES_MAX:
            some.append(row["asset_id"])
    ordered = sorted(counts.items(), key=lambda item: (not item[0][0], -item[1], item[0]))
    return [LeftOut(reason, holder, forged, n, tuple(examples[forged, reason, holder]))
            for (forged, reason, holder), n in ordered[:GROUPS_SHOWN_MAX]]  # fmt: skip


def _totals(groups: Iterable[Group], key: Callable[[Group], str]) -> dict[str, int]:
    """The largest first."""
    counts: Counter[str] = Counter()
    for group in groups:
        counts[key(group)] += group["asset_id_count"]
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _examples(rows: pa.Table, group: Group) -> list[str]:
    same = pc.equal(rows["reason"], pa.scalar(group["reason"]))
    holder = group["holder"]
    same = pc.and_(same, pc.is_null(rows["holder"]) if holder is None else pc.equal(rows["holder"], pa.scalar(holder)))
    ids = rows["asset_id"].filter(pc.and_(same, pc.equal(rows["verdict"], pa.scalar(group["verdict"]))))
    smallest = pc.select_k_unstable(ids, k=EXAMPLES_MAX, sort_keys=[("", "ascending")])
    found: list[str] = ids.take(smallest).to_pylist()
    return found


def _refused(group: Group, examples: Sequence[str], layer_of: Mapping[str, str]) -> Refused:
    reason = group["reason"]
    return Refused(
        verdict=group["verdict"],
        reason=reason,
        layer=layer_of.get(reason, "none"),
        holder=group["holder"] or NOBODY,
        assets=group["asset_id_count"],
        examples=tuple(examples),
    )


@dataclass(frozen=True)
class Named:
    """An asset as people know it; ``title`` is empty where its event has none."""

    title: str = ""
    artists: tuple[str, ...] = ()


def names_of(catalog: ReadableTable, asset_ids: Iterable[str]) -> dict[str, Named]:
    """Title and artists of each asset's latest event; for few assets, because each is looked up."""
    found = {}
    for asset in sorted(set(asset_ids)):
        rows = catalog.look_up("asset_id", asset, ("offset", "title", "artists")).sort_by("offset").to_pylist()
        if rows:
            found[asset] = Named(rows[-1]["title"] or "", tuple(rows[-1]["artists"] or ()))
    return found

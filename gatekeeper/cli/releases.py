"""``gatekeeper releases``: list, show, diff."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.console import Group, RenderableType
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened
from gatekeeper.cli.theme import number, table

if TYPE_CHECKING:
    from gatekeeper.stages.releases import Difference, Line, Shown


@click.group(short_help="What is published: list, show, diff.")
def releases() -> None:
    """Published releases."""


@releases.command("list", short_help="Every release, or those of one dataset.")
@click.argument("dataset", required=False)
@with_caller
def list_(caller: Caller, dataset: str | None) -> None:
    """List releases: rows, when and on what rights position they were published, who approved, what is recalled."""
    from gatekeeper.wiring import releasing

    lines = releasing.list_releases(opened(caller), dataset)
    caller.answer({"releases": [asdict(line) for line in lines]}, lambda: _listed(lines))


@releases.command(short_help="One release: what it rests on and holds.")
@click.argument("release")
@with_caller
def show(caller: Caller, release: str) -> None:
    """Show RELEASE (dataset@version, or a dataset for its latest): its manifest and its recalls."""
    from gatekeeper.core.manifest import manifest_bytes
    from gatekeeper.wiring import releasing

    shown = releasing.show_release(opened(caller), release)
    manifest = json.loads(manifest_bytes(shown.manifest))
    recalls = [
        {"recall": r.name, "reason": r.reason, "asset_ids": r.asset_ids and sorted(r.asset_ids)} for r in shown.recalls
    ]
    machine = {"release": shown.manifest.name, "manifest": manifest, "recalls": recalls}
    caller.answer(machine, lambda: _shown(shown))


@releases.command(short_help="Rows in and out between two releases, by reason and holder.")
@click.argument("before")
@click.argument("after")
@with_caller
def diff(caller: Caller, before: str, after: str) -> None:
    """Show what came and what went between the releases BEFORE and AFTER, by reason and rightsholder."""
    from gatekeeper.wiring import releasing

    found = releasing.diff_releases(opened(caller), before, after)
    machine = {**asdict(found), "in": found.count("in"), "out": found.count("out")}
    caller.answer(machine, lambda: _differ(found))


def _listed(lines: list[Line]) -> RenderableType:
    if not lines:
        return Text("There is no release.")
    rows = table(
        "release", "rows", "published", "rights", "approved by", "recalled", "", numbers=("rows", "rights", "recalled")
    )
    for line in lines:
        if line.problem:
            rows.add_row(line.release, "", "", "", "", "", Text(line.problem, style="what"))
            continue
        recalled = "all" if line.recalled is None else number(line.recalled)
        mark = Text("latest", style="name") if line.latest else Text("")
        counts = (number(line.rows), line.published, str(line.rights_position))
        rows.add_row(line.release, *counts, line.approved_by or "-", recalled, mark)
    return rows


def _shown(shown: Shown) -> RenderableType:
    manifest, published = shown.manifest, shown.manifest.release
    about = table("", "")
    told = {
        "release": manifest.name,
        "rows": number(manifest.rows),
        "purpose": manifest.purpose,
        "territories": ", ".join(manifest.territories) or "worldwide",
        "model": manifest.model or "any",
        "built at": f"{manifest.basis.instant}, rights position {manifest.basis.rights_position}",
        "terms in force": manifest.basis.terms or "none",
        "policy": manifest.basis.policy,
    }
    if published is not None:
        told["published at"] = f"{published.instant}, rights position {published.rights_position}"
        if (answer := published.approval) is not None:
            told["approved"] = f"by {answer.by}, {answer.at}: {answer.because}"
    for name, text in told.items():
        about.add_row(Text(name, style="quiet"), Text(text))
    counts = table("rows", "reason", "", numbers=("rows",))
    for kind, by_reason in (("permitted", manifest.counts.permitted), ("left out", manifest.counts.refused)):
        for reason, count in sorted(by_reason.items(), key=lambda item: -item[1]):
            counts.add_row(number(count), reason, kind)
    recalls = [
        Text(f"recall {r.name}: {'every row' if r.asset_ids is None else len(r.asset_ids)}: {r.reason}", style="deny")
        for r in shown.recalls
    ]
    return Group(about, Text(), counts, *recalls)


def _differ(found: Difference) -> RenderableType:
    head = Text(
        f"{found.before} -> {found.after}: {found.count('in'):,} in, {found.count('out'):,} out, "
        f"{found.kept:,} in both ({found.changed:,} of them with a later content event)"
    )
    if not found.groups:
        return head
    rows = table("", "rows", "reason", "holder", "for example", numbers=("rows",))
    for group in found.groups:
        sign = Text("+ in", style="permit") if group.way == "in" else Text("x out", style="deny")
        rows.add_row(sign, number(group.rows), group.reason, group.holder or "-", ", ".join(group.examples))
    return Group(head, rows)

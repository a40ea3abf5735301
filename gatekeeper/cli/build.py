"""``gatekeeper build``: a dataset's permitted rows become a candidate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.console import Group, RenderableType
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.instants import INSTANT
from gatekeeper.cli.open import opened
from gatekeeper.cli.progress import steps_told
from gatekeeper.cli.theme import number, table

if TYPE_CHECKING:
    from gatekeeper.stages.build.values import Built


@click.command()
@click.argument("dataset")
@click.option("--version", help="Name of this version. Default: the instant it is decided at, as 20250620T120000Z.")
@click.option("--at", "at_us", type=INSTANT, help="Decide as of this instant, not now. Publishing decides again, now.")
@with_caller
def build(caller: Caller, dataset: str, version: str | None, at_us: int | None) -> None:
    """Decide every row of DATASET again and write the permitted ones as a candidate, DATASET@VERSION.

    The candidate is Parquet parts sorted by asset id, a manifest, and refused.jsonl with every row left out and why.
    A forged row, one that no decision explains, is refused and counted; the candidate stands without it.
    """
    from gatekeeper.wiring.building import BuildOptions
    from gatekeeper.wiring.building import build as run

    workspace = opened(caller)
    with steps_told(caller, dataset) as told:
        built = run(workspace, dataset, BuildOptions(version=version, at_us=at_us, told=told))
    answer = {
        "build": built.name,
        "rows": built.rows,
        "refused": dict(built.refused),
        "forged": built.forged,
        "manifest": built.manifest,
        "path": str(built.path),
    }
    caller.answer(answer, lambda: _report(built))


def _report(built: Built) -> RenderableType:
    """What is in the candidate, and what is not, by reason."""
    parts: list[RenderableType] = [
        Text.assemble((built.name, "name"), ": ", (number(built.rows), "permit"), " rows, every one permitted"),
        Text.assemble("manifest ", built.manifest),
        Text.assemble("in ", (str(built.path), "name")),
    ]
    if built.refused:
        rows = table("not in it", "reason", numbers=("not in it",))
        for reason, count in sorted(built.refused.items(), key=lambda pair: (-pair[1], pair[0])):
            rows.add_row(number(count), reason)
        parts.append(rows)
    if built.forged:
        what = f" {number(built.forged)} of them are forged: no decision explains them. See refused.jsonl. "
        parts.append(Text(what, style="shout"))
    parts.append(Text(f"next: gatekeeper check {built.name}", style="do"))
    return Group(*parts)

"""``gatekeeper demo``: the main job from one end to the other, on an invented world or on a real catalogue."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.constrain import Constrain
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.importing import FILE, import_progress, report
from gatekeeper.cli.theme import number, table
from gatekeeper.cli.verdicts import Counts, verdict_table

if TYPE_CHECKING:
    from gatekeeper.wiring import OpenWorkspace

DEAD_LETTERS_SHOWN = 5
PAGE_COLUMNS = 100
"""Prose is no wider, however wide the terminal."""


@click.command(short_help="See the whole path run on a small world, or on your catalogue.")
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--catalog", type=FILE, help="A real catalogue (CSV, TSV, Parquet; .gz too) instead of the invented world."
)
@click.option("--mapping", type=FILE, help="How its columns are read. Default: the shipped mapping that fits.")
@with_caller
def demo(caller: Caller, directory: Path | None, catalog: Path | None, mapping: Path | None) -> None:
    """The whole path on a small world, or on your catalogue.

    Makes a workspace, puts a world of recordings and rights on its logs, runs the gate and shows what it decided.

    DIRECTORY is made and kept; without it a new temporary folder is.
    """
    from gatekeeper import wiring

    root = directory or Path(tempfile.mkdtemp(prefix="gatekeeper-demo-"))
    workspace = wiring.new_workspace(root, bare=False, clock_us=caller.clock_us or wiring.system_clock_us)
    caller.say(Text.assemble("A new workspace in ", (str(workspace.workspace.root), "name")))
    dataset, asset = _real(caller, workspace, catalog, mapping) if catalog else _invented(caller, workspace)
    _run_gate(caller, workspace)
    counts, dead = _counts(workspace), _dead_letters(workspace)
    _show(caller, workspace, counts, dead)
    _explain(caller, workspace, dataset, asset)
    _next_steps(caller, workspace, dataset, asset)
    if caller.json:
        caller.line(
            {
                "workspace": str(workspace.workspace.root),
                "datasets": counts.as_document(),
                "dead_letters": [{key: row[key] for key in ("offset", "reason", "detail")} for row in dead],
                "explain": {"dataset": dataset, "asset": asset},
            }
        )


def _heading(caller: Caller, text: str) -> None:
    caller.say("")
    caller.say(Constrain(Rule(Text(text, style="name"), align="left", style="quiet"), PAGE_COLUMNS))


def _invented(caller: Caller, workspace: OpenWorkspace) -> tuple[str, str]:
    from gatekeeper.wiring.demo import tell_world

    world = tell_world(workspace)
    _heading(caller, "What happened (everybody here is invented)")
    for i, chapter in enumerate(world.chapters, 1):
        caller.say(Text.assemble(f"{i:2}. ", (chapter.title, "name")))
        caller.say(Constrain(Padding(Text(chapter.story), (0, 0, 0, 4)), PAGE_COLUMNS))
    return world.explain


def _real(caller: Caller, workspace: OpenWorkspace, catalog: Path, mapping: Path | None) -> tuple[str, str]:
    from gatekeeper.wiring.demo import tell_catalogue
    from gatekeeper.wiring.importing import Source, rejects_of

    with import_progress(caller, catalog.name) as on_block:
        imported, made_up = tell_catalogue(workspace, Source(catalog, mapping), on_block)
    _heading(caller, f"{catalog.name}: real tracks, labels and licences")
    caller.say(report(imported, rejects_of(workspace, catalog)))
    _heading(caller, "Made up for this demo: nobody below has said any of this")
    for sentence in made_up.told:
        caller.say(Constrain(Padding(Text(f"· {sentence}"), (0, 0, 0, 2)), PAGE_COLUMNS))
    return made_up.explain


def _run_gate(caller: Caller, workspace: OpenWorkspace) -> None:
    from gatekeeper.cli.gate_watch import Watch
    from gatekeeper.wiring.gate import GateOptions, gate_worker

    watch = Watch(caller)
    with watch, gate_worker(workspace, GateOptions(drain=True), watch) as worker:
        worker.run(None)


def _counts(workspace: OpenWorkspace) -> Counts:
    from gatekeeper.core.layout import DECISIONS
    from gatekeeper.stages.reading import last_decisions

    decisions = workspace.table(DECISIONS)
    if decisions is None:
        return Counts({})
    rows = last_decisions(decisions, ("verdict", "reason"))
    return Counts.of(zip(*(rows[name].to_pylist() for name in ("dataset", "verdict", "reason")), strict=True))


def _dead_letters(workspace: OpenWorkspace) -> list[dict[str, Any]]:
    from gatekeeper.core.layout import DEAD_LETTERS

    found = workspace.table(DEAD_LETTERS)
    return [] if found is None else found.scan().sort_by("offset").to_pylist()


def _show(caller: Caller, workspace: OpenWorkspace, counts: Counts, dead: list[dict[str, Any]]) -> None:
    _heading(caller, "What may go into which dataset, and why")
    purposes = {d.name: d.use.purpose for d in workspace.rules().declarations}
    caller.say(verdict_table(counts, purposes))
    _heading(caller, f"Dead letters: {number(len(dead))} records that are no events, kept with their bytes")
    if dead:
        rows = table("offset", "reason", "what the producer has to mend", numbers=("offset",))
        for row in dead[:DEAD_LETTERS_SHOWN]:
            rows.add_row(number(row["offset"]), row["reason"], row["detail"])
        caller.say(rows)


def _explain(caller: Caller, workspace: OpenWorkspace, dataset: str, asset: str) -> None:
    """As ``gatekeeper explain`` answers it."""
    from gatekeeper.cli.explain import explain

    if not caller.json:
        _heading(caller, f"gatekeeper explain --dataset {dataset} {asset}")
        caller.workspace = workspace.workspace.root
        click.get_current_context().invoke(
            explain, asset=asset, dataset=dataset, at_us=None, rights_at=None, file=None, evidence=None
        )


def _next_steps(caller: Caller, workspace: OpenWorkspace, dataset: str, asset: str) -> None:
    _heading(caller, "Next")
    root = workspace.workspace.root
    program = "gatekeeper" if shutil.which("gatekeeper") else sys.argv[0]
    caller.say(f"export GATEKEEPER_WORKSPACE={shlex.quote(str(root))}")
    steps = table("", "")
    steps.show_header = False
    for command, what in (
        ("status", "positions, lag, verdicts, what shouts"),
        ("holds", "what is held, and who could resolve it"),
        ("dead-letters list", "what could not be read"),
        (f"explain --dataset {dataset} {shlex.quote(asset)}", "the evidence behind one decision"),
    ):
        steps.add_row(f"{program} {command}", Text(what, style="quiet"))
    caller.say(steps)
    caller.say(Text.assemble("Datasets are Delta tables of Parquet files: ", (str(root / "lake" / "datasets"), "name")))

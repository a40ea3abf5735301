"""``gatekeeper content import``: a catalogue file becomes content events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Group, RenderableType
from rich.text import Text

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.open import opened
from gatekeeper.cli.theme import number, table

if TYPE_CHECKING:
    from gatekeeper.edges.catalogue_files import CatalogueFile
    from gatekeeper.stages.importing import Imported

EXIT_NOTHING_APPENDED = 2
"""Not one row became an event: the mapping does not fit, or the file is another one."""
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("file", type=FILE)
@click.option(
    "--mapping", type=FILE, help="Column → field, as YAML. Default: the shipped mapping that fits the columns."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="ROWS", help="Only so many rows from the start.")
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Where rejected rows are written.")
@with_caller
def import_(caller: Caller, file: Path, mapping: Path | None, limit: int | None, rejects: Path | None) -> None:
    """Turn a catalogue (CSV, TSV, Parquet; .gz too) into content events and append them to the log.

    Every row that cannot become a valid event is written aside with its number and the reason; the others go on. The
    same row gives the same event id each time.
    """
    from gatekeeper.wiring.importing import Source, rejects_of, run_import

    workspace = opened(caller)
    aside = rejects or rejects_of(workspace, file)
    with import_progress(caller, file.name) as on_block:
        done = run_import(workspace, Source(file, mapping), aside, rows_max=limit, on_block=on_block)
    answer = {"rows": done.rows, "appended": done.appended, "rejected": done.refused, "reasons": dict(done.reasons)}
    caller.answer(answer | {"rejects": str(aside) if done.refused else None}, lambda: report(done, aside))
    if done.refused and not done.appended:
        click.get_current_context().exit(EXIT_NOTHING_APPENDED)


@contextmanager
def import_progress(caller: Caller, name: str) -> Iterator[Callable[[Imported, CatalogueFile], None]]:
    """A bar on a terminal, silence elsewhere."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(name),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeRemainingColumn(),
    )
    shown = caller.err.is_terminal and not caller.json
    with Progress(*columns, console=caller.err, transient=True, disable=not shown) as progress:
        task = progress.add_task(name, total=1, rows=0)
        yield lambda done, file: progress.update(task, total=file.total, completed=file.done(), rows=done.rows)


def report(done: Imported, aside: Path) -> RenderableType:
    """What was appended, and what was not, by reason."""
    first = Text.assemble((number(done.appended), "permit"), f" events appended from {number(done.rows)} rows")
    if not done.refused:
        return first
    rows = table("rejected", "reason", numbers=("rejected",))
    for reason, count in done.reasons.most_common():
        rows.add_row(number(count), reason)
    where = Text.assemble("rejected rows, with their numbers and what to mend: ", (str(aside), "name"))
    return Group(first, rows, where)

"""Progress of long work: on a terminal, on standard error, nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from gatekeeper.cli.caller import Caller


@contextmanager
def bytes_read(caller: Caller, path: Path) -> Iterator[Callable[[int], None]]:
    """A bar over a file's bytes; the function it gives is told how many more were read."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    total = path.stat().st_size if path.is_file() else None
    with Progress(*columns, console=caller.err, transient=True, disable=not caller.err.is_terminal) as progress:
        task = progress.add_task(path.name, total=total)
        yield lambda count: progress.advance(task, count)


@contextmanager
def steps_told(caller: Caller, name: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar for one step after another; the function it gives is told what is done, how much, of how much (0: who
    knows).
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = caller.err.is_terminal and not caller.json
    with Progress(*columns, console=caller.err, transient=True, disable=not shown) as progress:
        task = progress.add_task(name, total=None)

        def told(what: str, done: int, of: int) -> None:
            progress.update(task, description=f"{name}: {what}", completed=done, total=of or None)

        yield told

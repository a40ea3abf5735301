"""Progress of long work: on a terminal, on standard error, nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from gatekeeper.cli.caller import Caller


@contextmanager
def bytes_read(caller: Caller, path: Path) -> Iterator[Callable[[int], None]]:
    """A bar over a file's bytes; the function it gives is told how many more were read."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    total = path.stat().st_size if path.is_file() else None
    with Progress(*columns, console=caller.err, transient=True, disable=not caller.err.is_terminal) as progress:
        task = progress.add_task(path.name, total=total)
        yield lambda count: progress.advance(task, count)

"""Files that are arguments; ``-`` is standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click

LINES = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)


def source_of(path: Path) -> BinaryIO:
    """The file's bytes, to be closed by the caller."""
    return sys.stdin.buffer if str(path) == "-" else path.open("rb")

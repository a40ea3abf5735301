"""How verdicts look: a word and a sign of their own, so that they are told apart without colour."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text
from rich.theme import Theme

THEME = Theme(
    {
        "permit": "bold green",
        "deny": "bold red",
        "hold": "bold yellow",
        "what": "bold red",
        "do": "cyan",
        "quiet": "dim",
        "shout": "bold white on red",
        "name": "bold",
    }
)
_SIGN = {"permit": "+", "deny": "x", "hold": "?"}


def verdict(name: str) -> Text:
    """``+ permit``, ``x deny``, ``? hold``."""
    return Text(f"{_SIGN.get(name, ' ')} {name}", style=name if name in _SIGN else "")


def table(*columns: str, title: str | None = None, numbers: tuple[str, ...] = ()) -> Table:
    """A plain table; columns named in ``numbers`` are right-aligned."""
    made = Table(title=title, title_justify="left", title_style="name", header_style="quiet", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return made


def number(value: int) -> str:
    return f"{value:,}"

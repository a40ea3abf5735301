"""Verdicts per dataset and reason, with bars: the picture most people want first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.bar import Bar
from rich.table import Table
from rich.text import Text

from gatekeeper.cli.theme import number, verdict

BAR_COLUMNS = 32
_ORDER = ("permit", "hold", "deny")
_COLOUR = {"permit": "green", "hold": "yellow", "deny": "red"}


@dataclass(frozen=True)
class Counts:
    """Assets per (dataset, verdict, reason), by their last decision."""

    rows: Mapping[tuple[str, str, str], int]

    @classmethod
    def of(cls, decisions: Iterable[tuple[str, str, str]]) -> Counts:
        return cls(Counter(decisions))

    @property
    def datasets(self) -> list[str]:
        """The most permissive first."""
        return sorted({dataset for dataset, _, _ in self.rows}, key=lambda d: (-self.of_verdict(d, "permit"), d))

    def of_verdict(self, dataset: str, name: str) -> int:
        return sum(count for (d, v, _), count in self.rows.items() if (d, v) == (dataset, name))

    def total(self, dataset: str) -> int:
        return sum(count for (d, _, _), count in self.rows.items() if d == dataset)

    def reasons(self, dataset: str, name: str) -> list[tuple[str, int]]:
        found = [(reason, count) for (d, v, reason), count in self.rows.items() if (d, v) == (dataset, name)]
        return sorted(found, key=lambda row: (-row[1], row[0]))

    def as_document(self) -> dict[str, Any]:
        """``{dataset: {verdict: {reason: assets}}}``, every verdict there."""
        return {d: {name: dict(self.reasons(d, name)) for name in _ORDER} for d in sorted(self.datasets)}


def verdict_table(counts: Counts, purposes: Mapping[str, str]) -> Table:
    """One section per dataset: its purpose and how much may go in, then a row per verdict and reason."""
    shown = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for justify in ("left", "left", "right", "left"):
        shown.add_column(justify=justify, no_wrap=True)
    for dataset in counts.datasets:
        for row in _section(counts, dataset, purposes.get(dataset, "")):
            shown.add_row(*row)
    return shown


def _section(counts: Counts, dataset: str, purpose: str) -> Sequence[Sequence[Any]]:
    total, may = counts.total(dataset), counts.of_verdict(dataset, "permit")
    rows: list[Sequence[Any]] = [
        ("", "", "", ""),
        (
            Text(dataset, style="name"),
            Text(purpose, style="quiet"),
            number(may),
            f"of {number(total)} may go in{_share(may, total)}",
        ),
    ]
    for name in _ORDER:
        for reason, count in counts.reasons(dataset, name):
            bar = Bar(
                size=total, begin=0, end=max(count, total / BAR_COLUMNS / 8), width=BAR_COLUMNS, color=_COLOUR[name]
            )
            rows.append((Text("  ").append_text(verdict(name)), reason, number(count), bar))
    return rows


def _share(part: int, whole: int) -> str:
    """A percentage that says 0 and 100 only where it is none and all."""
    if whole == 0:
        return ""
    percent = 100 * part / whole
    shown = ">99" if 99 < percent < 100 else "<1" if 0 < percent < 1 else f"{percent:.0f}"
    return f" ({shown} %)"

"""What became of everything that came in, as parts of one bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NOT_SELECTED = "not_selected"
NARROWEST = 0.6
"""Per cent: what is there is seen, however little of it."""


@dataclass(frozen=True)
class Part:
    """``x`` and ``width`` are per cent of the bar; ``kind`` names its fill."""

    kind: str
    label: str
    count: int
    share: str
    x: float
    width: float

    @property
    def text(self) -> str:
        return f"{self.count:,} {self.label}"


def flow(rows: int, left_out: Mapping[str, int], standing: Mapping[str, Any] | None) -> list[Part]:
    """``left_out``: rows of the dataset's table that the candidate does not hold, by reason."""
    if standing is None:
        return []
    selected_not = left_out.get(NOT_SELECTED, 0)
    told = (
        ("permit", "in this candidate", rows),
        ("late", "left out at this build", sum(left_out.values()) - selected_not),
        ("late", "permitted, not selected", selected_not),
        ("deny", "refused", standing["verdicts"].get("deny", 0)),
        ("hold", "held: nobody knows yet", standing["verdicts"].get("hold", 0)),
    )
    parts = [part for part in told if part[2]]
    whole = sum(count for _, _, count in parts)
    widths = [max(NARROWEST, 100 * count / whole) for _, _, count in parts]
    scale, at, found = 100 / (sum(widths) or 1), 0.0, []
    for (kind, label, count), width in zip(parts, widths, strict=True):
        share = f"{100 * count / whole:.1f} %"
        found.append(Part(kind, label, count, share, round(at, 3), round(width * scale, 3)))
        at += width * scale
    return found

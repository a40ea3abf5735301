"""Bars as SVG 1.1, drawn from counts alone: the same counts give the same bytes; every bar has its number beside it."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

WIDTH, LABEL, ROW, BAR = 720, 260, 24, 380
"""Pixels: the picture, its labels, one bar's height with its gap, the longest bar."""
LABEL_CHARACTERS_MAX = 36


def bars(title: str, counts: Sequence[tuple[str, int]]) -> bytes:
    """One horizontal bar per (label, count), in the order given."""
    most = max((count for _, count in counts), default=0) or 1
    height = ROW * (len(counts) + 2)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" role="img" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">'
    )
    lines = [
        opening,
        f"<title>{_text(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="18" font-weight="bold" fill="#222222">{_text(title)}</text>',
    ]
    for i, (label, count) in enumerate(counts):
        top, length = ROW * (i + 1) + 8, max(1, round(BAR * count / most))
        lines += [
            f'<text x="{LABEL - 8}" y="{top + 13}" text-anchor="end" fill="#222222">{_text(_short(label))}</text>',
            f'<rect x="{LABEL}" y="{top}" width="{length}" height="16" fill="#2f6f9f"/>',
            f'<text x="{LABEL + length + 6}" y="{top + 13}" fill="#222222">{count:,}</text>',
        ]
    return ("\n".join([*lines, "</svg>"]) + "\n").encode()


def _short(label: str) -> str:
    return label if len(label) <= LABEL_CHARACTERS_MAX else label[: LABEL_CHARACTERS_MAX - 1] + "…"


def _text(text: str) -> str:
    """Escaped, without the control characters that XML 1.0 forbids."""
    return escape("".join(c if c.isprintable() else " " for c in text))

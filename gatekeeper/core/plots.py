"""Bars as SVG 1.1, drawn from counts alone: the same counts give the same bytes; every bar has its number beside it,
and every part of a stacked one is told by its number in the legend, so that colour is never needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

WIDTH, LABEL, ROW, BAR = 720, 260, 24, 380
"""Pixels: the picture, its labels, one bar's height with its gap, the longest bar."""
LABEL_CHARACTERS_MAX = 36
NUMBERED_FROM = 14
"""Pixels a part of a bar needs to hold its number."""
_FILLS = ("#2f6f9f", "#e3c08a", "#8ebad9", "#b5563c", "#d8d8d8", "#5f8f5f", "#f2e27a", "#7a5f96", "#555555")
_DARK = frozenset({"#2f6f9f", "#b5563c", "#5f8f5f", "#7a5f96", "#555555"})


def bars(title: str, counts: Sequence[tuple[str, int]]) -> bytes:
    """One horizontal bar per (label, count), in the order given."""
    most = max((count for _, count in counts), default=0) or 1
    lines = _opening(title, len(counts))
    for i, (label, count) in enumerate(counts):
        top, length = ROW * (i + 1) + 8, max(1, round(BAR * count / most))
        lines += [
            _label(label, top),
            f'<rect x="{LABEL}" y="{top}" width="{length}" height="16" fill="#2f6f9f"/>',
            f'<text x="{LABEL + length + 6}" y="{top + 13}" fill="#222222">{count:,}</text>',
        ]
    return ("\n".join([*lines, "</svg>"]) + "\n").encode()


def stacked(title: str, series: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]]) -> bytes:
    """One horizontal bar per (label, a count for each of the ``series``), in the order given; the legend below."""
    most = max((sum(counts) for _, counts in rows), default=0) or 1
    lines = _opening(title, len(rows) + len(series) + 1)
    for i, (label, counts) in enumerate(rows):
        top, left, so_far = ROW * (i + 1) + 8, LABEL, 0
        lines.append(_label(label, top))
        for number, count in enumerate(counts):
            so_far += count
            right = max(left + (count > 0), LABEL + round(BAR * so_far / most))
            if count:
                lines += _part(number, left, top, right - left)
            left = right
        lines.append(f'<text x="{left + 6}" y="{top + 13}" fill="#222222">{so_far:,}</text>')
    for number, name in enumerate(series):
        top = ROW * (len(rows) + number + 2)
        lines += _part(number, LABEL, top, ROW)
        lines.append(f'<text x="{LABEL + ROW + 8}" y="{top + 13}" fill="#222222">{_text(name)}</text>')
    return ("\n".join([*lines, "</svg>"]) + "\n").encode()


def _opening(title: str, rows: int) -> list[str]:
    height = ROW * (rows + 2)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" role="img" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">'
    )
    return [
        opening,
        f"<title>{_text(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="18" font-weight="bold" fill="#222222">{_text(title)}</text>',
    ]


def _label(label: str, top: int) -> str:
    return f'<text x="{LABEL - 8}" y="{top + 13}" text-anchor="end" fill="#222222">{_text(_short(label))}</text>'


def _part(number: int, left: int, top: int, width: int) -> list[str]:
    """A part of a bar with an edge, and its number from 1 where there is room."""
    fill = _FILLS[number % len(_FILLS)]
    drawn = [f'<rect x="{left}" y="{top}" width="{width}" height="16" fill="{fill}" stroke="#222222"/>']
    if width >= NUMBERED_FROM:
        ink = "#ffffff" if fill in _DARK else "#222222"
        middle = left + width // 2
        drawn.append(f'<text x="{middle}" y="{top + 13}" text-anchor="middle" fill="{ink}">{number + 1}</text>')
    return drawn


def _short(label: str) -> str:
    return label if len(label) <= LABEL_CHARACTERS_MAX else label[: LABEL_CHARACTERS_MAX - 1] + "…"


def _text(text: str) -> str:
    """Escaped, without the control characters that XML 1.0 forbids."""
    return escape("".join(c if c.isprintable() else " " for c in text))

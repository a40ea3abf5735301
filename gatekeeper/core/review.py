"""A candidate in one page of Markdown, for the person who must say yes or no (design §6).

Everything here is counted or quoted from the candidate's own manifest and check; nothing is decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gatekeeper.core.manifest import Manifest

SHOWN_MAX = 10
"""Offending rows that are named; the check's own page has more."""


def review_markdown(manifest: Manifest, quality: Mapping[str, Any] | None, last: Manifest | None) -> str:
    """``quality`` is ``quality/results.json``, None where there is none; ``last`` the latest release's manifest."""
    parts = [
        f"# {manifest.name}",
        _what_for(manifest),
        _quality(quality),
        "## Permitted rows\n\n" + _counts("reason", manifest.counts.permitted),
        "## Left out at this build\n\n" + _counts("reason", manifest.counts.refused),
        _difference(manifest, last),
    ]
    return "\n\n".join(parts) + "\n"


def _what_for(manifest: Manifest) -> str:
    basis, where = manifest.basis, ", ".join(manifest.territories) or "worldwide"
    return _table(
        ("", ""),
        [
            ("rows", f"{manifest.rows:,}"),
            ("purpose", f"`{manifest.purpose}`"),
            ("territories", where),
            ("model", manifest.model or "any"),
            ("rights position", str(basis.rights_position)),
            ("decided at", basis.instant),
            ("terms in force", basis.terms or "none"),
            ("policy", f"`{basis.policy}`"),
        ],
    )


def _quality(quality: Mapping[str, Any] | None) -> str:
    if quality is None:
        return "## Quality gate\n\n**Not checked.** Run `gatekeeper check` first."
    rows = [
        (str(e.get("name")), "passed" if e.get("passed") is True else "**failed**", str(e.get("offending_count") or ""))
        for e in quality.get("expectations", ())
    ]
    told = "passed" if quality.get("passed") is True else "**blocked**"
    return f"## Quality gate: {told}\n\n" + _table(("expectation", "result", "rows"), rows) + _offending(quality)


def _offending(quality: Mapping[str, Any]) -> str:
    found = [row for e in quality.get("expectations", ()) for row in e.get("offending", ())][:SHOWN_MAX]
    lines = [f"* `{_plain(row.get('asset_id'))}`: {_plain(row.get('reason'))}" for row in found]
    return "\n\n" + "\n".join(lines) if lines else ""


def _counts(name: str, counts: Mapping[str, int]) -> str:
    if not counts:
        return "None."
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return _table((name, "rows"), [(f"`{reason}`", f"{count:,}") for reason, count in ordered])


def _difference(manifest: Manifest, last: Manifest | None) -> str:
    if last is None:
        return "## Against the last release\n\nThere is none: this would be the first."
    names = sorted(manifest.counts.permitted.keys() | last.counts.permitted.keys())
    rows = [
        (f"`{name}`", f"{before:,}", f"{now:,}", f"{now - before:+,}")
        for name in names
        for before, now in [(last.counts.permitted.get(name, 0), manifest.counts.permitted.get(name, 0))]
    ]
    rows.append(("all", f"{last.rows:,}", f"{manifest.rows:,}", f"{manifest.rows - last.rows:+,}"))
    return f"## Against {last.name}\n\n" + _table(("reason", "then", "now", "difference"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_plain(cell) for cell in line) + " |" for line in lines)


def _plain(text: object) -> str:
    """One line that cannot leave its cell."""
    return " ".join(str(text).split()).replace("|", "\\|")

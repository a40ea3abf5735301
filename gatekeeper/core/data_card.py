"""``README.md`` of a release: a data card that Hugging Face reads as a dataset card, with plots (design §6).

Rules of this file: everything is counted from the rows or quoted from the candidate's manifest, so that the same
candidate gives the same bytes whenever it is published. The front matter is JSON, which is YAML.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.manifest import Manifest, manifest_digest
from gatekeeper.core.periods import OverTime
from gatekeeper.core.plots import bars, stacked

CARD_COLUMNS = ("licence", "catalogs", "genres", "duration_ms")
SERIES_MAX = 8
"""Verdicts with their reasons that a stacked bar tells apart; the rest is summed."""
OVER_TIME = "over_time.svg"
SHOWN_MAX = 12
"""Bars and table rows of one picture; the rest is summed."""
MINUTE_MS = 60_000
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_SIZES_BEYOND = ((10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B"))

_FILES_TOLD = (
    "`manifest.json` holds their SHA-256; `gatekeeper verify` checks them and decides rows again. `quality/` is what "
    "the check of this release found."
)


@dataclass
class Facts:
    """Counts over the rows: what a reader wants to know before downloading."""

    licences: Counter[str] = field(default_factory=Counter)
    catalogs: Counter[str] = field(default_factory=Counter)
    genres: Counter[str] = field(default_factory=Counter)
    minutes: Counter[int] = field(default_factory=Counter)

    def add(self, rows: pa.Table) -> None:
        """Count a piece; columns that are not there are passed over."""
        if "licence" in rows.column_names:
            self.licences.update(_counted(pc.fill_null(rows["licence"], "(none)")))
        for name, counts in (("catalogs", self.catalogs), ("genres", self.genres)):
            if name in rows.column_names:
                counts.update(_counted(pc.list_flatten(rows[name])))
        if "duration_ms" in rows.column_names:
            durations = pc.drop_null(rows["duration_ms"])
            self.minutes.update({int(m): n for m, n in _counted(pc.divide(durations, MINUTE_MS)).items()})


def _counted(values: pa.ChunkedArray) -> dict[str, int]:
    return {entry["values"].as_py(): entry["counts"].as_py() for entry in pc.value_counts(values)}


def plots(manifest: Manifest, facts: Facts) -> dict[str, bytes]:
    """File name → SVG; a picture without a bar is left out."""
    drawn = {
        "permitted.svg": ("Rows by reason of their permit", _most(manifest.counts.permitted)),
        "refused.svg": ("Left out at the build, by reason", _most(manifest.counts.refused)),
        "licences.svg": ("Rows by licence", _most(facts.licences)),
        "catalogs.svg": ("Rows by label or catalogue", _most(facts.catalogs)),
        "genres.svg": ("Rows by genre", _most(facts.genres)),
        "durations.svg": ("Rows by duration in minutes", _minutes(facts.minutes)),
    }
    pictures = {name: bars(title, counts) for name, (title, counts) in drawn.items() if counts}
    if manifest.over_time is not None and manifest.over_time.rows:
        title = f"Verdicts by reason over time, by {manifest.over_time.period} of the content"
        pictures[OVER_TIME] = stacked(title, *_stacks(manifest.over_time))
    return pictures


def data_card(manifest: Manifest, facts: Facts) -> bytes:
    """The card, in Markdown."""
    declaration = manifest.declaration
    told = str(declaration.get("description") or "")
    parts = [
        f"---\n{json.dumps(_front_matter(manifest), indent=2, ensure_ascii=False)}\n---",
        f"# {_plain(manifest.dataset)}, {_plain(manifest.version)}",
        _plain(told) or "No description was declared.",
        _about(manifest),
        _permission(manifest),
        "### Permitted, by reason\n\n" + _table(("reason", "rows"), _most(manifest.counts.permitted)),
        "### Left out at the build, by reason\n\n" + _table(("reason", "rows"), _most(manifest.counts.refused)),
        *(f"![{name.removesuffix('.svg')}](plots/{name})" for name in plots(manifest, facts) if name != OVER_TIME),
        *_over_time(manifest.over_time),
        "## Columns\n\n" + _table(("column", "type"), list(manifest.schema.items())),
        "## Files\n\n" + _table(("file", "rows", "bytes"), [(f.path, f.rows, f.bytes) for f in manifest.files]),
        _FILES_TOLD,
    ]
    return ("\n\n".join(parts) + "\n").encode()


def _permission(manifest: Manifest) -> str:
    return (
        "## Permission\n\nEvery row had a permit when it was built, and again when it was published (`manifest.json` "
        "says when and on what). A permit is for this purpose and no other. Rights change: read this release with "
        f'`gatekeeper.load("{manifest.name}")`, which heeds recalls.'
    )


def _front_matter(manifest: Manifest) -> dict[str, object]:
    return {
        "pretty_name": f"{manifest.dataset} {manifest.version}",
        "license": "other",
        "license_name": "per-row",
        "license_link": "manifest.json",
        "tags": ["audio", "music", "rights-cleared", manifest.purpose],
        "size_categories": [_size(manifest.rows)],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}],
    }


def _size(rows: int) -> str:
    return next((name for below, name in (*_SIZES, *_SIZES_BEYOND) if rows < below), "n>1B")


def _about(manifest: Manifest) -> str:
    basis = manifest.basis
    return _table(
        ("", ""),
        [
            ("rows", f"{manifest.rows:,}"),
            ("owner", manifest.declaration.get("owner") or "not named"),
            ("purpose", f"`{manifest.purpose}`"),
            ("territories", ", ".join(manifest.territories) or "worldwide"),
            ("model", manifest.model or "any"),
            ("built at", basis.instant),
            ("rights position", basis.rights_position),
            ("policy", f"`{basis.policy}`"),
            ("terms in force", basis.terms or "none"),
            ("candidate", f"`{manifest_digest(manifest.candidate)}`"),
        ],
    )


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Greatest first, equals by name; what is beyond ``SHOWN_MAX`` as one."""
    ordered = sorted(((name, n) for name, n in counts.items() if n), key=lambda item: (-item[1], item[0]))
    rest = sum(n for _, n in ordered[SHOWN_MAX:])
    return ordered[:SHOWN_MAX] + ([("(others)", rest)] if rest else [])


def _over_time(counted: OverTime | None) -> list[str]:
    """The picture, and the same as a table."""
    if counted is None or not counted.rows:
        return []
    series, rows = _stacks(counted)
    numbered = [f"{number} {name}" for number, name in enumerate(series, 1)]
    alt = f"Rows by {counted.period} of the content, stacked by verdict and reason; the table below has the numbers"
    table = _table((counted.period, *numbered), [(name, *(f"{n:,}" for n in counts)) for name, counts in rows])
    told = (
        "Every row the build looked at, whether it is in the release or not, by when its content was published (or, "
        "where nobody says, by the time of its event). Periods without rows are not shown."
    )
    return ["### Verdicts by reason over time", told, f"![{alt}](plots/{OVER_TIME})", table]


def _stacks(counted: OverTime) -> tuple[list[str], list[tuple[str, list[int]]]]:
    """The series, and each period with a count for each of them, ascending; what is not known comes last."""
    totals: Counter[str] = Counter()
    by_period: dict[str, Counter[str]] = {}
    for period, verdicts in counted.rows.items():
        found = ((f"{verdict}: {reason}", n) for verdict, reasons in verdicts.items() for reason, n in reasons.items())
        by_period[period] = Counter(dict(found))
        totals.update(by_period[period])
    shown = sorted(totals, key=lambda name: (-totals[name], name))[:SERIES_MAX]
    others = ["(others)"] if len(totals) > len(shown) else []
    rows = []
    for period, counts in sorted(by_period.items()):
        known = [counts[name] for name in shown]
        rows.append((period, [*known, *([counts.total() - sum(known)] if others else [])]))
    return [*shown, *others], rows


def _minutes(counts: Mapping[int, int]) -> list[tuple[str, int]]:
    last = SHOWN_MAX - 1
    summed: Counter[int] = Counter()
    for minute, n in counts.items():
        summed[min(minute, last)] += n
    return [(f"{m} to {m + 1}" if m < last else f"{last} and more", summed[m]) for m in sorted(summed)]


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines: list[Sequence[object]] = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_plain(cell) for cell in line) + " |" for line in lines)


def _plain(text: object) -> str:
    """One line that cannot leave its cell, and is no HTML."""
    line = " ".join(("" if text is None else str(text)).split())
    return line.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")

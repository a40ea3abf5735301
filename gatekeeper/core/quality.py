"""What a check of a candidate found, and whether it lets the candidate pass: ``quality/results.json`` (design §6).

Rules of this file: only a complete, readable result of this very manifest with at least one expectation passes;
everything else (none, unreadable, empty, contradicting itself, of another manifest) does not. Offending rows are ids
and reasons, never content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = 1
OFFENDING_SHOWN_MAX = 100
"""Offending rows kept for each expectation; ``offending_count`` counts them all."""
CRITICAL, WARNING = SEVERITIES = ("critical", "warning")


@dataclass(frozen=True)
class Offending:
    """``asset_id`` is None where a file, a column or the whole candidate offends: the reason names it."""

    asset_id: str | None
    reason: str


@dataclass(frozen=True)
class Met:
    """One expectation and whether it was met. ``what`` it expects, what to ``do`` otherwise; ``looked_at`` counts the
    rows (of whichever frame) it was held against.
    """

    name: str
    passed: bool
    severity: str
    what: str
    do: str
    looked_at: int
    offending: tuple[Offending, ...] = ()
    offending_count: int = 0

    @property
    def blocks(self) -> bool:
        """Only a failed expectation that is a warning does not."""
        return not self.passed and self.severity != WARNING


@dataclass(frozen=True)
class Results:
    """A check of the candidate whose manifest has the digest ``manifest``, at ``at`` (RFC 3339), with every row decided
    at ``rights_position`` under ``policy``. ``tool`` names what checked, name → version.
    """

    build: str
    manifest: str
    at: str
    rights_position: int
    policy: str
    expectations: tuple[Met, ...]
    tool: Mapping[str, str]

    @property
    def passed(self) -> bool:
        """At least one expectation, and none that blocks."""
        return bool(self.expectations) and not any(met.blocks for met in self.expectations)

    @property
    def failed(self) -> tuple[Met, ...]:
        return tuple(met for met in self.expectations if not met.passed)

    def passed_for(self, manifest_digest: str) -> bool:
        """Whether this is a passed check of that very manifest."""
        return self.passed and self.manifest == manifest_digest

    @property
    def document(self) -> dict[str, Any]:
        """As JSON, with ``passed``."""
        return {"format": FORMAT, "passed": self.passed, **asdict(self)}


def results_bytes(results: Results) -> bytes:
    """The bytes of ``results.json``: sorted keys, two spaces, a final newline."""
    return (json.dumps(results.document, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()


def read_results(data: bytes) -> Results:
    """Bytes → results. Raises ``ValueError`` for anything that ``results_bytes`` did not write."""
    document = json.loads(data)
    if not isinstance(document, dict) or document.pop("format", None) != FORMAT:
        raise ValueError(f"not results of format {FORMAT}")
    document.pop("passed", None)
    try:
        document["expectations"] = tuple(_met(met) for met in document["expectations"])
        results = Results(**document)
        same = results_bytes(results) == data
    except (AttributeError, KeyError, TypeError) as problem:
        raise ValueError(f"not results: {problem}") from problem
    if not same:
        raise ValueError("not the bytes of results: they were edited, or written by something else")
    if not all(type(met.passed) is bool and met.severity in SEVERITIES for met in results.expectations):
        raise ValueError("an expectation is neither met nor failed, or of no known severity")
    return results


def _met(document: dict[str, Any]) -> Met:
    offending = tuple(Offending(**row) for row in document["offending"])
    return Met(**{**document, "offending": offending})


def passed_for(data: bytes | None, manifest_digest: str) -> bool:
    """Whether the bytes of a ``results.json`` (None: there is none) are a passed check of this very manifest."""
    try:
        return data is not None and read_results(data).passed_for(manifest_digest)
    except ValueError:
        return False

"""``gatekeeper check``: a candidate and expectations → results. Blocked means blocked (design §6, §7).

Nothing is taken on trust: files are counted and hashed, every row is decided again (``stages.check_rows``), and what
cannot be looked at, for whatever cause, is not met. Only an outage of a system that is needed is an error instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from gatekeeper.core import check_frames as frames
from gatekeeper.core.layout import build_name
from gatekeeper.core.manifest import Manifest
from gatekeeper.core.quality import Met, Results
from gatekeeper.core.suites import FRAMES, Expectation, Suite
from gatekeeper.core.tallies import Look, Tally
from gatekeeper.core.times import format_instant
from gatekeeper.core.use import Declaration, Use
from gatekeeper.errors import Unavailable, UnsafeLog
from gatekeeper.stages.check_rows import RowJudge, missing_columns

WINDOW_ROWS = 524_288
"""Rows judged together. Each window reads the catalogue once; more needs more memory (about 1 KiB a row)."""
LOOK_ROWS = 131_072
"""Rows handed to the validator together."""


class Candidate(Protocol):
    """A build's folder, as it is now."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def digest(self) -> str: ...
    def files(self) -> list[frames.FileSeen]:
        """Every file there is or should be; the parts in the manifest's order."""

    def windows(self, rows: int) -> Iterator[pa.Table]:
        """The rows of the parts in order, in tables of ``rows``; the last one has fewer."""

    def refused(self) -> Iterator[bytes]:
        """The lines of ``refused.jsonl``."""


class Validator(Protocol):
    """Holds expectations against a frame."""

    def look(self, expectations: Sequence[Expectation], frame: pa.Table) -> Mapping[str, Look]:
        """What it says of each expectation, by name."""

    @property
    def tool(self) -> Mapping[str, str]:
        """Its name and version."""


@dataclass(frozen=True)
class Now:
    """What counts now: active policy and declaration, the end of the rights log, the instant."""

    policy: str
    declaration: Declaration
    position: int
    instant_us: int


@dataclass(frozen=True)
class Known:
    """Of earlier decisions and releases: assets whose last decision is no permit, and the last release if any."""

    not_permitted: pa.Array
    released: frames.Released | None


@dataclass
class Check:
    """One check of one candidate. ``seen`` is told the rows done."""

    candidate: Candidate
    suite: Suite
    validator: Validator
    now: Now
    known: Callable[[], Known]
    judge: RowJudge
    seen: Callable[[int], None] = lambda _rows: None
    _tallies: dict[str, list[Tally]] = field(default_factory=dict)
    _counted: frames.Counted = field(default_factory=frames.Counted)

    def run(self) -> Results:
        """Raises ``Unavailable`` or ``UnsafeLog`` where a system does not answer; nothing else."""
        self._tallies = {over: [] for over in FRAMES}
        for expectation in self._applicable():
            self._tallies[expectation.over].append(Tally(expectation))
        files: list[frames.FileSeen] = []
        self._guarded("rows", self._rows)
        self._guarded("files", lambda: files.extend(self.candidate.files()))
        self._guarded("files", lambda: self._look("files", frames.files(self._manifest, files, self._counted)))
        self._guarded("columns", lambda: self._look("columns", frames.columns(self._manifest, files, self._names)))
        self._guarded("refused", self._refused)
        self._guarded("candidate", self._whole)
        return self._results()

    @property
    def _manifest(self) -> Manifest:
        return self.candidate.manifest

    @property
    def _names(self) -> tuple[str, ...]:
        return self.suite.screening.names

    def _applicable(self) -> list[Expectation]:
        has = self._manifest.schema.keys()
        return [e for e in self.suite.expectations if e.if_column is None or e.if_column in has]

    def _rows(self) -> None:
        for window in self.candidate.windows(WINDOW_ROWS):
            if missing := missing_columns(window.column_names):
                raise frames.Unjudgeable(f"the parts lack the column {missing[0]}")
            judged = self.judge.judged(window)
            for start in range(0, judged.num_rows, LOOK_ROWS):
                self._look("rows", judged.slice(start, LOOK_ROWS))
            self._counted.add(window)
            self.seen(self._counted.rows)
        if self.judge.media is not None:
            self.judge.media.require_end()

    def _refused(self) -> None:
        frame = frames.refused(self._manifest, self.candidate.refused(), self._counted)
        self._look("refused", frame)

    def _whole(self) -> None:
        facts = frames.facts(self._manifest, self.now.position, self._rules_changed(), self._counted)
        known = self.known()
        facts |= frames.compared(known.released, known.not_permitted, self._counted)
        self._look("candidate", pa.Table.from_pylist([facts]))

    def _rules_changed(self) -> int:
        """How many of policy, declaration and use are not what is active now."""
        manifest, active = self._manifest, self.now.declaration
        use = Use(manifest.purpose, frozenset(manifest.territories), manifest.model)
        changed = (
            manifest.basis.policy != self.now.policy,
            manifest.declaration_digest != active.digest,
            use != active.use,
        )
        return sum(changed)

    def _look(self, over: str, frame: pa.Table) -> None:
        tallies = self._tallies[over]
        if tallies:
            looks = self.validator.look([tally.expectation for tally in tallies], frame)
            for tally in tallies:
                tally.add(looks.get(tally.expectation.name), frame)

    def _guarded(self, over: str, work: Callable[[], Any]) -> None:
        """Whatever goes wrong fails every expectation over this frame. Messages may hold content and are left out."""
        try:
            work()
        except (Unavailable, UnsafeLog):
            raise
        except Exception as problem:  # noqa: BLE001 - a crash must block, not escape
            known = isinstance(problem, frames.Unjudgeable)
            why = str(problem) if known else f"it could not be looked at: {type(problem).__name__}"
            for tally in self._tallies[over]:
                tally.crashed(why)

    def _results(self) -> Results:
        met: dict[str, Met] = {t.expectation.name: t.met() for tallies in self._tallies.values() for t in tallies}
        return Results(
            build=build_name(self._manifest.dataset, self._manifest.version),
            manifest=self.candidate.digest,
            at=format_instant(self.now.instant_us),
            rights_position=self.now.position,
            policy=self.now.policy,
            expectations=tuple(met[e.name] for e in self._applicable()),
            tool=self.validator.tool,
        )

"""Random histories of one workspace: what people and producers may do, and what the stages do about it.

Everything is the real thing, in files, by a clock that stands until it is moved. What must be true is said here apart
from the stages: by the reference decision on the raw lines of both logs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gatekeeper.core.decision import Decision, decide
from gatekeeper.core.manifest import Manifest, manifest_digest, read_manifest
from gatekeeper.core.purposes import Purposes
from gatekeeper.core.quality import Met, Results, results_bytes
from gatekeeper.core.rights import state_of
from gatekeeper.core.times import format_instant, parse_instant
from gatekeeper.core.use import Use, read_declaration
from gatekeeper.errors import Refused
from gatekeeper.stages.release_reading import recalled_ids, recalls_of, rows_of
from gatekeeper.wiring import building, maintaining, recalling, releasing
from gatekeeper.wiring.replaying import ReplayOptions, replay_decisions
from tests.cli.conftest import event
from tests.stages.sweeping import SweepRuns
from tests.support.gate_runs import Died, dies_at, once_at
from tests.support.oracle import check
from tests.support.raw_logs import file_records
from tests.support.replayed import Replayed, assets_of
from tests.support.truth import Truth

MINUTE_US = 60_000_000


@dataclass
class History:
    """``published`` are (release, rows); ``recalled`` what was told of each so far."""

    root: Path
    runs: SweepRuns = field(init=False)
    published: dict[str, frozenset[str]] = field(default_factory=dict)
    recalled: dict[str, frozenset[str]] = field(default_factory=dict)
    clean: bool = True
    serial: int = 0

    def __post_init__(self) -> None:
        self.runs = SweepRuns(self.root)

    # people and producers

    def content(self, kind: str, asset: str, account: str, **data: object) -> None:
        self.runs.content(self._event(f"content.{kind}", asset_id=asset, account_id=account, **data))

    def rights(self, type_: str, **data: object) -> None:
        self.runs.rights(self._event(type_, **data))

    def _event(self, type_: str, **data: object) -> str:
        self.serial += 1
        return event(type_, self.runs.now, f"e{self.serial}", **data)

    def later(self, minutes: int) -> None:
        self.runs.now = format_instant(parse_instant(self.runs.now) + minutes * MINUTE_US)

    def in_minutes(self, minutes: int) -> str:
        return format_instant(parse_instant(self.runs.now) + minutes * MINUTE_US)

    # stages

    def gate(self) -> None:
        self.runs.drain()

    def sweep(self) -> None:
        self.runs.sweep()

    def killed(self, run: Callable[..., object], at: str) -> None:
        """A gate or a sweep that ends at a step, where it comes to it."""
        with suppress(Died):
            run(dies_at(at))

    def beside(self, run: Callable[..., object], at: str, other: Callable[[], object]) -> None:
        """Something happens while a gate or a sweep is at a step."""
        run(once_at(at, other))

    def maintain(self) -> None:
        self.clean = False  # the oracle of append-only tables takes a merge for damage
        maintaining.maintain(self.runs.opened, 0, lambda _table: None)

    def publish(self, dataset: str) -> None:
        """Build, a check that passed, publish. A no is an answer."""
        opened, version = self.runs.opened, f"v{len(self.published)}-{self.serial}"
        try:
            building.build(opened, dataset, building.BuildOptions(version=version))
            self._passes(dataset, version)
            releasing.publish(opened, f"{dataset}@{version}")
        except Refused:
            return
        rows = self._rows_of_release(f"{dataset}@{version}")
        assert rows <= self.permitted(dataset), "a release holds what is not permitted"
        self.published[f"{dataset}@{version}"] = rows

    def recall(self) -> None:
        """Every release is decided again, on what the gate has heard; then recalls and releases tell the truth."""
        if not self.published:
            return
        self.gate()
        recalling.recall(self.runs.opened, [], recalling.RecallOptions())
        for name, rows in self.published.items():
            told = self._told(name)
            decided = self.decided(self._manifest(name).declaration)
            refused = {asset for asset in rows if not self._permits(decided, asset)}
            before = self.recalled.get(name, frozenset())
            assert refused | before <= told, f"{name}: {refused - told} is refused and not recalled"
            assert told <= refused | before | self._copies(decided), f"{name}: {told} is recalled without a reason"
            self.recalled[name] = told

    def _told(self, name: str) -> frozenset[str]:
        store = releasing.store_of(self.runs.opened)
        told = recalled_ids(recalls_of(store, self._manifest(name)))
        assert told is not None, f"a recall of {name} cannot be read"
        return told

    def _manifest(self, name: str) -> Manifest:
        place = self.root / "releases" / name.replace("@", "/") / "manifest.json"
        return read_manifest(place.read_bytes())

    def _rows_of_release(self, name: str) -> frozenset[str]:
        store = releasing.store_of(self.runs.opened)
        pieces = [piece["asset_id"].to_pylist() for piece in rows_of(store, self._manifest(name))]
        found = [asset for piece in pieces for asset in piece]
        assert len(set(found)) == len(found), "an asset is in a release twice"
        return frozenset(found)

    def _passes(self, dataset: str, version: str) -> None:
        folder = self.root / "builds" / dataset / version
        manifest = read_manifest((folder / "manifest.json").read_bytes())
        met = (Met(name="permits", passed=True, severity="critical", what="w", do="d", looked_at=1),)
        basis, digest = manifest.basis, manifest_digest(manifest)
        results = Results(
            manifest.build, digest, self.runs.now, basis.rights_position, basis.policy, met, {"test": "1"}
        )
        (folder / "quality" / "docs").mkdir(parents=True, exist_ok=True)
        (folder / "quality" / "results.json").write_bytes(results_bytes(results))
        (folder / "quality" / "docs" / "index.html").write_text("<p></p>")

    # what must be true

    @property
    def truth(self) -> Truth:
        logs = [file_records(self.root / "log" / f"{name}.jsonl") for name in ("content", "rights")]
        return Truth(*logs, keyed=False)

    def decided(self, declaration: object) -> dict[str, Decision]:
        """Asset → the reference's decision now on its latest event, for the use of a declaration."""
        opened = self.runs.opened
        policy = opened.policy()
        rights = opened.rights(policy)
        state, use = state_of(rights.events, rights.position), self._use(declaration, policy.purposes)
        latest = {found[0].asset_id: found[0] for _, found in sorted(assets_of(self.truth).items())}
        now_us = parse_instant(self.runs.now)
        return {asset: decide(event, use, state, policy, now_us) for asset, event in latest.items()}

    @staticmethod
    def _use(declaration: object, purposes: Purposes) -> Use:
        return read_declaration(declaration, purposes).use  # type: ignore[arg-type]

    @staticmethod
    def _permits(decided: dict[str, Decision], asset: str) -> bool:
        return asset in decided and str(decided[asset].verdict) == "permit"

    def permitted(self, dataset: str) -> set[str]:
        declaration = json.loads((self.root / "datasets" / f"{dataset}.yaml").read_text())
        decided = self.decided(declaration)
        return {asset for asset in decided if self._permits(decided, asset)}

    def _copies(self, decided: dict[str, Decision]) -> set[str]:
        """Assets that share an ISRC or a content hash with one that a claim stops, in any of their events."""
        known: dict[str, set[str]] = {}
        for found in assets_of(self.truth).values():
            same = {s for s in found[0].subjects if s.startswith(("isrc:", "sha256:"))}
            known.setdefault(found[0].asset_id, set()).update(same)
        stopped = {asset for asset, said in decided.items() if said.reason.startswith("claim.")}
        return {a for a, mine in known.items() if any(mine & known[other] for other in stopped - {a})}

    def permits_stand(self) -> None:
        """At any moment: one row an asset, of its last decision, which is a permit; or the fold has not come so far."""
        for dataset in self.datasets:
            self.runs.rows(dataset)

    @property
    def datasets(self) -> list[str]:
        return sorted(self.truth.declared)

    def settled(self) -> None:
        """After a gate and a sweep: rows are what is permitted now; a full sweep has nothing to say; every decision is
        made again; the logs and the tables agree; every release is as it was published.
        """
        self.gate()
        self.sweep()
        for dataset in self.datasets:
            assert set(self.runs.rows(dataset)) == self.permitted(dataset), dataset
        for name in ("radio", "models", "search"):
            assert name in self.datasets or not self.runs.rows(name), f"{name} is retired and has rows"
        assert not self.runs.sweep_in_full().tally.decided
        replayed = replay_decisions(self.runs.opened, ReplayOptions())
        assert not replayed.differ, replayed.differences
        if self.clean:
            assert check(self.root / "lake", self.truth, Replayed(self.root)) == []
        for verified in releasing.verify(self.runs.opened, None, every_row=True):
            assert not verified.problems, verified

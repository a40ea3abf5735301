"""``gatekeeper recall``: every row of every release decided again for its own use, and what is refused recalled.

1. ``barrier``  the end of the rights log, the instant, the catalogue
2. ``decide``   releases and candidates of one use side by side; a row they share is decided once
3. for each release what is refused and not recalled yet: numbered files next to it (``writing``)
4. ``feed``

Killed anywhere, or run again, it ends with the same files: what is recalled already is not recalled twice. A release is
decided for the use it was published for, whatever its dataset declares today. A row that cannot be decided is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.manifest import Manifest
from gatekeeper.core.recalls import Recall
from gatekeeper.core.times import format_instant
from gatekeeper.core.use import Use
from gatekeeper.errors import Refused
from gatekeeper.stages.columnar import uses_of
from gatekeeper.stages.gate.barrier import Decides, RightsFollower
from gatekeeper.stages.gate.values import Moment
from gatekeeper.stages.latest import manifest_of
from gatekeeper.stages.recall.copies import Copies, claimed_assets, stopped_by_claim
from gatekeeper.stages.recall.feed import Looked, write_feed
from gatekeeper.stages.recall.looking import distinct, rows_to_decide, windows
from gatekeeper.stages.recall.writing import Recaller, Seals, Step
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.release_reading import every_manifest, named, names
from gatekeeper.stages.row_decisions import CatalogTable, RowRefused, refused_rows
from gatekeeper.stages.sweep.sweeping import EVENT_COLUMNS
from gatekeeper.stages.trace.subjects import Where

NO_PERMISSION = "no_permission"
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Outside:
    """What a recall needs. ``where`` narrows the catalogue's files down; ``candidates`` holds builds, as releases are;
    ``compile`` makes a kernel for uses that no dataset declares today; ``claimed`` are the subjects claims were ever
    opened about, below a position; ``tell`` hears (rows decided, rows there are).
    """

    follower: RightsFollower
    catalog: CatalogTable
    partitions: int
    where: Where
    store: ReleaseStore
    candidates: ReleaseStore
    compile: Callable[[Mapping[str, Use], Moment], Decides]
    claimed: Callable[[int], Collection[str]]
    seals: Seals | None
    tool: str
    step: Step
    tell: Tell


@dataclass
class Outcome:
    """One release, or one build that nobody has published. ``before`` counts what was recalled already (None: all),
    ``new`` what is refused besides, by reason, ``copies`` of that under another id; ``files`` were put now.
    """

    manifest: Manifest
    before: int | None
    new: Counter[str] = field(default_factory=Counter)
    copies: int = 0
    files: list[Recall] = field(default_factory=list)

    @property
    def published(self) -> bool:
        return self.manifest.release is not None


@dataclass(frozen=True)
class Recalled:
    """``problems``: releases that could not be looked at (to the end), and why. ``dry``: nothing was written."""

    moment: Moment
    outcomes: tuple[Outcome, ...]
    problems: Mapping[str, str]
    dry: bool


@dataclass(frozen=True)
class _Group:
    """Releases and builds of one use. ``kernel`` is None where the policy no longer knows its purpose."""

    use: Use
    manifests: tuple[Manifest, ...]
    kernel: Decides | None
    key: str


def recall(outside: Outside, asked: Sequence[str], *, dry_run: bool) -> Recalled:
    """Releases by name, all when none is. Raises what the barrier raises, ``BadInput`` for a name that is none."""
    outside.step("barrier")
    moment = outside.follower.catch_up()
    outside.catalog.refresh()
    run = _Run(outside, moment, dry_run)
    manifests = run.manifests(asked)
    run.open([*manifests, *([] if asked else run.builds(manifests))])
    outside.step("decide")
    for group in run.groups():
        run.decide(group)
    if not dry_run:
        everything = not asked and not run.problems
        seen = Looked(moment.position, format_instant(moment.instant_us)) if everything else Looked()
        outside.step("feed")
        write_feed(outside.store, every_manifest(outside.store) if asked else manifests, seen)
    return Recalled(moment, tuple(run.outcomes.values()), run.problems, dry_run)


@dataclass
class _Run:
    outside: Outside
    moment: Moment
    dry: bool
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    _recallers: dict[str, Recaller] = field(default_factory=dict)
    _done: int = 0

    def manifests(self, asked: Sequence[str]) -> list[Manifest]:
        """Those asked for; else every release, but for those whose manifest cannot be read."""
        store, found = self.outside.store, []
        if asked:
            return list({m.name: m for m in (named(store, text) for text in asked)}.values())
        for dataset, version in names(store):
            try:
                found.append(named(store, f"{dataset}@{version}"))
            except Refused as damaged:
                self.problems[f"{dataset}@{version}"] = damaged.what
        return found

    def builds(self, published: Sequence[Manifest]) -> Iterator[Manifest]:
        """Builds that nobody has published; what cannot be read is no candidate, and never will be a release."""
        known = {manifest.name for manifest in published} | self.problems.keys()
        for dataset, version in names(self.outside.candidates):
            try:
                manifest = manifest_of(self.outside.candidates, dataset, version)
            except ValueError:
                continue
            if manifest is not None and manifest.name not in known:
                yield manifest

    def open(self, manifests: Sequence[Manifest]) -> None:
        outside, policy = self.outside, self.outside.follower.rules.policy.digest
        for manifest in manifests:
            before: int | None = 0
            if manifest.release is not None:
                recaller = Recaller(
                    outside.store, manifest, self.moment, policy, outside.tool, outside.seals, outside.step
                )
                found = recaller.open(complete=not self.dry)
                before = None if any(r.asset_ids is None for r in found) else len(recaller.already)
                self._recallers[manifest.name] = recaller
            self.outcomes[manifest.name] = Outcome(manifest, before)

    def groups(self) -> Iterator[_Group]:
        """By use, each with a kernel that knows it."""
        by_use: dict[Use, list[Manifest]] = {}
        for outcome in self.outcomes.values():
            manifest = outcome.manifest
            use = Use(manifest.purpose, frozenset(manifest.territories), manifest.model)
            by_use.setdefault(use, []).append(manifest)
        rules, kernel = self.outside.follower.rules, self.outside.follower.kernel
        declared = {use: name for name, use in uses_of(rules).items()}
        known = [use for use in by_use if use.purpose in rules.policy.purposes]
        others = {f"use-{n}": use for n, use in enumerate(use for use in known if use not in declared)}
        compiled = self.outside.compile(others, self.moment) if others else None
        for use, manifests in by_use.items():
            if use in declared:
                yield _Group(use, tuple(manifests), kernel, declared[use])
            else:
                key = next((key for key, other in others.items() if other == use), "")
                yield _Group(use, tuple(manifests), compiled if key else None, key)

    def decide(self, group: _Group) -> None:
        refused_in = self._judge(group)
        total = sum(outcome.manifest.rows for outcome in self.outcomes.values())
        for window in windows({m.name: self._rows(m) for m in group.manifests}):
            refused = refused_in(distinct(window))
            for name, rows in window.items():
                self._found(name, rows, refused)
                self._done += rows.num_rows
            self.outside.tell(self._done, total)
        for manifest in group.manifests:
            if not self.dry and manifest.name in self._recallers:
                self._recallers[manifest.name].finish()
                self.outcomes[manifest.name].files = self._recallers[manifest.name].written

    @cached_property
    def _claimed(self) -> pa.Array:
        subjects = self.outside.claimed(self.moment.position)
        return claimed_assets(self.outside.catalog, self.outside.partitions, self.outside.where, subjects)

    def _rows(self, manifest: Manifest) -> Callable[[int], Iterator[pa.Table]]:
        """Reads a release; one that breaks off is named, and its other rows are decided all the same."""
        store = self.outside.store if manifest.release is not None else self.outside.candidates

        def read(rows_max: int) -> Iterator[pa.Table]:
            try:
                yield from rows_to_decide(store, manifest, rows_max)
            except (OSError, pa.ArrowException, KeyError) as problem:
                self.problems[manifest.name] = f"its rows cannot be read: {problem}"

        return read

    def _judge(self, group: _Group) -> Callable[[pa.Table], Mapping[str, RowRefused]]:
        kernel, key, catalog = group.kernel, group.key, self.outside.catalog
        if kernel is None:
            policy = f"purpose {group.use.purpose} is not in the policy"
            return lambda rows: {
                asset: RowRefused(asset, "deny", NO_PERMISSION, None, policy) for asset in rows["asset_id"].to_pylist()
            }
        copies = Copies(stopped_by_claim(catalog, kernel, key, self._claimed, EVENT_COLUMNS), catalog)
        return lambda rows: {
            row.asset_id: row for row in refused_rows(catalog, kernel, key, [rows], None, EVENT_COLUMNS, copies.among)
        }

    def _found(self, name: str, rows: pa.Table, refused: Mapping[str, RowRefused]) -> None:
        hits = pc.is_in(rows["asset_id"], value_set=pa.array(list(refused), pa.string()))
        recaller, outcome = self._recallers.get(name), self.outcomes[name]
        already = recaller.already if recaller else frozenset[str]()
        mine = {a: refused[a] for a in rows["asset_id"].filter(hits).to_pylist() if a not in already}
        outcome.new.update(row.reason for row in mine.values())
        outcome.copies += sum(row.same_as is not None for row in mine.values())
        if recaller is not None and not self.dry:
            recaller.add({asset: asdict(row) for asset, row in mine.items()})

"""One sweep, from the position and instant of the last one to the end of the rights log and now (design §5).

1. load ``decisions``, then pass the barrier: nothing in it is decided on newer rights
2. what is touched since: subjects, or everything
3. the latest decided event of each asset that is touched, block by block: kernel, compare, append what differs
4. the last commit, which carries the position
Folding is the caller's: it belongs after this.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from gatekeeper.core.layout import SWEEP_APP, SWEEPING_APP, SWEPT_AT_APP
from gatekeeper.core.removals import Removals
from gatekeeper.core.times import ALWAYS_US
from gatekeeper.errors import Bug, Unavailable, UnsafeLog
from gatekeeper.stages.columnar import ColumnarKernel
from gatekeeper.stages.gate.assembling import with_stream_columns
from gatekeeper.stages.gate.barrier import RightsFollower, RightsRead
from gatekeeper.stages.gate.patience import Patience
from gatekeeper.stages.gate.strays import Strays
from gatekeeper.stages.gate.values import Moment
from gatekeeper.stages.sweep import latest
from gatekeeper.stages.sweep.committing import Appender, Basis, Overtaken, Tally
from gatekeeper.stages.sweep.comparing import LAST_COLUMNS, NO_ROWS, declared_at, differing, last_of_events
from gatekeeper.stages.sweep.ports import CatalogTable, DecisionsTable, Integers, Places
from gatekeeper.stages.sweep.touched import Touched, by_events, by_time
from gatekeeper.stages.sweep.whereabouts import Whereabouts

BLOCK_ROWS = 50_000
"""Events read and decided together."""
ATTEMPTS_MAX = 20
"""So many sweeps in a row that ended while ours was under way mean that somebody runs too many."""
NEWS_MAX = 1_000_000
"""With more rights events than this since the last sweep everything is decided again."""
ASSETS_MAX = 1_000_000
"""The most assets whose ids are held to be looked up; with more, everything is decided again."""
DATED_VERSIONS_MAX = 50
"""So many log entries are read, newest first, for an instant to go on from."""

EVENT_COLUMNS = (
    *("event_id", "type", "time", "topic", "partition", "offset", "asset_id", "account_id", "interests"),
    *("identifiers", "catalogs", "licence", "tags", "reservations"),
)


@dataclass(frozen=True)
class Outside:
    """What a sweep needs. The handles are its own. ``news``: (from, to) → the rights events there; ``earlier``: (types,
    before) → the kept events of these types below a position; ``prepare`` makes the tables of these datasets where
    there are none, before anything is decided for them; ``whereabouts`` are those of ``catalog``; ``tell`` hears
    (events decided, events to decide).
    """

    follower: RightsFollower
    patience: Patience
    decisions: DecisionsTable
    catalog: CatalogTable
    whereabouts: Whereabouts
    strays: Strays
    apps: Mapping[int, str]
    news: Callable[[int, int], Sequence[RightsRead]]
    earlier: Callable[[Collection[str], int], Iterable[RightsRead]]
    prepare: Callable[[Iterable[str]], None]
    worker_id: str
    new_id: Callable[[], str]
    tell: Callable[[int, int], None] = lambda _done, _all: None


@dataclass(frozen=True)
class Swept:
    """``everything`` says why the whole catalogue was looked at, None where only touched assets were."""

    basis: Basis
    looked_at: int
    everything: str | None
    tally: Tally


@dataclass
class Sweep:
    """For one thread. Raises what the barrier raises; ``UnsafeLog`` where the rights log ends below the last sweep."""

    outside: Outside
    _declared: Mapping[str, int] = field(default_factory=dict)

    def run(self, everything: str | None = None) -> Swept:
        """Sweep to the end of the rights log. ``everything``: why the whole catalogue is asked for, if it is."""
        tally = Tally()
        for _ in range(ATTEMPTS_MAX):
            try:
                return self._attempt(everything, tally)
            except Overtaken:
                continue
        raise Unavailable(f"{ATTEMPTS_MAX} other sweeps ended meanwhile", "let one sweep run at a time")

    def _attempt(self, everything: str | None, tally: Tally) -> Swept:
        basis = self._basis()
        touched = Touched(everything=everything) if everything else self._touched(basis)
        self.outside.catalog.refresh()
        places, removals, why = self._to_decide(touched)
        outside = self.outside
        appender = Appender(
            outside.decisions, outside.apps, basis, outside.worker_id, outside.new_id, self._again, tally
        )
        total, done = sum(map(len, places.values())), 0
        for partition, offsets in latest.blocks(places, BLOCK_ROWS):
            appender.add(self._block(partition, offsets, removals, basis.moment))
            done += len(offsets)
            outside.tell(done, total)
        appender.finish()
        return Swept(basis, total, why, tally)

    def _basis(self) -> Basis:
        """``decisions`` as loaded first, and a moment that is not before anything in it."""
        decisions, follower = self.outside.decisions, self.outside.follower
        decisions.refresh()
        swept, since_us = decisions.txn(SWEEP_APP), decisions.txn(SWEPT_AT_APP)
        follower.not_before(max(since_us + 1, decisions.txn(SWEEPING_APP)))
        self._date()
        moment = self._catch_up()
        if moment.position < swept:
            raise UnsafeLog(
                f"a sweep has decided on rights at {swept}, and the rights log ends at {moment.position}",
                "restore the rights log as it was before anything is decided again",
            )
        kernel = follower.kernel
        assert isinstance(kernel, ColumnarKernel)
        next_us = kernel.snapshot.next_change_us
        following = ALWAYS_US if next_us is None else next_us
        return Basis(swept, since_us, moment, follower.rules.policy.digest, following)

    def _date(self) -> None:
        """Go on from the instant of the newest decisions, whatever the clock of this machine says."""
        decisions = self.outside.decisions
        for version in range(decisions.version, max(-1, decisions.version - DATED_VERSIONS_MAX), -1):
            made = decisions.metadata_of(version)
            if made is not None and made.slices:
                self.outside.follower.not_before(max(claim.instant_us for claim in made.slices))
                return

    def _catch_up(self) -> Moment:
        outside = self.outside
        moment = outside.patience.of(outside.follower.catch_up)
        names = [declaration.name for declaration in outside.follower.rules.declarations]
        outside.prepare(names)
        since = declared_at(outside.earlier(("dataset.declared", "dataset.retired"), moment.position))
        self._declared = {name: since.get(name, -1) for name in names}
        return moment

    def _touched(self, basis: Basis) -> Touched:
        if basis.swept < 0 or basis.since_us < 0:
            return Touched(everything="nothing was swept before")
        if basis.moment.position - basis.swept > NEWS_MAX:
            return Touched(everything="too many rights events came")
        follower, kernel = self.outside.follower, self.outside.follower.kernel
        assert isinstance(kernel, ColumnarKernel)
        news = self.outside.news(basis.swept, basis.moment.position)
        events = by_events(news, lambda types: self.outside.earlier(types, basis.swept), follower.register.unreadable)
        return events | by_time(kernel.snapshot, basis.since_us, basis.moment.instant_us)

    def _to_decide(self, touched: Touched) -> tuple[Places, Mapping[int, Removals], str | None]:
        """The events to decide, what removals cover of them, and why they are all there are, if they are."""
        catalog, decided, why = self.outside.catalog, self._decided(), touched.everything
        if why is None:
            paths = self.outside.whereabouts.of_subjects(touched.subjects) if touched.subjects else []
            assets = latest.assets_of(catalog, decided, touched.subjects, paths)
            if len(assets) <= ASSETS_MAX:
                return (*self._latest_of(assets, decided), None)
            why = "too many assets are touched"
        places = latest.all_latest(catalog, decided)
        return places, latest.removals(catalog, decided) if places else {}, why

    def _latest_of(self, assets: pa.Array, decided: latest.Decided) -> tuple[Places, Mapping[int, Removals]]:
        """The latest decided event of each of these assets, and what removals cover of them."""
        if not len(assets):
            return {}, {}
        catalog, paths = self.outside.catalog, self.outside.whereabouts.of_assets(assets)
        removals = latest.removals(catalog, decided, assets, paths)
        return latest.latest_of(catalog, decided, assets, paths), removals

    def _decided(self) -> dict[int, int]:
        return {partition: self.outside.decisions.txn(app) for partition, app in self.outside.apps.items()}

    def _again(self, assets: pa.Array) -> pa.Table:
        """What a gate decided on older rights meanwhile, on rights as new as its own newest."""
        outside = self.outside
        moment = self._catch_up()
        outside.catalog.refresh()
        places, removals = self._latest_of(assets, self._decided())
        parts = [self._block(p, offsets, removals, moment) for p, offsets in latest.blocks(places, BLOCK_ROWS)]
        return pa.concat_tables(parts) if parts else NO_ROWS

    def _block(self, partition: int, offsets: Integers, removals: Mapping[int, Removals], moment: Moment) -> pa.Table:
        """Decision rows that differ from the last ones, of these events."""
        outside, follower = self.outside, self.outside.follower
        events = outside.catalog.rows_at({partition: offsets}, EVENT_COLUMNS).sort_by("offset").combine_chunks()
        if events.num_rows != len(offsets):
            raise Bug(f"{len(offsets)} events of partition {partition} are {events.num_rows} rows of the catalog")
        covering = removals.get(partition, Removals()).covering(events)
        events = with_stream_columns(events, covering)
        conflicting, _, _ = outside.strays.look(events)
        at = events.schema.get_field_index("conflicting")
        events = events.set_column(at, "conflicting", pa.array(conflicting))
        assert follower.kernel is not None
        verdicts = follower.kernel.decide(events)
        last = last_of_events(self._last(partition, offsets), self._declared)
        policy = follower.rules.policy.digest
        parts = [
            differing(events, dataset, answers, last[dataset], moment, policy) for dataset, answers in verdicts.items()
        ]
        return pa.concat_tables([NO_ROWS, *parts])

    def _last(self, partition: int, offsets: Integers) -> pa.Table:
        """Every decision on these events."""
        decisions = self.outside.decisions
        return decisions.rows_at({partition: offsets}, LAST_COLUMNS)

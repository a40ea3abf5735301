"""Rows: what a sweep costs against deciding and writing everything again, and how soon one asset is found.

The lake is filled by a real gate that decides what the catalogue holds, a piece at a time: that is the rebuilding, in
seconds and in bytes of Parquet written to ``decisions`` and the datasets. Then parties withdraw, and sweeps follow.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.layout import CATALOG, DECISIONS
from gatekeeper.edges.delta_append import AppendTable
from gatekeeper.stages.reading import decisions_of, events_of
from gatekeeper.wiring import OpenWorkspace
from gatekeeper.wiring.maintaining import maintain
from gatekeeper.wiring.sweeping import SweepOptions, SweptWorkspace, sweep
from tests.bench.gate_oracle import Void
from tests.bench.rows import Row, median
from tests.bench.sweep_lake import (
    ASSETS_PER_PARTY,
    Cast,
    append,
    arrive,
    asset_ids,
    decide_arrived,
    new_lake,
    new_terms,
    withdrawals,
)

PIECE_ASSETS = 1_000_000
"""A gate holds in memory what it finds undecided."""
LOOK_UPS = 20
DATASETS = ("recommendation", "analytical-training", "voice-replication")
Say = Callable[[str], None]


@dataclass
class Cost:
    """Seconds, and bytes of data files written."""

    seconds: float = 0.0
    written: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.seconds + other.seconds, self.written + other.written)

    def __str__(self) -> str:
        return f"{self.seconds:,.1f} s, {self.written / 1e6:,.0f} MB written"


@dataclass
class Bench:
    """A filled lake, who has withdrawn, and what deciding everything cost."""

    opened: OpenWorkspace
    cast: Cast
    say: Say
    rebuilt: Cost = field(default_factory=Cost)
    withdrawn: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint64))
    prohibited: bool = False

    @property
    def numbers(self) -> np.ndarray:
        return np.arange(self.cast.assets, dtype=np.uint64)

    def fill(self) -> None:
        """Everything arrives and is decided; small files are merged; one sweep that finds nothing, and learns where
        everything is.
        """
        for start in range(0, self.cast.assets, PIECE_ASSETS):
            end = min(start + PIECE_ASSETS, self.cast.assets)
            arrive(self.opened, self.cast, start, end)
            self.rebuilt += self._timed(lambda: decide_arrived(self.opened))
            self.say(f"{end:,} assets decided: {self.rebuilt}")
        maintain(self.opened, 24, lambda _table: None)
        sweep(self.opened, SweepOptions())
        self.withdraw("one to warm up", [f"label-{self.cast.parties - 1}"], self.cast.labels)

    def withdraw(self, what: str, parties: Sequence[str], held_by: Callable[[np.ndarray], np.ndarray]) -> Cost:
        """These parties withdraw from training, a sweep follows, and exactly their assets have left."""
        known = np.array([int(party.rpartition("-")[2]) for party in parties], np.uint64)
        before, gone = self._rows(DATASETS[1]), self.numbers[np.isin(held_by(self.numbers), known)]
        append(self.opened, withdrawals(list(parties)))
        found: list[SweptWorkspace] = []
        cost = self._timed(lambda: found.append(sweep(self.opened, SweepOptions())))
        if found[0].swept.everything or found[0].swept.looked_at != len(gone):
            raise Void(f"{what}: {found[0].swept.looked_at} assets looked at, {len(gone)} are concerned")
        self.withdrawn = np.union1d(self.withdrawn, gone)
        self._check(what)
        self.say(f"{what}: {len(gone):,} assets of {len(parties):,} parties, {cost}; {before:,} rows before")
        return cost

    def terms(self, number: int) -> Cost:
        """New terms that change every recommendation."""
        append(self.opened, new_terms(number))
        cost = self._timed(lambda: sweep(self.opened, SweepOptions()))
        self.prohibited = bool(number % 2)
        self._check("new terms")
        self.say(f"new terms: {cost}")
        return cost

    def look_ups(self) -> tuple[list[float], list[float]]:
        """Seconds for everything recorded on one asset, by look-up and by reading the ids of all files."""
        rng, ours, theirs = np.random.default_rng(3), [], []
        numbers = rng.integers(0, self.cast.assets, LOOK_UPS).astype(np.uint64)
        catalog, decisions = self._table(CATALOG), self._table(DECISIONS)
        for n, asset in enumerate(asset_ids(numbers).to_pylist()):
            started = time.perf_counter()
            events, decided = events_of(catalog, asset), decisions_of(decisions, asset)
            ours.append(time.perf_counter() - started)
            if n % (LOOK_UPS // 5) == 0:
                started = time.perf_counter()
                where = pc.field("asset_id") == asset
                scanned = [table.scan(["offset", "asset_id"], where).num_rows for table in (catalog, decisions)]
                theirs.append(time.perf_counter() - started)
                if scanned != [events.num_rows, decided.num_rows] or not all(scanned):
                    raise Void(f"{asset}: looked up {events.num_rows} and {decided.num_rows} rows, scanned {scanned}")
        return ours, theirs

    def _table(self, name: str) -> AppendTable:
        return self.opened.lake().open(name)

    def _timed(self, do: Callable[[], object]) -> Cost:
        before, started = self._written(), time.perf_counter()
        do()
        return Cost(time.perf_counter() - started, self._written() - before)

    def _written(self) -> int:
        """Bytes that every commit so far has added to ``decisions`` and the datasets."""
        root = Path(self.opened.workspace.lake)
        entries = [*root.glob("decisions/_delta_log/*.json"), *root.glob("datasets/*/_delta_log/*.json")]
        return sum(action["size"] for entry in entries for action in _added(entry))

    def _rows(self, dataset: str) -> int:
        return sum(self.opened.lake().dataset(dataset).file_rows().values())

    def _check(self, what: str) -> None:
        """Exactly the assets nobody withdrew are in the training data, every asset or none in the recommendations."""
        table = self.opened.lake().dataset(DATASETS[1])
        found = np.sort(np.concatenate([table.read([path], ["offset"])["offset"].to_numpy() for path in table.paths()]))
        expected = np.setdiff1d(self.numbers, self.withdrawn).astype(np.int64)
        if not np.array_equal(found, expected):
            raise Void(f"{what}: {len(found):,} rows in {DATASETS[1]}, {len(expected):,} expected")
        if (rows := self._rows(DATASETS[0])) != (0 if self.prohibited else self.cast.assets):
            raise Void(f"{what}: {rows:,} rows in {DATASETS[0]}")


def _added(entry: Path) -> Iterator[dict[str, int]]:
    for line in entry.read_text().splitlines():
        action = json.loads(line)
        if "add" in action and action["add"]["dataChange"]:
            yield action["add"]


def sweep_rows(assets: int, runs: int, say: Say) -> list[Row]:
    """One lake; ``runs`` sweeps of each kind, each of other parties; everything decided once."""
    pa.set_memory_pool(pa.system_memory_pool())
    root = Path(tempfile.mkdtemp(prefix="gatekeeper-bench-"))
    try:
        bench = Bench(new_lake(root / "ws"), Cast(assets), say)
        bench.fill()
        return _measured(bench, runs)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _measured(bench: Bench, runs: int) -> list[Row]:
    cast, share = bench.cast, max(1, bench.cast.parties // 100)
    sizes = (
        f"{cast.assets:,} assets, {3 * cast.assets:,} decisions, 3 datasets, {2 * cast.parties:,} parties with "
        f"{ASSETS_PER_PARTY} assets each, {runs} runs"
    )
    ours, theirs = bench.look_ups()
    one = [
        bench.withdraw("one withdrawal", [f"label-{cast.parties // 2 + run}"], cast.labels).seconds
        for run in range(runs)
    ]
    clustered = [
        bench.withdraw("1 % clustered", [f"label-{run * share + k}" for k in range(share)], cast.labels)
        for run in range(runs)
    ]
    scattered = [
        bench.withdraw("1 % scattered", [f"publisher-{run * share + k}" for k in range(share)], cast.publishers)
        for run in range(runs)
    ]
    everything = [bench.terms(run) for run in range(1, 3)]
    return [
        *_against_rebuilding("1 % of parties, clustered", "≥ 10 ×", clustered, bench.rebuilt, sizes),
        *_against_rebuilding("1 % of parties, scattered", "≥ 2 ×", scattered, bench.rebuilt, sizes),
        *_against_rebuilding("100 %, new terms", "–", everything, bench.rebuilt, sizes),
        Row(
            what="withdrawal of one party on the log → its rows gone from every dataset, by a sweep",
            ours=f"{median(one):.2f} s",
            against="deciding and writing everything again",
            theirs=f"{bench.rebuilt.seconds:,.1f} s",
            ratio=bench.rebuilt.seconds / median(one),
            target="–",
            sizes=sizes,
            detail={"seconds": one},
        ),
        Row(
            what="everything recorded on one asset: its events and decisions",
            ours=f"{1000 * median(ours):.0f} ms (slowest of {len(ours)}: {1000 * max(ours):.0f} ms)",
            against="reading the ids of every row",
            theirs=f"{1000 * median(theirs):,.0f} ms",
            ratio=median(theirs) / median(ours),
            target="< 1 s among 10 M events and 30 M decisions",
            sizes=sizes,
            detail={"looked_up_s": ours, "scanned_s": theirs},
        ),
    ]


def _against_rebuilding(what: str, target: str, costs: Sequence[Cost], rebuilt: Cost, sizes: str) -> Iterator[Row]:
    seconds, written = median([c.seconds for c in costs]), median([c.written for c in costs])
    detail = {"seconds": [c.seconds for c in costs], "bytes": [c.written for c in costs], "rebuilt": vars(rebuilt)}
    against = "deciding and writing everything again"
    yield Row(
        f"sweep of {what}: time", f"{seconds:.2f} s", against, f"{rebuilt.seconds:,.1f} s", rebuilt.seconds / seconds,
        target, sizes, detail,
    )  # fmt: skip
    yield Row(
        f"sweep of {what}: bytes written", f"{written / 1e6:,.1f} MB", against, f"{rebuilt.written / 1e6:,.0f} MB",
        rebuilt.written / max(1, written), target, sizes, detail,
    )  # fmt: skip

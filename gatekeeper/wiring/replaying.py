"""``replay`` with real logs and tables. It writes nothing."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.layout import CATALOG, DECISIONS
from gatekeeper.core.policy import Policy, read_policy
from gatekeeper.core.removals import REMOVED
from gatekeeper.core.use import Declaration, read_declaration
from gatekeeper.edges.delta_append import AppendTable
from gatekeeper.errors import BadInput, Bug
from gatekeeper.stages.decide import ReferenceKernel
from gatekeeper.stages.gate.barrier import RightsRead
from gatekeeper.stages.gate.strays import Strays
from gatekeeper.stages.reading import decisions_of
from gatekeeper.stages.replay.choosing import COLUMNS, by_chance, in_chunks
from gatekeeper.stages.replay.comparing import Bools, Comparing, Replayed
from gatekeeper.stages.replay.rewinding import Compile, Rewound
from gatekeeper.stages.row_decisions import known_of
from gatekeeper.wiring.gate import compile_kernel, home_of
from gatekeeper.wiring.workspace import OpenWorkspace

Tell = Callable[[int], None]


@dataclass(frozen=True)
class ReplayOptions:
    """Which decisions: for ``datasets`` and on ``assets`` (none named: all), ``sample`` of them by chance (None: each).

    ``reference``: by the readable implementation, row by row. ``tell`` hears how many more were made again.
    """

    datasets: Sequence[str] = ()
    assets: Sequence[str] = ()
    sample: int | None = None
    reference: bool = False
    tell: Tell = lambda _more: None


def replay_decisions(opened: OpenWorkspace, options: ReplayOptions) -> Replayed:
    """Make recorded decisions again. Raises ``UnsafeLog`` where the rights log has lost what they rest on."""
    decisions, catalog, done = opened.table(DECISIONS), opened.table(CATALOG), Replayed()
    if decisions is None or catalog is None:
        return done
    compiled: Compile = ReferenceKernel if options.reference else compile_kernel
    removed_by, conflicting = _removed(catalog), _Conflicts(opened, catalog)
    comparing = Comparing(catalog, Rewound(_Past(opened), compiled), removed_by, conflicting)
    for rows in _chosen(decisions, options):
        comparing.compare(rows, done)
        options.tell(rows.num_rows)
    if not done.decisions and (asked := [*options.datasets, *options.assets]):
        raise BadInput(f"no decision is recorded for {', '.join(asked)}", "ids compare exactly; see gatekeeper status")
    return done


def _chosen(decisions: AppendTable, options: ReplayOptions) -> Iterator[pa.Table]:
    chunks: Iterable[pa.Table] = in_chunks(decisions, options.datasets)
    if options.assets:
        found = [decisions_of(decisions, asset).select(COLUMNS) for asset in dict.fromkeys(options.assets)]
        rows = pa.concat_tables(found)
        among = pc.is_in(rows["dataset"], value_set=pa.array(list(options.datasets), pa.string()))
        chunks = [rows.filter(among) if options.datasets else rows]
    if options.sample is None:
        yield from chunks
    else:
        random = np.random.default_rng(secrets.randbits(128))  # who plants a decision must not know which are looked at
        yield by_chance(iter(chunks), options.sample, random.random)


def _removed(catalog: AppendTable) -> Mapping[int, int]:
    """Place → the removal that covers the event there, of every asset that was ever removed."""
    assets = pc.unique(catalog.scan(["asset_id"], pc.field("type") == REMOVED)["asset_id"])
    return known_of(catalog, assets).removed_by if len(assets) else {}


@dataclass
class _Conflicts:
    """Which events are of assets in two partitions by now. The content log is asked for its partitions at first use."""

    opened: OpenWorkspace
    catalog: AppendTable
    _strays: Strays | None = field(default=None, init=False)

    def __call__(self, events: pa.Table) -> Bools:
        if self._strays is None:
            with closing(self.opened.content_reader()) as content:
                self._strays = Strays(self.catalog, home_of(self.opened, content.identity()))
        return self._strays.look(events)[0]


@dataclass(frozen=True)
class _Past:
    opened: OpenWorkspace

    def policy(self, digest: str) -> Policy | None:
        document = self._kept("policy", digest)
        return None if document is None else read_policy(document)

    def declaration(self, digest: str, policy: Policy) -> Declaration | None:
        document = self._kept("dataset", digest)
        return None if document is None else read_declaration(document, policy.purposes)

    def _kept(self, kind: str, digest: str) -> Mapping[str, Any] | None:
        try:
            return self.opened.kept().get(kind, digest)
        except Bug:
            return None  # a planted decision may name what is no digest

    def rights(self, policy: Policy) -> Sequence[RightsRead]:
        return self.opened.rights(policy).events

"""Every row of a candidate judged anew: on the kernel, from the catalogue's events, whatever gate and build wrote.

A row has a current permit when its own event is permitted now and so is the last event of its asset: a later update or
removal counts from the moment it is in the catalogue, decided or not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.candidate_rows import (
    NONE,
    Places,
    identities,
    in_order,
    latest_events,
    order_findings,
    own_events,
    payload_differences,
    taken,
    with_stream_columns,
)
from gatekeeper.core.media import AUDIO, copied
from gatekeeper.core.screening import NO_FINDING, screened
from gatekeeper.core.suites import Screening
from gatekeeper.core.tables import DATA_FIELDS
from gatekeeper.stages.check_media import MediaIndex
from gatekeeper.stages.gate.barrier import Decides

NOT_IN_CATALOG = "not_in_catalog"
FINDINGS = ("permit", "payload", "identity", "refused_identity", "secrets", "media")
PREFIX = "finding."
"""Before the name of a finding, the column of the frame that holds it; empty text where nothing was found."""

_DATA = frozenset((*(f.name for f in DATA_FIELDS), AUDIO))


class Catalogue(Protocol):
    """A loaded version of ``catalog``."""

    def scan(self, columns: list[str] | None = None, where: pc.Expression | None = None) -> pa.Table: ...


Refused = Mapping[str, str]
"""Asset id → reason: the assets whose last decision for the dataset is a deny by a claim."""


@dataclass
class RefusedIdentities:
    """ISRCs and content hashes of refused assets, of any event of theirs: identity → the assets."""

    refused: Refused
    isrc: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    sha256: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(cls, refused: Refused, catalogue: Catalogue) -> RefusedIdentities:
        made = cls(refused)
        if refused:
            where = pc.field("asset_id").isin(pa.array(list(refused), pa.string()))
            events = catalogue.scan(["asset_id", "identifiers"], where)
            assets = events["asset_id"].to_pylist()
            for kept, column in zip((made.isrc, made.sha256), identities(events), strict=True):
                for asset, identity in zip(assets, column.to_pylist(), strict=True):
                    if identity:
                        kept[identity].add(asset)
        return made

    def findings(self, asset_ids: list[str | None], events: pa.Table) -> dict[int, str]:
        """Events, one for each asset → the places of those that share an identity with another, refused asset."""
        shared = self.shared(asset_ids, events)
        return {i: f"same {kind} as {other} ({self.refused[other]})" for i, (kind, other) in shared.items()}

    def shared(self, asset_ids: list[str | None], events: pa.Table) -> dict[int, tuple[str, str]]:
        """The same → by place what is shared (``ISRC``, ``content hash``) with which refused asset."""
        found: dict[int, tuple[str, str]] = {}
        named = (("ISRC", self.isrc), ("content hash", self.sha256))
        for (kind, kept), column in zip(named, identities(events), strict=True):
            hits = pc.is_in(column, value_set=pa.array(list(kept), pa.string()))
            for i in np.flatnonzero(hits.to_numpy(zero_copy_only=False)).tolist():
                others = sorted(kept[column[i].as_py()] - {asset_ids[i]})
                if others:
                    found.setdefault(i, (kind, others[0]))
        return found


@dataclass
class RowJudge:
    """Takes the windows of one candidate in their order. ``kernel`` stands at the end of the rights log. ``media`` is
    the index of a candidate whose release will hold its media.
    """

    dataset: str
    catalogue: Catalogue
    kernel: Decides
    refused: RefusedIdentities
    screening: Screening
    media: MediaIndex | None = None
    _last: str | None = None

    def judged(self, rows: pa.Table) -> pa.Table:
        """Rows of the candidate's parts → the same with a ``finding.*`` column for each of ``FINDINGS``."""
        history = self._history(rows["asset_id"])
        own, latest = own_events(rows, history), latest_events(rows, history)
        columns = [name for name in rows.column_names if name in _DATA]
        found = {
            "permit": self._permits(history, own, latest),
            "payload": payload_differences(rows, copied(history) if self.media else history, own, columns),
            "identity": order_findings(rows["asset_id"], self._last),
            "refused_identity": self._refused(rows, history, own),
            "secrets": screened(rows, self.screening),
            "media": self.media.findings(rows) if self.media else [NO_FINDING] * rows.num_rows,
        }
        seen = [asset_id for asset_id in rows["asset_id"].slice(max(0, rows.num_rows - 1)).to_pylist() if asset_id]
        self._last = seen[-1] if seen else self._last
        for name in FINDINGS:
            rows = rows.append_column(f"{PREFIX}{name}", pa.array(found[name], pa.string()))
        return rows

    def _history(self, asset_ids: pa.ChunkedArray) -> pa.Table:
        """Every event of these assets, with what only the stream knows."""
        wanted = pc.unique(asset_ids).drop_null()
        found = self.catalogue.scan(None, pc.field("asset_id").isin(wanted))
        return with_stream_columns(in_order(found).combine_chunks())

    def _permits(self, history: pa.Table, own: Places, latest: Places) -> list[str]:
        refusals = self._refusals(history, np.union1d(own, latest))
        refused = np.zeros(history.num_rows + 1, np.bool_)  # NONE is the last one's place, and stays False
        refused[list(refusals)] = True
        findings = [NO_FINDING] * len(own)
        for row in np.flatnonzero((own == NONE) | refused[own] | refused[latest]).tolist():
            mine, last = (None if at == NONE else refusals.get(at, NO_FINDING) for at in (own[row], latest[row]))
            findings[row] = _permit(mine, last)
        return findings

    def _refusals(self, history: pa.Table, places: Places) -> dict[int, str]:
        """Of these events those that are not permitted, and why."""
        places = places[places != NONE]
        if not len(places):
            return {}
        said = self.kernel.decide(taken(history, places))[self.dataset]
        if said.num_rows != len(places):
            raise ValueError("the kernel gave no answer for an event")
        permitted = pc.fill_null(pc.equal(said["verdict"], "permit"), False)
        others = np.flatnonzero(~permitted.to_numpy(zero_copy_only=False))
        return dict(zip(places[others].tolist(), said["reason"].take(pa.array(others)).to_pylist(), strict=True))

    def _refused(self, rows: pa.Table, history: pa.Table, own: Places) -> list[str]:
        if not self.refused.refused:
            return [NO_FINDING] * rows.num_rows
        have = np.flatnonzero(own != NONE)
        events = history.select(["identifiers"]).take(pa.array(own[have]))
        found = self.refused.findings(rows["asset_id"].take(pa.array(have)).to_pylist(), events)
        findings = [NO_FINDING] * rows.num_rows
        for i, finding in found.items():
            findings[int(have[i])] = finding
        return findings


def _permit(own: str | None, latest: str | None) -> str:
    if own is None:
        return NOT_IN_CATALOG
    if own:
        return own
    return f"{latest} (its latest event)" if latest else NO_FINDING


def missing_columns(columns: Iterable[str]) -> list[str]:
    """Columns without which no row can be judged."""
    return [name for name in ("asset_id", "partition", "offset") if name not in set(columns)]

"""What the lake already says about a dataset's assets: their last decisions, and a catalogue that is not there yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.fold import commit_order, last_of_each

_VERSION = "_commit_version"
_COLUMNS = ("asset_id", "partition", "offset", "verdict", "reason")


class DecisionsTable(Protocol):
    """A loaded version of ``decisions``."""

    @property
    def version(self) -> int: ...
    def read_since(
        self, version: int, through: int, columns: Sequence[str] | None = None, dataset: str | None = None
    ) -> pa.Table: ...


@dataclass(frozen=True)
class Nothing:
    """A table nobody has written yet."""

    schema: pa.Schema

    def scan(self, columns: Sequence[str] | None = None, where: pc.Expression | None = None) -> pa.Table:  # noqa: ARG002
        return self.schema.empty_table().select(list(columns or self.schema.names))


def last_decisions(decisions: DecisionsTable | None, dataset: str) -> pa.Table:
    """The last decision on every asset in commit order, then offset: ``asset_id``, ``verdict``, ``reason``."""
    kept = ["asset_id", "verdict", "reason"]
    if decisions is None:
        return pa.table({name: pa.array([], pa.string()) for name in kept})
    rows = decisions.read_since(0, decisions.version, _COLUMNS, dataset)
    order = commit_order(*(rows[name].to_numpy().astype(np.int64) for name in (_VERSION, "partition", "offset")))
    rows = rows.select(kept).take(pa.array(order))
    return rows.take(pa.array(last_of_each(rows["asset_id"])))


def without_permit(decisions: pa.Table) -> pa.Array:
    """Last decisions → the assets that are not permitted."""
    found = decisions.filter(pc.not_equal(decisions["verdict"], "permit"))["asset_id"].combine_chunks()
    return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)


def stopped_by_claim(decisions: pa.Table) -> dict[str, str]:
    """Last decisions → asset → reason, where the verdict is a deny by a claim."""
    claim = pc.and_(pc.equal(decisions["verdict"], "deny"), pc.starts_with(decisions["reason"], "claim."))
    rows = decisions.filter(claim)
    return dict(zip(rows["asset_id"].to_pylist(), rows["reason"].to_pylist(), strict=True))

"""Which recorded decisions are looked at: all in the order of commits, some by chance, or those on one asset."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.tables import DECISIONS_SCHEMA
from gatekeeper.stages.reading import ReadableTable

COLUMNS = [name for name in DECISIONS_SCHEMA.names if name != "topic"]
TOGETHER_ROWS = 200_000
"""Decisions read and made again together, about: what bounds memory."""

Keys = Callable[[int], npt.NDArray[np.float64]]
"""n → n random numbers, which nobody knows beforehand."""


def in_chunks(decisions: ReadableTable, datasets: Collection[str]) -> Iterator[pa.Table]:
    """Every decision for these datasets (none named: for all), in the order of commits."""
    version, versions = 0, 1
    while version < decisions.version:
        through = min(version + versions, decisions.version)
        rows = decisions.read_since(version, through, COLUMNS)
        versions = max(1, min(4 * versions, TOGETHER_ROWS // max(1, rows.num_rows // (through - version))))
        version = through
        rows = rows.select(COLUMNS)
        yield rows.filter(pc.is_in(rows["dataset"], value_set=pa.array(list(datasets)))) if datasets else rows


def by_chance(chunks: Iterator[pa.Table], count: int, keys: Keys) -> pa.Table:
    """So many of the rows, each as likely as any other, in one pass."""
    kept, drawn = DECISIONS_SCHEMA.empty_table().select(COLUMNS), np.empty(0)
    for chunk in chunks:
        rows, drawn = pa.concat_tables([kept, chunk]), np.concatenate([drawn, keys(chunk.num_rows)])
        least = np.sort(np.argsort(drawn, kind="stable")[:count])
        kept, drawn = rows.take(pa.array(least)), drawn[least]
    return kept

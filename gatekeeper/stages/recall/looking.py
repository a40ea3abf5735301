"""Releases of one use read side by side, so that a row they share is decided once and memory stays bounded.

Rules of this file: no row is passed over, also where a release is not in the order it should be; a row is known by its
asset and the place of its event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.manifest import Manifest
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.release_reading import rows_of

ROW = ["asset_id", "partition", "offset"]
ROWS_HELD_MAX = 1_000_000
"""Of all releases that are read side by side."""
PIECE_ROWS_MAX = 250_000
PIECE_ROWS_MIN = 10_000

Window = Mapping[str, pa.Table]
"""Name of a release → its rows whose asset ids lie in this window, ``ROW`` columns."""


Read = Callable[[int], Iterator[pa.Table]]
"""Rows at once at most → the rows of a release by asset id, ``ROW`` columns."""


def rows_to_decide(store: ReleaseStore, manifest: Manifest, rows_max: int) -> Iterator[pa.Table]:
    """The ``ROW`` columns of a release. Raises what ``rows_of`` raises."""
    return rows_of(store, manifest, ROW, rows_max)


def windows(releases: Mapping[str, Read]) -> Iterator[Window]:
    """Every row of every release once."""
    piece = max(PIECE_ROWS_MIN, min(PIECE_ROWS_MAX, ROWS_HELD_MAX // max(1, len(releases))))
    return side_by_side({name: read(piece) for name, read in releases.items()})


def side_by_side(readers: Mapping[str, Iterator[pa.Table]]) -> Iterator[Window]:
    """Readers of rows by asset id → all their rows, a stretch of asset ids at a time."""
    left, held = dict(readers), dict[str, pa.Table]()
    while True:
        for name in [name for name in left if name not in held]:
            rows = next((rows for rows in left[name] if rows.num_rows), None)
            if rows is None:
                del left[name]
            else:
                held[name] = rows
        if not held:
            return
        least = min((rows["asset_id"][-1].as_py() for rows in held.values()), key=str.encode)
        window = {}
        for name, rows in list(held.items()):
            inside = pc.less_equal(rows["asset_id"], least)
            window[name], rest = rows.filter(inside), rows.filter(pc.invert(inside))
            if rest.num_rows:
                held[name] = rest
            else:
                del held[name]
        yield {name: rows for name, rows in window.items() if rows.num_rows}


def distinct(window: Window) -> pa.Table:
    """The rows of a window, those that several releases share once."""
    return pa.concat_tables(rows.select(ROW) for rows in window.values()).group_by(ROW).aggregate([])

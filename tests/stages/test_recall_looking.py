"""Releases read side by side: every row comes once, and those of one asset come together."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.stages.recall.looking import ROW, distinct, side_by_side

Rows = list[tuple[str, int]]
ASSETS = st.text("aбz\U0001f3b5", min_size=1, max_size=2)
"""Few ids, so that releases share them; of one to four bytes a character, so that order is by bytes."""
RELEASES = st.lists(st.lists(st.tuples(ASSETS, st.integers(0, 2)), max_size=12), max_size=4)


def table(rows: Rows) -> pa.Table:
    columns = [[asset for asset, _ in rows], [0] * len(rows), [offset for _, offset in rows]]
    return pa.table([pa.array(columns[0], pa.string()), pa.array(columns[1]), pa.array(columns[2])], names=ROW)


def pieces(rows: Rows, size: int) -> Iterator[pa.Table]:
    yield from (table(rows[at : at + size]) for at in range(0, len(rows), size))


def as_rows(found: pa.Table) -> Rows:
    return list(zip(found["asset_id"].to_pylist(), found["offset"].to_pylist(), strict=True))


@given(RELEASES, st.integers(1, 5))
def test_no_row_is_passed_over_in_whatever_order_they_come(releases: list[Rows], size: int) -> None:
    """Also where a release is not sorted, repeats an asset, or is empty."""
    readers = {str(n): pieces(rows, size) for n, rows in enumerate(releases)}
    found: dict[str, Rows] = {name: [] for name in readers}
    for window in side_by_side(readers):
        assert window
        for name, rows in window.items():
            found[name] += as_rows(rows)
        assert sorted(as_rows(distinct(window))) == sorted({row for rows in window.values() for row in as_rows(rows)})
    assert {name: sorted(rows) for name, rows in found.items()} == {str(n): sorted(r) for n, r in enumerate(releases)}


@given(RELEASES, st.integers(1, 5))
def test_an_asset_that_sorted_releases_share_is_in_one_window(releases: list[Rows], size: int) -> None:
    """So it is decided once for all of them."""
    ordered = [sorted(rows, key=lambda row: (row[0].encode(), row[1])) for rows in releases]
    whole = [[row for n, row in enumerate(rows) if n == 0 or rows[n - 1][0] != row[0]] for rows in ordered]
    seen: set[str] = set()
    for window in side_by_side({str(n): pieces(rows, size) for n, rows in enumerate(whole)}):
        here = {asset for rows in window.values() for asset in rows["asset_id"].to_pylist()}
        assert not here & seen
        seen |= here

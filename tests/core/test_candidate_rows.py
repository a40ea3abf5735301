"""The order of a candidate's asset ids: what is told at once for a window in order is told row by row otherwise."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.candidate_rows import order_findings
from gatekeeper.core.screening import NO_FINDING

TWICE, OUT, MISSING = "asset_id stands twice", "asset_id is out of order", "asset_id is missing"


@pytest.mark.parametrize(
    ("ids", "before", "expected"),
    [
        pytest.param(["b", "a"], None, [NO_FINDING, OUT], id="out of order"),
        pytest.param(["a", "a", "b"], None, [NO_FINDING, TWICE, NO_FINDING], id="twice"),
        pytest.param(["a", "b"], "a", [TWICE, NO_FINDING], id="the last one of the window before again"),
        pytest.param(["a", "b"], "b", [OUT, NO_FINDING], id="below the window before"),
        pytest.param(["a", None, "", "b"], None, [NO_FINDING, MISSING, MISSING, NO_FINDING], id="missing"),
        pytest.param(["", "a"], None, [MISSING, NO_FINDING], id="the first is empty"),
        pytest.param(["\U0001f600", "\uff5e"], None, [NO_FINDING, OUT], id="by bytes, not as UTF-16 has it"),
        pytest.param(["a", "b", "\uff5e", "\U0001f600"], None, [NO_FINDING] * 4, id="in order, by bytes"),
        pytest.param(["a"], None, [NO_FINDING], id="one"),
        pytest.param([], "a", [], id="none"),
    ],
)
def test_ids_are_there_once_and_in_order(ids: list[str | None], before: str | None, expected: list[str]) -> None:
    assert order_findings(pa.chunked_array([ids], pa.string()), before) == expected


@given(
    ids=st.lists(st.text("aé\uff5e\U0001f600", max_size=3), max_size=6), in_order=st.booleans(), at=st.integers(0, 6)
)
def test_a_window_in_chunks_says_what_its_rows_say(ids: list[str], in_order: bool, at: int) -> None:
    """Each row looked at as a window of its own, after the last id that was there."""
    ids = sorted(ids, key=str.encode) if in_order else ids
    alone, before = [], None
    for asset_id in ids:
        alone += order_findings(pa.chunked_array([[asset_id]], pa.string()), before)
        before = asset_id or before
    assert order_findings(pa.chunked_array([ids[:at], ids[at:]], pa.string()), None) == alone

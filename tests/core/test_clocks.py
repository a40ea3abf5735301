"""The clock of a no: what counts as heard, and when a deadline is at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from gatekeeper.core.clocks import HOUR_US, Clock, Passed, Standing, State, clock

GATE, SWEEP = False, True


def stands(
    *passed: tuple[int, int, bool],
    folded: Mapping[str, int] | None = None,
    looked: int | None = None,
    complete: bool = False,
    now_h: float = 1,
) -> Clock:
    """``passed``: (version, position, sweep); an instant is its version. The no stands at position 5, at 0 h."""
    commits: Sequence[Passed] = [Passed(version, position, version, sweep) for version, position, sweep in passed]
    standing = Standing(commits, complete, folded or {"d": 100}, looked, looked, round(now_h * HOUR_US), 10)
    return clock(5, "rights.consent.withdrawn", "party:P", 0, standing)


@pytest.mark.parametrize(
    ("passed", "folded", "gate", "tables"),
    [
        ([], 100, None, None),
        ([(9, 5, GATE)], 100, None, None),
        ([(9, 6, GATE)], 100, 9, None),
        ([(9, 6, GATE), (8, 5, SWEEP)], 100, 9, None),
        ([(9, 6, SWEEP)], 8, 9, None),
        ([(9, 6, SWEEP)], 9, 9, 9),
        ([(12, 9, SWEEP), (9, 6, SWEEP)], 9, 9, 9),
        ([(12, 9, SWEEP), (9, 6, SWEEP)], 8, 9, None),
    ],
)
def test_a_table_has_heard_when_a_sweep_has_and_it_followed(
    passed: list[tuple[int, int, bool]], folded: int, gate: int | None, tables: int | None
) -> None:
    """Positions are ends: a commit at 5 has not heard of the event at 5; of two tables the slower one counts."""
    found = stands(*passed, folded={"a": folded, "b": 100})
    assert (found.gate_us, found.tables_us) == (gate, tables)


def test_where_nothing_was_decided_before_it_no_sweep_is_needed() -> None:
    """Every decision there is has heard of it; one that has not, or one that nobody looked at, needs a sweep."""
    assert stands((2, 6, GATE), (1, 6, GATE), complete=True).tables_us == 1
    assert stands((2, 6, GATE), (1, 5, GATE), complete=True).tables_us is None
    assert stands((2, 6, GATE), (1, 6, GATE), complete=False).tables_us is None


@pytest.mark.parametrize(
    ("looked", "now_h", "state"),
    [
        (5, 1, State.OPEN),
        (5, 4.9, State.OPEN),
        (5, 5, State.AT_RISK),
        (5, 10, State.OVERDUE),
        (6, 10, State.DONE),
        (None, 10, State.DONE),
    ],
)
def test_a_deadline_is_at_risk_at_half_and_passed_at_its_end(looked: int | None, now_h: float, state: State) -> None:
    """Unless it is everywhere: without a release there is nothing to look at."""
    assert stands((9, 6, SWEEP), looked=looked, now_h=now_h).state is state

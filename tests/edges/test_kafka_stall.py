"""A position that stands still while records wait is an error; everything else is patience."""

from __future__ import annotations

import pytest

from gatekeeper.edges.kafka_stall import StallWatch
from gatekeeper.errors import Unavailable


def test_a_position_that_stands_still_below_a_growing_end_is_unavailable() -> None:
    """After the stated time, and not before; the message says which partition and where."""
    watch = StallWatch(60)
    watch.observe(0, {3: (10, 11)})
    watch.observe(59, {3: (10, 500)})
    with pytest.raises(Unavailable, match="partition 3 has stood still at 10"):
        watch.observe(61, {3: (10, 900)})


def test_one_stalled_partition_among_moving_ones_is_noticed() -> None:
    """Records from the others do not hide it."""
    watch = StallWatch(60)
    for at in range(0, 80, 20):
        watch.observe(at, {0: (at, 1000), 1: (7, 1000)})
    with pytest.raises(Unavailable, match="partition 1"):
        watch.observe(80, {0: (80, 1000), 1: (7, 1000)})


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param([{0: (10, 10)}] * 9, id="at the end"),
        pytest.param([{0: (10, 10)}] * 8 + [{0: (10, 11)}], id="records came just now"),
        pytest.param([{0: (n, 1000)} for n in range(9)], id="slow but moving"),
        pytest.param([{0: (10, 20)}, {}] * 4, id="paused in between"),
        pytest.param([{0: (10, 20)}, {0: (5, 20)}] * 4, id="sent back by a seek"),
    ],
)
def test_waiting_is_not_stalling(seen: list[dict[int, tuple[int, int]]]) -> None:
    """At the end of the log, moving slowly, paused: none of it is an error, however long."""
    watch = StallWatch(60)
    for n, observed in enumerate(seen):
        watch.observe(n * 50.0, observed)

"""Numbers of ``gatekeeper status``."""

from __future__ import annotations

from pathlib import Path

from gatekeeper.core.events import Unreadable
from gatekeeper.core.layout import DECISIONS
from gatekeeper.core.register import Register
from gatekeeper.edges.delta import Lake
from gatekeeper.stages.status import SHOWN_BYTES_MAX, partitions, unanswered, verdict_counts
from tests.stages.lake_writing import decide


def test_room_is_negative_where_retention_overtook_the_lag() -> None:
    """What was deleted before it was decided shows: the log begins after what comes next."""
    lost, behind, fresh = partitions({0: 50, 1: 50, 2: 0}, {0: 90, 1: 90, 2: 0}, {0: 39, 1: 69, 2: -1}.__getitem__)
    assert (lost.room, lost.lag) == (-10, 50)
    assert (behind.room, behind.lag) == (20, 20)
    assert (fresh.room, fresh.lag) == (0, 0)


def test_verdicts_count_assets_by_their_last_decision(tmp_path: Path) -> None:
    """An asset that was decided twice counts once, as it stands."""
    decide(tmp_path, {"asset_id": "a"}, {"asset_id": "b"}, {"asset_id": "a", "dataset": "e", "verdict": "deny"})
    decide(tmp_path, {"asset_id": "a", "verdict": "permit"})
    assert verdict_counts(Lake(tmp_path).open(DECISIONS)) == {"d": {"permit": 1, "hold": 1}, "e": {"deny": 1}}


def test_no_decision_no_count(tmp_path: Path) -> None:
    """An empty table is no error."""
    assert verdict_counts(Lake(tmp_path).open(DECISIONS)) == {}


def test_unanswered_records_stand_in_the_order_of_the_log_with_their_bytes() -> None:
    """Answered ones are gone; bytes that are no text are shown escaped, and not without end."""
    register = Register()
    for position, subject in ((4, None), (2, "asset:a"), (3, None)):
        register.unreadable[position] = Unreadable(position, "bad_json", "why", subject)
    register.answered.add(3)
    found = unanswered(register, {2: b"\xff{", 3: b"x", 4: b"y" * (2 * SHOWN_BYTES_MAX)})
    assert [(record.position, record.subject) for record in found] == [(2, "asset:a"), (4, None)]
    assert found[0].text == "\\xff{"
    assert len(found[1].text) == SHOWN_BYTES_MAX

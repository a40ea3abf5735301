"""The rights log in the lake: every record once with its bytes, and read by all as it was first (design §5)."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.core.contracts import contracts_of
from gatekeeper.core.events import RightsEvent, Unreadable
from gatekeeper.core.layout import RIGHTS, RIGHTS_APP
from gatekeeper.core.policy import Policy
from gatekeeper.core.times import parse_instant
from gatekeeper.edges.delta import Lake
from gatekeeper.edges.rules_files import read_policy_file
from gatekeeper.edges.shipped import read_schemas
from gatekeeper.ports import RightsRecord
from gatekeeper.stages.rights_table import RightsTable
from tests.cli.conftest import event
from tests.support.gate_runs import NOW, withdrawn

CONTRACTS = contracts_of(read_schemas())
NOON_US = parse_instant(NOW)
MINUTE_US = 60_000_000
AHEAD = withdrawn(time="2025-06-20T12:06:00Z").encode()
BAD = event("rights.claim.opened", claim_id="c", kind="?", subject="asset:song").encode()
_ids = itertools.count()


@pytest.fixture(scope="module")
def policy() -> Policy:
    shipped = Path(__file__).resolve().parents[2] / "gatekeeper" / "shipped" / "policy" / "policy.yaml"
    return read_policy_file(shipped, CONTRACTS)


def table(root: Path, clock_us: int = NOON_US) -> RightsTable:
    """As a worker opens it, by a clock that stands."""
    return RightsTable(
        Lake(root).open(RIGHTS), RIGHTS_APP, CONTRACTS.check_rights, lambda: clock_us, lambda: f"id-{next(_ids)}", "w"
    )


def rows(root: Path) -> list[dict[str, object]]:
    return sorted(Lake(root).open(RIGHTS).scan().to_pylist(), key=lambda row: row["position"])


def kinds(read: list[RightsEvent | Unreadable]) -> list[str]:
    return [f"{r.position} {r.reason if isinstance(r, Unreadable) else r.type}" for r in read]


def test_a_time_ahead_is_judged_by_the_first_reading(tmp_path: Path, policy: Policy) -> None:
    """Six minutes ahead then: unreadable for every later reader, whatever its clock says."""
    record = RightsRecord(0, AHEAD, None)
    first = table(tmp_path).settle([record], policy)
    for clock_us in (NOON_US + 3600 * 1_000_000, NOON_US - 3600 * 1_000_000):
        assert table(tmp_path, clock_us).settle([record], policy) == first
    assert kinds(first) == ["0 time_ahead"]
    assert rows(tmp_path)[0]["recorded_at"] == datetime.fromisoformat(NOW).astimezone(UTC)


def test_an_arrival_that_the_log_knows_counts_for_everybody(tmp_path: Path, policy: Policy) -> None:
    """The broker's append time decides; who recorded the record when does not."""
    arrived = [NOON_US + 1 * MINUTE_US, NOON_US]
    records = [RightsRecord(n, AHEAD.replace(b"urn:test", b"urn:%d" % n), at) for n, at in enumerate(arrived)]
    expected = ["0 rights.consent.withdrawn", "1 time_ahead"]
    for clock_us in (NOON_US, NOON_US + 3600 * 1_000_000, 0):
        assert kinds(table(tmp_path, clock_us).settle(records, policy)) == expected


def test_of_two_workers_the_first_to_record_is_believed(tmp_path: Path, policy: Policy) -> None:
    """The second, whose clock is ahead and whose handle is stale, records nothing and reads it as the first did."""
    record = RightsRecord(0, AHEAD, None)
    late = table(tmp_path, NOON_US + 10 * MINUTE_US)
    assert kinds(table(tmp_path).settle([record], policy)) == ["0 time_ahead"]
    assert kinds(late.settle([record], policy)) == ["0 time_ahead"]
    assert len(rows(tmp_path)) == 1


def test_each_record_is_kept_once(tmp_path: Path, policy: Policy) -> None:
    """Read again from the beginning, in other pieces, with gaps between positions: one row each, with its bytes."""
    values = [withdrawn(id_=f"w{n}").encode() for n in range(4)] + [b"\xff", None, BAD]
    records = [RightsRecord(2 * n, value, None) for n, value in enumerate(values)]
    worker = table(tmp_path)
    worker.settle(records[:3], policy)
    whole = worker.settle(records, policy)
    assert table(tmp_path).settle(records, policy) == whole
    assert [(row["position"], row["value"]) for row in rows(tmp_path)] == [(r.position, r.value) for r in records]


def test_what_nobody_can_read_is_kept_with_its_reason(tmp_path: Path, policy: Policy) -> None:
    """The subject where it can be read, the problem, and no invented fields."""
    read = table(tmp_path).settle([RightsRecord(0, BAD, None), RightsRecord(1, b"{", None)], policy)
    assert [r.subject for r in read if isinstance(r, Unreadable)] == ["asset:song", None]
    found = rows(tmp_path)
    assert [(row["readable"], row["subject"], row["event_id"]) for row in found] == [
        (False, "asset:song", None),
        (False, None, None),
    ]
    assert all(row["problem"] for row in found)


def test_a_readable_event_can_be_found_by_its_fields(tmp_path: Path, policy: Policy) -> None:
    """Type, id, source, time and subject stand in columns beside the bytes."""
    table(tmp_path).settle([RightsRecord(0, withdrawn(id_="w").encode(), None)], policy)
    [row] = rows(tmp_path)
    names = ("readable", "problem", "type", "event_id", "source", "subject")
    assert [row[n] for n in names] == [True, None, "rights.consent.withdrawn", "w", "urn:test", "account:nina"]


def test_nothing_to_settle_commits_nothing(tmp_path: Path, policy: Policy) -> None:
    """An idle worker adds no versions."""
    worker = table(tmp_path)
    before = Lake(tmp_path).open(RIGHTS).version
    assert worker.settle([], policy) == []
    assert Lake(tmp_path).open(RIGHTS).version == before

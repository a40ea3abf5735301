"""The oracle can fail: every kind of damage done to a good lake by hand is noticed, and the good lake is found good."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from tests.support.damage import Case
from tests.support.gate_world import FileWorld
from tests.support.lake_log import Row
from tests.support.replayed import Replayed
from tests.support.truth import Truth

pytestmark = pytest.mark.crash


@pytest.fixture(scope="module")
def drained(tmp_path_factory: pytest.TempPathFactory) -> FileWorld:
    world = FileWorld(tmp_path_factory.mktemp("good"), seed=7)
    for _ in range(3):
        world.send(content=100, rights=10)
        world.drain()
    return world


@pytest.fixture
def case(drained: FileWorld, tmp_path: Path) -> Case:
    lake = tmp_path / "lake"
    shutil.copytree(drained.root / "lake", lake)
    truth = Truth(drained.content_log(), drained.rights_log(), keyed=False, fresh_from=drained.fresh_from)
    return Case(lake, truth, Replayed(drained.root))


def permit(case: Case) -> Row:
    """The decision a row of a dataset rests on."""
    row = case.rows("datasets/recommendation")[0]
    same = {name: row[name] for name in ("partition", "offset", "rights_position")}
    return case.rows("decisions", dataset="recommendation", **same)[0]


def decided_twice(case: Case) -> None:
    case.append("decisions", permit(case))


def decided_for_nobody(case: Case) -> None:
    case.append("decisions", permit(case), offset=10**6)


def decided_differently_later(case: Case) -> None:
    case.append("decisions", permit(case), driver="sweep", verdict="deny")


def decided_on_older_rights_later(case: Case) -> None:
    case.append("decisions", permit(case), driver="sweep", rights_position=1)


def decided_at_another_instant(case: Case) -> None:
    row = next(r for r in case.rows("decisions") if r["reason"] == "terms.permit")
    case.append("decisions", row, driver="sweep", decided_at=0)


def a_decision_lost(case: Case) -> None:
    case.delete("decisions", f"\"offset\" = {permit(case)['offset']} and dataset = 'recommendation'")


def dead_lettered_twice(case: Case) -> None:
    case.append("dead_letters", case.rows("dead_letters")[0])


def dead_letter_of_a_valid_event(case: Case) -> None:
    case.append("dead_letters", case.rows("dead_letters")[0], offset=permit(case)["offset"])


def a_dead_letter_with_other_bytes(case: Case) -> None:
    row = case.rows("dead_letters")[0]
    case.delete("dead_letters", f'"offset" = {row["offset"]}')
    case.append("dead_letters", row, value=b"something else")


def catalogued_twice(case: Case) -> None:
    case.append("catalog", case.rows("catalog")[0])


def an_invalid_event_catalogued(case: Case) -> None:
    case.append("catalog", case.rows("catalog")[0], offset=case.rows("dead_letters")[0]["offset"])


def rights_kept_twice(case: Case) -> None:
    case.append("rights", case.rows("rights")[0])


def a_row_too_many(case: Case) -> None:
    case.append("datasets/recommendation", case.rows("datasets/recommendation")[0])


def a_row_missing(case: Case) -> None:
    asset = case.rows("datasets/recommendation")[0]["asset_id"]
    case.delete("datasets/recommendation", f"asset_id = '{asset}'")


def a_row_with_the_payload_of_another_event(case: Case) -> None:
    row = case.rows("datasets/recommendation")[0]
    a_row_missing(case)
    case.append("datasets/recommendation", row, title="not what was permitted")


def a_transaction_that_goes_back(case: Case) -> None:
    app, version = case.last_txn("decisions")
    case.append("decisions", permit(case), {app: version - 5}, driver="sweep")


def a_fold_that_is_behind(case: Case) -> None:
    delta = DeltaTable(str(case.lake / "decisions"))
    write_deltalake(delta, pa.schema(delta.schema().to_arrow()).empty_table(), mode="append")


def an_event_nobody_read(case: Case) -> None:
    newest = case.truth.valid[-1]
    case.truth = replace(case.truth, content=[*case.truth.content, newest._replace(offset=len(case.truth.content))])


def rights_that_were_there_before(case: Case) -> None:
    place = (permit(case)["partition"], permit(case)["offset"])
    case.truth = replace(case.truth, fresh_from={place: len(case.truth.rights)})


DAMAGE: list[tuple[Callable[[Case], None], str]] = [
    (decided_twice, "gate decisions: 1 too many"),
    (decided_for_nobody, "gate decisions: 1 too many"),
    (decided_differently_later, "replayed"),
    (decided_differently_later, "rows of recommendation: 1 too many"),
    (decided_on_older_rights_later, "rights_position of asset "),
    (decided_at_another_instant, "replayed"),
    (a_decision_lost, "decisions: a version removes files"),
    (a_decision_lost, "decisions as read"),
    (dead_lettered_twice, "dead letters: 1 too many"),
    (dead_letter_of_a_valid_event, "dead letters: 1 too many"),
    (a_dead_letter_with_other_bytes, "dead letters: "),
    (catalogued_twice, "catalog: 1 too many"),
    (an_invalid_event_catalogued, "catalog: 1 too many"),
    (rights_kept_twice, "rights: 1 too many"),
    (a_row_too_many, "rows of recommendation: 1 too many"),
    (a_row_missing, "rows of recommendation: 1 missing"),
    (a_row_with_the_payload_of_another_event, "rows of recommendation: 1 missing"),
    (a_transaction_that_goes_back, "goes from"),
    (a_fold_that_is_behind, "has folded"),
    (an_event_nobody_read, "gate decisions: 3 missing"),
    (an_event_nobody_read, "catalog: 1 missing"),
    (an_event_nobody_read, "last offsets in decisions: 1 missing"),
    (rights_that_were_there_before, "rights ended at"),
]


def test_a_lake_that_was_made_well_is_found_good(case: Case) -> None:
    """No false alarm: otherwise nothing below says anything."""
    assert case.violations() == []


@pytest.mark.parametrize(("damage", "noticed"), DAMAGE, ids=lambda p: getattr(p, "__name__", p))
def test_damage_is_noticed(case: Case, damage: Callable[[Case], None], noticed: str) -> None:
    """Each kind of damage is named by the check that is there for it."""
    damage(case)
    assert any(noticed in line for line in case.violations()), case.violations()

"""What rights events and passed time touch: too much is allowed, too little never."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from typing import Any

import pyarrow as pa
import pytest

from gatekeeper.core.asset import asset_of
from gatekeeper.core.events import RightsEvent, Unreadable
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.stages.sweep import touched
from gatekeeper.stages.sweep.touched import Touched, by_events, by_time
from tests.core.comparing import Records, any_way, batch_of, by_kernel, compiled, records_of, world_policy
from tests.worlds import random_world

FIRST = 6
"""Terms are published below this position only: what everything depends on narrows nothing."""


def said(position: int, type_: str, /, **data: Any) -> RightsEvent:
    return RightsEvent(position, type_, 0, "urn:test", str(position), data)


def signed(position: int, agreement: str = "g", **scope: Any) -> RightsEvent:
    return said(position, "rights.agreement.signed", agreement_id=agreement, party_id="p", scope=scope)


def touched_by(news: list[Any], before: Iterable[Any] = (), unreadable: dict[int, Unreadable] | None = None) -> Touched:
    def earlier(types: Collection[str]) -> list[Any]:
        return [event for event in before if _is(event, types)]

    return by_events(news, earlier, unreadable or {})


@pytest.mark.parametrize("type_", ["rights.terms.published", "policy.activated", "dataset.declared"])
def test_what_no_subject_bounds_is_everything(type_: str) -> None:
    """Terms, a policy and a declaration concern every asset."""
    assert touched_by([said(5, type_, name="d", digest="x")]).everything


def test_a_termination_touches_what_was_signed_before() -> None:
    """It names an id only; its scope stands in the event that signed it."""
    terminated = said(9, "rights.agreement.terminated", agreement_id="g", effective_from_us=0)
    before = [signed(1, catalogs=["c"]), signed(2, "other", catalogs=["d"])]
    assert touched_by([terminated], before) == Touched(frozenset({"catalog:c"}))


def test_a_replaced_agreement_touches_its_old_scope_too() -> None:
    """What it no longer covers loses its permit."""
    found = touched_by([signed(9, isrcs=["I"])], [signed(1, all=True), signed(2, assets=["a"])])
    assert found == Touched(frozenset({"isrc:I", "party:p", "asset:a"}))


def test_a_resolution_touches_every_subject_its_claim_was_opened_on() -> None:
    """Also where it was opened among the news themselves."""
    opened = [said(n, "rights.claim.opened", claim_id="k", subject=f"asset:a{n}") for n in (1, 8)]
    found = touched_by([opened[1], said(9, "rights.claim.resolved", claim_id="k")], opened[:1])
    assert found == Touched(frozenset({"asset:a1", "asset:a8"}))


def test_unreadable_records_touch_their_subject_and_so_does_an_answer() -> None:
    """One whose subject nobody can read holds nobody."""
    blind, held = Unreadable(3, "bad_json", "", None), Unreadable(4, "bad_json", "", "isrc:I")
    assert touched_by([blind, held]) == Touched(frozenset({"isrc:I"}))
    answers = [said(n, "rights.unreadable.answered", position=n - 5) for n in (8, 9)]
    assert touched_by(answers, (), {3: blind, 4: held}) == Touched(frozenset({"isrc:I"}))


def test_a_retired_dataset_touches_nothing() -> None:
    """Its table is emptied; no decision changes."""
    assert touched_by([said(5, "dataset.retired", name="d")]) == Touched()


def test_more_subjects_than_can_be_looked_up_are_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """So are two halves that are too many together."""
    monkeypatch.setattr(touched, "SUBJECTS_MAX", 2)
    assert touched_by([signed(9, assets=["a", "b", "c"])]).everything
    assert (Touched(frozenset({"asset:a", "asset:b"})) | Touched(frozenset({"asset:c"}))).everything


@pytest.mark.parametrize("seed", range(30))
def test_whatever_decides_otherwise_now_is_touched(seed: int) -> None:
    """Narrowed equals full: on random worlds no answer changes, from one position and instant to a later one, on an
    asset that is not touched in between; however the snapshot came to be, and with keys that collide.
    """
    rng = random.Random(seed)
    world, policy = random_world(rng, n_events=40 if seed % 2 else 150, n_assets=12), world_policy()
    records = [r for r in records_of(world, policy) if not _is(r, touched.EVERYTHING) or r.position < FIRST]
    batch, changed = batch_of(world.content), 0
    for _ in range(6):
        start, finish = sorted(rng.choices(range(FIRST, len(world.rights) + 1), k=2))
        since_us, until_us = sorted(rng.choices(world.instants, k=2))
        snapshot = compiled(records, start, since_us, world=world, policy=policy, way=any_way(rng))
        before = _answers(batch, snapshot)
        snapshot.advance(records, finish)
        snapshot.at(until_us)
        after = _answers(batch, snapshot)
        found = _touched_between(records, start, finish) | by_time(snapshot, since_us, until_us)
        for row, one, other in zip(world.content, before, after, strict=True):
            if one != other:
                changed += 1
                assert found.everything or found.subjects & set(asset_of(row).subjects), row["asset_id"]
    assert changed > 0


def _touched_between(records: Records, start: int, finish: int) -> Touched:
    news = [record for record in records if start <= record.position < finish]
    older = [record for record in records if record.position < start]
    unreadable = {record.position: record for record in records if isinstance(record, Unreadable)}
    return touched_by(news, older, unreadable)


def _is(record: RightsEvent | Unreadable, types: Collection[str]) -> bool:
    return isinstance(record, RightsEvent) and record.type in types


def _answers(batch: pa.RecordBatch, snapshot: Snapshot) -> list[Any]:
    """For each row what every use is answered, without the evidence."""
    return list(zip(*([answer[:3] for answer in answers] for answers in by_kernel(batch, snapshot)), strict=True))

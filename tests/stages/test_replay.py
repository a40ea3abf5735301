"""Recorded decisions made again (P4): the same on the past as it was, and every tampering named."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import BadInput, Unavailable, UnsafeLog
from gatekeeper.stages.replay import choosing
from gatekeeper.stages.replay.comparing import Replayed
from gatekeeper.wiring.replaying import ReplayOptions, replay_decisions
from tests.cli.conftest import event, published
from tests.stages.lake_writing import decide
from tests.stages.sweeping import SweepRuns
from tests.support.gate_runs import granted, withdrawn
from tests.support.lake_log import Row

EXPLICIT = "training.generative.replication"


def lived(root: Path) -> SweepRuns:
    """A workspace with a past: a removal, events after it, a policy and a declaration that changed, a dataset that was
    retired, a rights event nobody could read, a statement that ended by itself, gates and sweeps in between.
    """
    runs = SweepRuns(root)
    removed = event("content.removed", "2025-06-05T00:00:00Z", asset_id="gone", account_id="nina")
    runs.content(published("song"), published("gone"), removed, published("gone", time="2025-06-04T00:00:00Z"))
    runs.drain()
    runs.sweep()
    runs.new_policy()
    runs.apply()
    runs.rights(withdrawn(), event("rights.claim.opened", claim_id="k", kind="takedown", subject="isrc:"))
    runs.content(published("tune", "tom", identifiers={"isrc": "nl-a12-25-00001"}), b"no event")
    runs.drain()
    runs.sweep()
    runs.declare("radio", EXPLICIT)
    runs.declare("search", "service.search")
    runs.apply()
    until = {"speaker": "account:tom", "subject": "account:tom", "purposes": ["service"]}
    runs.rights(granted(time="2025-06-10T00:00:00Z"))
    runs.rights(event("rights.consent.withdrawn", **until, valid_until="2025-06-21T00:00:00Z"))
    runs.sweep()
    runs.retire("search")
    runs.apply()
    runs.now = "2025-06-22T00:00:00Z"
    runs.content(published("song", time="2025-06-21T00:00:00Z", tags=["No-AI"]))
    runs.drain()
    runs.sweep()
    return runs


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> SweepRuns:
    return lived(tmp_path_factory.mktemp("lived") / "ws")


def again(runs: SweepRuns, **how: Any) -> Replayed:
    return replay_decisions(runs.opened, ReplayOptions(**how))


@pytest.mark.parametrize("reference", [False, True])
def test_every_decision_is_made_again(past: SweepRuns, reference: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the policy and the declaration of its day, by both implementations, few or many at once."""
    recorded = past.decisions()
    assert len({row["policy"] for row in recorded}) == 2
    for rows in (1, 10_000):
        monkeypatch.setattr(choosing, "TOGETHER_ROWS", rows)
        done = again(past, reference=reference)
        assert (done.decisions.total(), done.differ.total()) == (len(recorded), 0), done.differences
        assert set(done.decisions) == {"radio", "models", "search"}


def test_some_are_chosen_by_dataset_by_asset_and_by_chance(past: SweepRuns) -> None:
    """Each asked for once; a sample is of different decisions, and no larger than what there is."""
    mine = [row for row in past.decisions("models") if row["asset_id"] == "song"]
    assert again(past, datasets=["models"], assets=["song", "song"]).decisions == {"models": len(mine)}
    everything = len(past.decisions())
    assert again(past, sample=5).decisions.total() == 5
    assert again(past, sample=10**6).decisions.total() == everything
    assert again(past, datasets=["radio"], sample=3).decisions == {"radio": 3}


@pytest.mark.parametrize("asked", [{"assets": ["nobody"]}, {"datasets": ["nothing"]}])
def test_nothing_to_look_at_is_no_success(past: SweepRuns, asked: dict[str, list[str]]) -> None:
    """Somebody who mistypes an id is told so."""
    with pytest.raises(BadInput, match="no decision is recorded for no"):
        again(past, **asked)


def a_permit(row: Row) -> Row:
    return row | {"verdict": "permit", "reason": "terms.permit"}


def another_reason(row: Row) -> Row:
    return row | {"reason": "consent.opt_in"}


def another_holder(row: Row) -> Row:
    return row | {"holder": "account:mallory"}


def another_evidence(row: Row) -> Row:
    return row | {"evidence": "rights:0@4#0123456789ab"}


def of_another_event(row: Row) -> Row:
    return row | {"event_id": "planted"}


def of_no_event(row: Row) -> Row:
    return row | {"offset": 10**6}


def on_rights_to_come(row: Row) -> Row:
    return row | {"rights_position": 10**6}


def before_it_was_declared(row: Row) -> Row:
    return row | {"dataset": "search"}


def under_another_policy(row: Row) -> Row:
    return row | {"policy": "sha256:" + "0" * 64}


TAMPERINGS = [
    (a_permit, "recorded permit: terms.permit .* made again it is deny: consent.withdrawn"),
    (another_reason, "recorded deny: consent.opt_in"),
    (another_holder, "account:mallory"),
    (another_evidence, "rights:0@4#0123456789ab"),
    (of_another_event, "the catalogue holds no such event"),
    (of_no_event, "the catalogue holds no such event"),
    (on_rights_to_come, "the rights log ends at"),
    (before_it_was_declared, "its dataset was not declared at that position"),
    (under_another_policy, "the lake keeps no policy"),
]


@pytest.mark.parametrize(("tampering", "said"), TAMPERINGS, ids=[t.__name__ for t, _ in TAMPERINGS])
def test_a_planted_decision_is_named(
    tmp_path: Path, tampering: Callable[[Row], Row], said: str, past: SweepRuns
) -> None:
    """Beside good ones, which stay good."""
    runs = SweepRuns(tmp_path / "ws")
    runs.content(published("song"), published("other", "tom"))
    runs.rights(withdrawn())
    runs.drain()
    row = next(r for r in runs.decisions("radio") if r["asset_id"] == "song")
    decide(runs.root / "lake", tampering(dict(row)))
    done = again(runs)
    assert (done.decisions.total(), done.differ.total()) == (5, 1)
    (difference,) = done.differences
    assert difference.asset_id == "song"
    assert re.search(said, difference.what), difference.what


def test_a_policy_that_was_not_active_then_is_no_policy_for_it(past: SweepRuns) -> None:
    """The lake keeps it, but the log says another one was active at that position."""
    first, last = past.decisions("models")[0], past.decisions("models")[-1]
    runs_row = dict(first) | {"policy": last["policy"]}
    lake = past.root / "lake"
    before = again(past).decisions.total()
    decide(lake, runs_row)
    done = again(past)
    assert (done.decisions.total(), done.differ.total()) == (before + 1, 1)
    assert "was active, not" in done.differences[0].what


def test_what_the_past_needs_must_be_there(tmp_path: Path) -> None:
    """A kept policy that is gone makes its decisions impossible to check, and they are named; one that was changed, and
    a rights log that lost its end, stop everything.
    """
    runs = SweepRuns(tmp_path / "ws")
    runs.content(published("song"))
    runs.drain()
    (policy,) = (runs.root / "lake" / "kept" / "policy").iterdir()
    kept = policy.read_bytes()
    policy.unlink()
    done = again(runs)
    assert done.differ == done.decisions
    assert all("the lake keeps no policy" in difference.what for difference in done.differences)
    policy.write_bytes(json.dumps(json.loads(kept) | {"licences": []}).encode())
    with pytest.raises(Unavailable, match="is not what it was"):
        again(runs)
    policy.write_bytes(kept)
    log = runs.log("rights")
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(UnsafeLog):
        again(runs)

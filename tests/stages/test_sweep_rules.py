"""What a sweep decides again, on real logs and tables: negative cases first (design §5, "Sweep")."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.core.times import ALWAYS_US, parse_instant
from gatekeeper.errors import NotApplied, UnsafeLog
from gatekeeper.wiring.reports import sweep_due
from tests.cli.conftest import event, published
from tests.stages.sweeping import NOTHING, SweepRuns
from tests.support.gate_runs import TERMS, granted, withdrawn
from tests.support.lake_log import versions

ISRC = {"isrc": "NL-A12-25-00001"}
EXPLICIT = "training.generative.replication"


@pytest.fixture
def runs(tmp_path: Path) -> SweepRuns:
    return SweepRuns(tmp_path / "ws")


def agreement(until: str | None = None, id_: str = "g", **scope: object) -> str:
    valid = {"valid_from": "2025-06-01T00:00:00Z"} | ({"valid_until": until} if until else {})
    said = {"agreement_id": id_, "party_id": "label", "permits": [], "prohibits": ["service"], "scope": scope}
    return event("rights.agreement.signed", "2025-06-01T00:00:00Z", None, **said, **valid)


def of_label(asset: str, **data: object) -> str:
    return published(asset, interests=[{"party_id": "label", "role": "recording"}], **data)


def test_a_withdrawal_takes_rows_away(runs: SweepRuns) -> None:
    """Only what it touches is looked at, and only what differs is appended; the row is gone."""
    runs.content(published("song"), published("other", "tom"))
    runs.drain()
    runs.sweep()
    runs.rights(withdrawn())
    swept = runs.sweep()
    assert (swept.looked_at, swept.everything) == (1, None)
    assert runs.decided(swept) == {"radio": {"deny": 1}, "models": {"deny": 1}}
    assert (dict(swept.tally.left), sum(swept.tally.entered.values())) == ({"radio": 1, "models": 1}, 0)
    assert runs.last() == {"song": ("deny", "consent.withdrawn"), "other": ("permit", "terms.permit")}
    assert set(runs.rows()) == set(runs.rows("models")) == {"other"}


def test_nothing_new_appends_nothing(runs: SweepRuns) -> None:
    """Swept twice, also in full: no decision, and without new rights no commit either."""
    runs.content(published("song"))
    runs.rights(withdrawn())
    runs.drain()
    runs.sweep()
    before = len(list(versions(runs.root / "lake" / "decisions")))
    assert runs.decided(runs.sweep()) == NOTHING
    assert runs.decided(runs.sweep(full=True)) == NOTHING
    assert len(list(versions(runs.root / "lake" / "decisions"))) == before


def test_an_event_that_is_not_decided_is_left_to_the_gate(runs: SweepRuns) -> None:
    """A gate died between catalogue and decisions: the sweep decides the event before it, and says nothing of it."""
    runs.content(published("song"))
    runs.drain()
    runs.content(published("song", time="2025-06-02T00:00:00Z"), published("new"))
    runs.rights(withdrawn())
    runs.dies("decisions.commit")
    runs.sweep()
    swept = [(row["asset_id"], row["offset"]) for row in runs.decisions("radio") if row["driver"] == "sweep"]
    assert swept == [("song", 0)]
    runs.drain()
    assert {row["offset"] for row in runs.decisions("radio") if row["driver"] == "gate"} == {0, 1, 2}


def test_a_removed_asset_stays_removed(runs: SweepRuns) -> None:
    """No opt-in brings it back, nor an event dated before the removal; one dated after it is decided as it is."""
    removed = event("content.removed", "2025-06-05T00:00:00Z", asset_id="gone", account_id="nina")
    runs.content(published("gone"), removed, published("gone", time="2025-06-04T00:00:00Z"))
    runs.content(published("back"), removed.replace("gone", "back"), published("back", time="2025-06-06T00:00:00Z"))
    runs.rights(withdrawn())
    runs.drain()
    runs.rights(granted(time="2025-06-10T00:00:00Z"))
    runs.sweep()
    assert runs.last() == {"gone": ("deny", "claim.deletion"), "back": ("permit", "consent.opt_in")}
    assert set(runs.rows()) == {"back"}


def test_only_the_latest_event_speaks(runs: SweepRuns) -> None:
    """The label is on the first event of the song only: what it says now does not touch it."""
    runs.content(of_label("song"), of_label("other"), published("song", time="2025-06-02T00:00:00Z"))
    runs.drain()
    runs.sweep()
    runs.rights(agreement(all=True))
    runs.sweep()
    assert runs.last() == {"song": ("permit", "terms.permit"), "other": ("deny", "agreement.prohibit")}
    assert [row["offset"] for row in runs.decisions("radio") if row["driver"] == "sweep"] == [1]


def test_a_takedown_of_an_isrc_reaches_every_upload(runs: SweepRuns) -> None:
    """However it is written."""
    runs.content(published("one", identifiers=ISRC), published("two", "tom", identifiers={"isrc": "nla122500001"}))
    runs.content(published("three", "tom", identifiers={"isrc": "NLA122500002"}))
    runs.drain()
    runs.sweep()
    claim = {"claim_id": "k", "kind": "takedown", "subject": "isrc:NLA122500001"}
    runs.rights(event("rights.claim.opened", **claim))
    assert runs.sweep().looked_at == 2
    assert set(runs.rows()) == {"three"}
    runs.rights(event("rights.claim.resolved", "2025-06-10T00:00:00Z", claim_id="k"))
    assert dict(runs.sweep().tally.entered) == {"radio": 2, "models": 2}
    assert set(runs.rows()) == {"one", "two", "three"}


@pytest.mark.parametrize("claimed", ["isrc:nl-a12-25-00001", "isrc:NLA122500001", f"sha256:{'Ab' * 32}"])
def test_a_recording_that_was_taken_down_stays_away_under_every_id(runs: SweepRuns, claimed: str) -> None:
    """What is there leaves with the sweep, what comes later is stopped in the stream, however its identity is spelled;
    an update that brings the identity is stopped too, and a recording of another identity never.
    """
    identity = {"isrc": "nlA12-2500001", "content_sha256": "aB" * 32}
    runs.content(published("one", identifiers=identity), published("other", "tom"), published("late", "tom"))
    runs.drain()
    runs.sweep()
    runs.rights(event("rights.claim.opened", claim_id="k", kind="takedown", subject=claimed))
    assert runs.sweep().looked_at == 1
    assert set(runs.rows()) == {"other", "late"}
    spelled = {"isrc": "NL-A12-25-00001", "content_sha256": "AB" * 32}
    runs.content(published("two", "mallory", identifiers=spelled))
    runs.content(published("late", "tom", time="2025-06-02T00:00:00Z", identifiers=spelled))
    runs.drain()
    assert {runs.last()[asset] for asset in ("one", "two", "late")} == {("deny", "claim.takedown")}
    assert set(runs.rows()) == {"other"}
    assert runs.decided(runs.sweep(full=True)) == NOTHING


@pytest.mark.parametrize(
    "scope",
    [
        {"all": True},
        {"catalogs": ["c"]},
        {"isrcs": ["NLA122500001"]},
        {"isrcs": ["nl-a12-25-00001"]},
        {"assets": ["song"]},
    ],
)
def test_an_agreement_touches_its_scope_when_it_is_signed_ends_and_is_terminated(
    runs: SweepRuns, scope: dict[str, object]
) -> None:
    """Its end needs no event: the sweep after it knows. A termination names the id only."""
    runs.content(of_label("song", catalogs=["c"], identifiers=ISRC), published("other", "tom"))
    runs.drain()
    runs.sweep()
    runs.rights(agreement("2025-06-21T00:00:00Z", **scope))
    assert runs.sweep().looked_at == 1
    assert runs.last()["song"] == ("deny", "agreement.prohibit")
    runs.now = "2025-06-21T00:00:00Z"
    swept = runs.sweep()
    assert (swept.looked_at, swept.everything) == (1, None)
    assert set(runs.rows()) == {"song", "other"}
    runs.rights(agreement(id_="h", **scope))
    runs.sweep()
    ends = event("rights.agreement.terminated", agreement_id="h", effective_from="2025-06-01T00:00:00Z")
    runs.rights(ends)
    assert runs.sweep().looked_at == 1
    assert runs.last()["song"] == ("permit", "terms.permit")


def test_a_statement_that_begins_later_is_heard_when_it_begins(runs: SweepRuns) -> None:
    """Nothing changes before, everything it covers does then."""
    runs.content(published("song"))
    runs.drain()
    runs.sweep()
    later = {"speaker": "account:nina", "subject": "account:nina", "purposes": ["service"]}
    runs.rights(event("rights.consent.withdrawn", **later, valid_from="2025-06-22T00:00:00Z"))
    assert runs.decided(runs.sweep()) == NOTHING
    runs.now = "2025-06-21T23:59:59.999999Z"
    assert runs.decided(runs.sweep()) == NOTHING
    runs.now = "2025-06-22T00:00:00Z"
    assert runs.decided(runs.sweep()) == {"radio": {"deny": 1}}


def test_the_next_instant_is_known_and_passing_it_is_recorded(runs: SweepRuns) -> None:
    """A sweep is due when rights events came or the instant has passed, and not after it; a passed instant at which
    nothing changed is recorded, too.
    """
    runs.content(published("song"))
    runs.drain()
    assert sweep_due(runs.opened) == "rights end at 4"
    runs.sweep()
    assert sweep_due(runs.opened) is None
    said = {"speaker": "account:nina", "subject": "account:nina", "purposes": ["service"]}
    until = {"valid_from": "2025-06-22T00:00:00Z", "valid_until": "2025-06-23T00:00:00Z"}
    runs.rights(event("rights.consent.granted", **said, **until))
    assert runs.sweep().basis.next_us == parse_instant(until["valid_from"])
    for instant, reason in zip(until.values(), ("consent.opt_in", "terms.permit"), strict=True):
        assert sweep_due(runs.opened) is None
        runs.now = instant
        assert sweep_due(runs.opened) == f"it is past {instant}"
        runs.sweep()
        assert runs.last()["song"] == ("permit", reason)
    assert sweep_due(runs.opened) is None
    runs.rights(event("rights.consent.granted", "2025-06-23T00:00:00Z", **said | {"subject": "asset:nobody"},
                      valid_from="2025-06-24T00:00:00Z"))  # fmt: skip
    runs.sweep()
    runs.now = "2025-06-25T00:00:00Z"
    before = len(list(versions(runs.root / "lake" / "decisions")))
    assert runs.decided(runs.sweep()) == runs.decided(runs.sweep()) == NOTHING
    assert len(list(versions(runs.root / "lake" / "decisions"))) == before + 1
    assert sweep_due(runs.opened) is None


def test_terms_that_take_effect_are_one_pass_over_everything(runs: SweepRuns) -> None:
    """When they are published, and when they begin."""
    runs.content(published("song"), published("other", "tom"))
    runs.drain()
    runs.sweep()
    later = json.loads(TERMS)
    later["id"] = "later"
    grants = {"service": "prohibit", "training.analytical": "permit"}
    later["data"] |= {"terms_id": "u", "effective_from": "2025-06-22T00:00:00Z", "grants": grants}
    runs.rights(json.dumps(later))
    swept = runs.sweep()
    assert (swept.looked_at, runs.decided(swept)) == (2, NOTHING)
    runs.now = "2025-06-23T00:00:00Z"
    swept = runs.sweep()
    assert (swept.everything, runs.decided(swept)) == ("terms took effect", {"radio": {"deny": 2}})
    assert runs.rows() == {}


def test_a_gate_with_a_clock_behind_is_caught_up_with(runs: SweepRuns) -> None:
    """It was running all along, and decides after the sweep's commit, dated before an end the sweep had passed."""
    runs.content(of_label("song"))
    runs.rights(agreement("2025-06-21T00:00:00Z", all=True))
    with runs.running() as gate:
        gate.until(runs.last, "the first is decided")
        runs.now = "2025-06-21T00:00:01Z"
        runs.sweep()
        runs.now = "2025-06-20T23:59:59Z"
        runs.content(of_label("late"))
        gate.until(lambda: "late" in runs.last(), "the second is decided")
    assert runs.last()["late"] == ("deny", "agreement.prohibit")
    runs.now = "2025-06-21T00:01:00Z"
    assert runs.sweep().everything is None
    assert set(runs.rows()) == {"song", "late"}


def test_a_gate_that_starts_after_a_sweep_is_not_dated_before_it(runs: SweepRuns) -> None:
    """The sweep's commit names its instant for every partition, and the gate goes on from there."""
    runs.content(of_label("song"))
    runs.rights(agreement("2025-06-21T00:00:00Z", all=True))
    runs.drain()
    runs.now = "2025-06-21T00:00:01Z"
    runs.sweep()
    runs.now = "2025-06-20T23:59:59Z"
    runs.content(of_label("late"))
    runs.drain()
    assert set(runs.rows()) == {"song", "late"}


# --- rules


def test_a_new_dataset_is_filled_and_a_retired_one_emptied(runs: SweepRuns) -> None:
    """Declared again after that, it is filled again: what was decided before its table was emptied does not count."""
    runs.content(published("song"), published("other", "tom"))
    runs.rights(withdrawn())
    runs.drain()
    runs.declare("search", "service.search")
    runs.apply()
    swept = runs.sweep()
    assert runs.decided(swept) == {"search": {"permit": 1, "deny": 1}}
    assert set(runs.rows("search")) == {"other"}
    runs.retire("search")
    runs.apply()
    assert runs.swept().retired == ("search",)
    assert runs.rows("search") == {}
    runs.declare("search", "service.search")
    runs.apply()
    assert runs.decided(runs.sweep()) == {"search": {"permit": 1, "deny": 1}}
    assert set(runs.rows("search")) == {"other"}
    assert runs.decided(runs.sweep(full=True)) == NOTHING


def test_a_declaration_that_changes_is_decided_again(runs: SweepRuns) -> None:
    """Another purpose is another question; the other dataset's decisions stay."""
    runs.content(published("song"))
    runs.drain()
    runs.sweep()
    runs.declare("radio", EXPLICIT)
    runs.apply()
    assert runs.decided(runs.sweep()) == {"radio": {"deny": 1}}
    assert runs.rows() == {}


def test_a_policy_that_changes_is_decided_again(runs: SweepRuns) -> None:
    """Everything is looked at; what comes out the same is not appended."""
    runs.content(published("song"))
    runs.drain()
    runs.sweep()
    runs.new_policy()
    runs.apply()
    swept = runs.sweep()
    assert (swept.everything, runs.decided(swept)) == ("a policy was activated", NOTHING)


def test_files_that_are_not_applied_stop_the_sweep(runs: SweepRuns) -> None:
    """As they stop the gate."""
    runs.content(published("song"))
    runs.drain()
    runs.declare("search", "service.search")
    with pytest.raises(NotApplied, match="run gatekeeper apply"):
        runs.sweep()


def test_a_rights_log_that_lost_its_end_stops_the_sweep(runs: SweepRuns) -> None:
    """What was swept to is gone: it may have been a no."""
    runs.content(published("song"))
    runs.drain()
    runs.rights(withdrawn())
    runs.sweep()
    log = runs.log("rights")
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(UnsafeLog, match="restore the rights log"):
        runs.sweep()


# --- what a commit says


def test_the_last_commit_carries_position_instant_and_the_partitions(runs: SweepRuns) -> None:
    """The partitions' transactions are restated where they stand; the metadata says from where to where."""
    runs.content(published("song"))
    runs.drain()
    runs.rights(withdrawn())
    runs.sweep()
    *_, gate, newest = versions(runs.root / "lake" / "decisions")
    instant_us = parse_instant(runs.now)
    content = {app: at for app, at in gate.txns.items() if app.startswith("content/")}
    assert newest.txns == {**content, "sweep": 5, "sweep-instant": instant_us, "sweep-next": ALWAYS_US}
    said = json.loads(newest.custom["gatekeeper.sweep"])
    assert said == {"from": -1, "to": 5, "instant_us": instant_us, "last": True}
    assert {row["driver"] for row in newest.rows} == {"sweep"}


@pytest.mark.parametrize("rows_max", [1, 3])
def test_many_commits_end_with_the_one_that_carries_the_position(
    runs: SweepRuns, rows_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of two events, and a commit for every few decisions: the same outcome."""
    monkeypatch.setattr("gatekeeper.stages.sweep.committing.COMMIT_ROWS_MAX", rows_max)
    monkeypatch.setattr("gatekeeper.stages.sweep.sweeping.BLOCK_ROWS", 2)
    runs.content(*(published(f"song-{n % 5}", title=str(n)) for n in range(9)), published("other", "tom"))
    runs.drain()
    runs.rights(withdrawn())
    swept = runs.sweep()
    sweeps = [version for version in versions(runs.root / "lake" / "decisions") if "gatekeeper.sweep" in version.custom]
    assert ["sweep" in version.txns for version in sweeps] == [False] * (len(sweeps) - 1) + [True]
    assert len(sweeps) == swept.tally.commits > 2
    assert runs.decided(swept) == {"radio": {"deny": 5}, "models": {"deny": 5}}
    assert set(runs.rows()) == {"other"}


def test_progress_is_told(runs: SweepRuns) -> None:
    """Events decided, of those to decide."""
    runs.content(published("song"), published("other", "tom"))
    runs.drain()
    told: list[tuple[int, int]] = []
    tell: Callable[[int, int], None] = lambda done, total: told.append((done, total))  # noqa: E731
    runs.sweep(tell=tell)
    assert told == [(2, 2)]

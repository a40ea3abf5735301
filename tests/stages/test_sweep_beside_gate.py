"""A sweep beside a gate, a sweep beside a sweep: whoever comes second looks at what the first has added (design §5)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gatekeeper.core.commits import Unknown
from gatekeeper.edges.delta_append import AppendTable
from gatekeeper.errors import Unavailable
from tests.cli.conftest import published
from tests.stages.sweeping import NOTHING, SweepRuns
from tests.support.gate_runs import ENDS_WITHIN_S, granted, once_at, withdrawn
from tests.support.lake_log import versions

STEPS = ("decisions.write", "decisions.commit")


@pytest.fixture
def runs(tmp_path: Path) -> SweepRuns:
    runs = SweepRuns(tmp_path / "ws")
    runs.content(published("song"), published("tune"), published("other", "tom"))
    runs.drain()
    runs.sweep()
    runs.now = "2025-06-20T12:00:01Z"
    return runs


def never_older(runs: SweepRuns) -> None:
    """No decision on older rights than a sweep before it; no asset's decision older than the one before it."""
    swept, before = -1, dict[tuple[str, str], tuple[int, object]]()
    for version in versions(runs.root / "lake" / "decisions"):
        for row in sorted(version.rows, key=lambda r: r["offset"]):
            assert row["rights_position"] >= swept, row
            key, at = (row["asset_id"], row["dataset"]), (row["rights_position"], row["decided_at"])
            assert at >= before.get(key, at), row
            before[key] = at
        assert version.txns.get("sweep", swept) >= swept
        swept = version.txns.get("sweep", swept)


@contextmanager
def gate_that_waits(runs: SweepRuns) -> Iterator[Callable[[], None]]:
    """A gate that has decided and is about to commit; the function lets it, and returns when it has committed."""
    decided, go, committed = threading.Event(), threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def step(name: str) -> None:
        if name == "decisions.commit" and not decided.is_set():
            decided.set()
            assert go.wait(ENDS_WITHIN_S)
        if name == "decisions.committed":
            committed.set()

    def run() -> None:
        try:
            runs.drain(step)
        except BaseException as error:  # noqa: BLE001 - raised by the thread that waits
            errors.append(error)

    def release() -> None:
        go.set()
        assert committed.wait(ENDS_WITHIN_S)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert decided.wait(ENDS_WITHIN_S)
    yield release
    thread.join(ENDS_WITHIN_S)
    if errors:
        raise errors[0]


@pytest.mark.parametrize("when", STEPS)
def test_what_a_gate_decided_on_older_rights_meanwhile_is_decided_again(runs: SweepRuns, when: str) -> None:
    """The slice was decided before the withdrawal and stands before the sweep's commit: no permit of it survives."""
    runs.content(published("song", time="2025-06-02T00:00:00Z"), published("new"), published("new-2", "tom"))
    with gate_that_waits(runs) as release:
        runs.rights(withdrawn())
        swept = runs.sweep(once_at(when, release))
    assert runs.last("radio") == {
        **dict.fromkeys(["song", "tune", "new"], ("deny", "consent.withdrawn")),
        **dict.fromkeys(["other", "new-2"], ("permit", "terms.permit")),
    }
    assert set(runs.rows()) == {"other", "new-2"}
    of_song = [row["offset"] for row in runs.decisions("radio") if row["asset_id"] == "song"]
    assert of_song == [0, 3, 3], "its older event is not decided again"
    assert swept.basis.moment.position == 5
    never_older(runs)


@pytest.mark.parametrize("when", STEPS)
def test_what_a_gate_decided_on_newer_rights_meanwhile_stands(runs: SweepRuns, when: str) -> None:
    """The sweep is about to deny what the holder has allowed again: the gate's yes on a new event is the last word."""

    def meanwhile() -> None:
        runs.rights(granted(time="2025-06-03T00:00:00Z"))
        runs.content(published("song", time="2025-06-02T00:00:00Z"))
        runs.drain()

    runs.rights(withdrawn())
    runs.sweep(once_at(when, meanwhile))
    assert runs.last()["song"] == ("permit", "consent.opt_in")
    assert runs.last()["tune"] == ("deny", "consent.withdrawn")
    assert set(runs.rows()) == {"song", "other"}
    never_older(runs)
    runs.sweep()
    assert set(runs.rows()) == {"song", "tune", "other"}


def test_a_gate_that_comes_after_the_sweep_decides_again(runs: SweepRuns) -> None:
    """It decided before the withdrawal and commits after the sweep: the same from the other side."""
    runs.content(published("song", time="2025-06-02T00:00:00Z"))
    with gate_that_waits(runs) as release:
        runs.rights(withdrawn())
        runs.sweep()
        release()
    assert runs.last()["song"] == ("deny", "consent.withdrawn")
    assert set(runs.rows()) == {"other"}
    never_older(runs)


@pytest.mark.parametrize("when", STEPS)
def test_a_sweep_that_ends_meanwhile_is_begun_from(runs: SweepRuns, when: str) -> None:
    """The slower one begins again, finds everything equal, and nothing stands twice."""
    runs.rights(withdrawn())
    slow = runs.sweep(once_at(when, runs.sweep))
    assert (slow.basis.swept, runs.decided(slow)) == (5, NOTHING)
    assert sorted(row["asset_id"] for row in runs.decisions("radio") if row["driver"] == "sweep") == ["song", "tune"]
    never_older(runs)


def test_a_commit_nobody_could_tell_the_outcome_of_stands_once(
    runs: SweepRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep finds its own commit by its id."""
    runs.rights(withdrawn())
    commit = AppendTable.commit

    def forgetful(table: AppendTable, *given: object) -> object:
        commit(table, *given)  # type: ignore[arg-type]
        return Unknown("the connection broke")

    monkeypatch.setattr(AppendTable, "commit", forgetful)
    swept = runs.sweep()
    assert runs.decided(swept) == {"radio": {"deny": 2}, "models": {"deny": 2}}
    assert len([row for row in runs.decisions() if row["driver"] == "sweep"]) == 4


def test_a_store_that_takes_nothing_is_no_endless_loop(runs: SweepRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """After many tries an operator is needed; nothing was swept."""
    runs.rights(withdrawn())
    monkeypatch.setattr("gatekeeper.stages.sweep.committing.OUTCOMES_MAX", 3)
    commit = AppendTable.commit

    def silent(table: AppendTable, *given: object) -> object:
        return Unknown("no answer") if table.name == "decisions" else commit(table, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(AppendTable, "commit", silent)
    with pytest.raises(Unavailable, match="sweep again"):
        runs.sweep()
    monkeypatch.undo()
    assert runs.decided(runs.sweep()) == {"radio": {"deny": 2}, "models": {"deny": 2}}

"""The fold stage on real Delta tables: a dataset's rows are the assets whose last decision is permit."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.commits import Outcome, Unknown
from gatekeeper.core.fold import FoldLimits, Handed
from gatekeeper.edges.delta import Lake
from gatekeeper.errors import Refused, Unavailable
from gatekeeper.stages.fold import ATTEMPTS_MAX, Folder
from tests.support.delta_process import folder
from tests.support.lake_rows import Decision, Stream, held, names
from tests.support.processes import run_together

AT_ONCE = FoldLimits(lag_min_s=0, lag_max_s=0, share_max=float("inf"), file_rows_max=8, small_files_max=4)
NEVER = FoldLimits(lag_min_s=1e9, file_rows_max=8, small_files_max=4)


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.us = 1_000_000

    def __call__(self) -> int:
        return self.us

    def passes(self, seconds: float) -> None:
        self.us += int(seconds * 1e6)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


@pytest.fixture
def stream(lake: Lake) -> Stream:
    lake.dataset("d")
    return Stream(lake)


def all_of(*assets: str, permit: bool = True) -> list[Decision]:
    return [(asset, permit) for asset in assets]


VERSIONS = st.lists(
    st.tuples(
        st.sampled_from(["gate", "sweep", "other"]),
        st.lists(st.tuples(st.sampled_from("abcdefghijkl"), st.booleans()), max_size=8),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=25)
@given(versions=VERSIONS)
def test_however_it_is_handed_over_the_rows_are_the_last_permits(
    tmp_path_factory: pytest.TempPathFactory, versions: list[tuple[str, list[Decision], bool]]
) -> None:
    """Versions handed, not handed, or of another dataset, folded at once or late: the table is the same."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    lake.dataset("d")
    stream, steady = Stream(lake), folder(lake, AT_ONCE)
    for kind, decided, hand in versions:
        handed: Handed | None = None
        if kind == "gate":
            handed = stream.version(*decided)
        elif kind == "sweep":
            handed = stream.sweep(*{a: p for a, p in decided if a in stream.latest}.items())
        else:
            stream.other_dataset(*decided)
        steady.step(handed if hand else None)
    steady.catch_up()
    assert held(lake) == stream.rows
    assert lake.dataset("d").folded == lake.open("decisions").version


def test_a_replaced_asset_has_one_row(lake: Lake, stream: Stream) -> None:
    """Update, removal and a new asset in one step: one commit, the other rows of the touched file stay."""
    following = folder(lake, AT_ONCE)
    following.step(stream.version(*all_of("a", "b", "c")))
    before = lake.dataset("d").version
    step = following.step(stream.version(("a", True), ("b", False), ("n", True)))
    assert step is not None
    assert (step.rows_entered, step.rows_rewritten) == (2, 1)
    assert lake.dataset("d").version == before + 1
    assert held(lake) == stream.rows
    assert set(held(lake)) == {"a", "c", "n"}


def test_files_without_a_replaced_asset_are_left_alone(lake: Lake, stream: Stream) -> None:
    """What is rewritten is what arrived together with the replaced asset, not the whole table."""
    following = folder(lake, AT_ONCE)
    for label in "xyz":
        following.step(stream.version(*all_of(*names(8, label))))
    files = lake.dataset("d").file_rows()
    step = following.step(stream.sweep(*all_of(*names(8, "y"), permit=False)))
    assert step is not None
    assert step.rows_rewritten == 0
    assert len(files.keys() & lake.dataset("d").file_rows().keys()) == 2
    assert held(lake) == stream.rows


def test_appending_reads_and_rewrites_nothing(lake: Lake, stream: Stream) -> None:
    """A step of assets the table has never seen adds a file and leaves the others."""
    following = folder(lake, AT_ONCE)
    following.step(stream.version(*all_of("a", "b")))
    files = lake.dataset("d").file_rows()
    step = following.step(stream.version(*all_of("c", "d")))
    assert step is not None
    assert step.rows_rewritten == 0
    assert files.keys() < lake.dataset("d").file_rows().keys()


def test_many_small_files_become_one(lake: Lake, stream: Stream) -> None:
    """Following for long does not leave a file for each step, and no file grows beyond its limit."""
    following = folder(lake, AT_ONCE)
    for number in range(20):
        following.step(stream.version((f"a{number}", True)))
    sizes = lake.dataset("d").file_rows().values()
    assert len(sizes) <= 8
    assert max(sizes) <= AT_ONCE.file_rows_max
    assert held(lake) == stream.rows


def test_a_version_of_another_dataset_moves_the_fold_on(lake: Lake, stream: Stream) -> None:
    """The table then says that it has folded a version that had nothing for it."""
    stream.other_dataset(("a", True))
    folder(lake, AT_ONCE).catch_up()
    assert lake.dataset("d").folded == 1
    assert held(lake) == {}


def test_a_gap_before_a_handed_version_is_read_back(lake: Lake, stream: Stream) -> None:
    """Another worker's denial between two of ours is not skipped."""
    following = folder(lake, AT_ONCE)
    following.step(stream.version(*all_of("a", "b")))
    stream.version(("a", False))
    following.step(stream.version(("c", True)))
    assert set(held(lake)) == {"b", "c"}


def test_commit_order_counts_before_offsets(lake: Lake, stream: Stream) -> None:
    """An asset in two partitions: what was decided last is the truth, whatever its offset."""
    stream.next_offset = 50
    stream.version(("a", True), ("b", False))
    stream.next_offset = 10
    stream.version(("a", False), ("b", True))
    stream.version(("c", True))
    following = folder(lake, AT_ONCE)
    following.read_back._versions = 4
    following.catch_up()
    assert held(lake) == stream.rows
    assert set(held(lake)) == {"b", "c"}


def test_a_version_handed_twice_counts_once(lake: Lake, stream: Stream) -> None:
    """Also when a later one was folded in between."""
    following = folder(lake, AT_ONCE)
    first = stream.version(("a", True))
    following.step(first)
    following.step(stream.version(("a", False)))
    assert following.step(first) is None
    assert held(lake) == {}


def test_nothing_is_folded_before_it_is_due(lake: Lake, stream: Stream) -> None:
    """Decisions wait together, and one step takes them all."""
    clock = Clock()
    following = folder(lake, FoldLimits(lag_min_s=2, file_rows_max=8), clock)
    assert following.step(stream.version(("a", True))) is None
    clock.passes(1)
    assert following.step(stream.version(("b", True))) is None
    assert following.lag_s == 1
    clock.passes(1)
    step = following.step()
    assert step is not None
    assert step.through == 2
    assert following.lag_s == 0


def test_rewriting_waits_for_more_to_rewrite(lake: Lake, stream: Stream) -> None:
    """One takedown does not rewrite a large file at once, but it is not put off for ever."""
    clock = Clock()
    following = folder(lake, FoldLimits(lag_min_s=1, lag_max_s=5, file_rows_max=100), clock)
    following.step(stream.version(*all_of(*names(50))))
    clock.passes(1)
    assert following.step() is not None
    following.step(stream.version(("a7", False)))
    clock.passes(4)
    assert following.step() is None
    clock.passes(1)
    assert following.step() is not None
    assert held(lake) == stream.rows


def test_more_than_memory_allows_is_folded_at_once(lake: Lake, stream: Stream) -> None:
    """Held payload is bounded whatever the policy would wait for."""
    following = folder(lake, FoldLimits(lag_min_s=1e9, pending_bytes_max=1, file_rows_max=8))
    assert following.step(stream.version(("a", True))) is not None


def test_reading_back_takes_many_versions_in_bounded_chunks(lake: Lake, stream: Stream) -> None:
    """A long absence is caught up step by step, to the same rows."""
    for number in range(30):
        stream.version((f"a{number % 7}", number % 3 > 0), (f"b{number}", True))
    limits = FoldLimits(pending_bytes_max=1, read_rows_max=10, file_rows_max=8)
    assert folder(lake, limits).catch_up() == 30
    assert held(lake) == stream.rows
    assert 3 < lake.dataset("d").version <= 30


def test_two_folders_never_fold_the_same_decisions_twice(lake: Lake, stream: Stream) -> None:
    """The one whose table moved on computes anew; its files are seen by nobody."""
    one, other = folder(lake, AT_ONCE), folder(lake, AT_ONCE)
    one.step()
    other.step()
    handed = stream.version(("a", True), ("b", True))
    assert one.step(handed) is not None
    assert other.step(handed) is None
    assert held(lake) == stream.rows
    assert lake.dataset("d").version == 1


def test_a_folder_that_lost_leaves_the_table_to_the_other_for_a_while(lake: Lake, stream: Stream) -> None:
    """And takes over when the other has stopped."""
    clock = Clock()
    limits = FoldLimits(lag_min_s=0, lag_max_s=5, share_max=float("inf"), file_rows_max=8)
    one, other = folder(lake, limits, clock), folder(lake, limits, clock)
    one.step()
    other.step()
    first = stream.version(("a", True))
    one.step(first)
    other.step(first)
    second = stream.version(("b", True))
    assert other.step(second) is None
    clock.passes(5)
    assert other.step() is not None
    assert held(lake) == stream.rows


def test_versions_of_a_worker_that_died_are_folded_by_another(lake: Lake, stream: Stream) -> None:
    """Nobody hands them over and nothing else happens: they are found all the same."""
    clock = Clock()
    idle = folder(lake, FoldLimits(lag_min_s=1, lag_max_s=5, file_rows_max=8), clock)
    idle.step()
    stream.version(("a", True))
    clock.passes(4)
    assert idle.step() is None
    clock.passes(1)
    idle.step()
    clock.passes(1)
    assert idle.step() is not None
    assert held(lake) == stream.rows


def test_a_stretch_that_another_folded_in_part_is_folded_to_its_end(lake: Lake, stream: Stream) -> None:
    """What one folder holds as one batch, another may have folded up to its middle."""
    late = folder(lake, NEVER)
    decided = [
        all_of("a", "b"),
        [("a", False)],
        [("b", False), ("c", True)],
        [("a", True)],
        [("c", False), ("b", True)],
    ]
    handed = [stream.version(*decisions) for decisions in decided]
    late.step()
    quick = folder(lake, AT_ONCE)
    for version in handed[:3]:
        quick.step(version)
    assert lake.dataset("d").folded == 3
    late.catch_up()
    assert held(lake) == stream.rows


def test_rows_compacted_by_somebody_else_are_still_found(lake: Lake, stream: Stream) -> None:
    """Files may be rewritten behind our back; a removal still removes its asset."""
    following = folder(lake, AT_ONCE)
    following.step(stream.version(("a", True)))
    following.step(stream.version(("b", True)))
    lake.dataset("d").delta.optimize.compact()
    following.step(stream.version(("a", False)))
    assert held(lake) == stream.rows


def test_a_retired_dataset_is_emptied_for_good(lake: Lake, stream: Stream) -> None:
    """No decision of the time before is folded afterwards, one of the time after is."""
    following = folder(lake, AT_ONCE)
    following.step(stream.version(("a", True)))
    stream.version(("b", True))
    following.empty(through=2)
    assert held(lake) == {}
    following.catch_up()
    assert held(lake) == {}
    following.step(stream.version(("c", True)))
    assert set(held(lake)) == {"c"}


def test_a_dataset_declared_later_sees_its_own_decisions(lake: Lake) -> None:
    """It does not read what was decided before it was there, and misses nothing of its own."""
    early = Stream(lake, "older")
    lake.dataset("older")
    early.version(("a", True))
    lake.dataset("d")
    late = Stream(lake, next_offset=early.next_offset, latest=early.latest)
    late.sweep(("a", True))
    folder(lake, AT_ONCE).catch_up()
    assert held(lake) == late.rows
    assert set(held(lake)) == {"a"}


def test_a_permit_whose_event_is_not_in_the_catalog_stops_the_fold(lake: Lake, stream: Stream) -> None:
    """No payload, no row, and no skipping it either."""
    stream.latest["ghost"] = (0, 99)
    stream.sweep(("ghost", True))
    with pytest.raises(Refused, match="permit 'ghost' at partition 0, offset 99"):
        folder(lake, AT_ONCE).catch_up()
    assert lake.dataset("d").folded == 0


class Refusing:
    """A dataset table none of whose commits has a known outcome."""

    def __init__(self, lake: Lake) -> None:
        self._table = lake.dataset("d")
        self.replace_calls = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._table, name)

    def replace(self, *_: object) -> Outcome:
        self.replace_calls += 1
        return Unknown("nobody can say")


@pytest.fixture
def refusing(lake: Lake, stream: Stream) -> tuple[Refusing, Folder]:
    stream.version(("a", True))
    table = Refusing(lake)
    return table, Folder(table, folder(lake, AT_ONCE).read_back, AT_ONCE, Clock())  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["catch_up", "empty"])
def test_a_store_that_refuses_everything_is_reported(refusing: tuple[Refusing, Folder], ending: str) -> None:
    """Catching up does not go round for ever."""
    table, following = refusing
    with pytest.raises(Unavailable, match="did not stand"):
        following.catch_up() if ending == "catch_up" else following.empty(through=9)
    assert table.replace_calls == ATTEMPTS_MAX + 1


@pytest.mark.crash
@pytest.mark.parametrize("step", ["datasets/d.write", "datasets/d.commit", "datasets/d.committed"])
def test_a_killed_fold_changes_all_or_nothing(lake: Lake, stream: Stream, tmp_path: Path, step: str) -> None:
    """``kill -9`` at any step of a replacing fold: the table is the fold of a version, and the next folder goes on."""
    stream.version(*all_of(*names(20)))
    folder(lake, AT_ONCE).catch_up()
    before = dict(stream.rows)
    stream.version(*all_of("a1", "a2", permit=False), *all_of("a3", "n"))
    assert run_together(tmp_path, ("fold", step, 0)) == [-signal.SIGKILL]
    done = lake.dataset("d").folded == 2
    assert done == (step == "datasets/d.committed")
    assert held(lake) == (stream.rows if done else before)
    folder(lake, AT_ONCE).catch_up()
    assert held(lake) == stream.rows


@pytest.mark.crash
def test_folding_processes_agree(lake: Lake, stream: Stream, tmp_path: Path) -> None:
    """Three folders at once over a stretch with updates and removals: every row once, and right."""
    for number in range(12):
        stream.version(*[(f"a{(number * 5 + i) % 23}", (number + i) % 3 > 0) for i in range(9)])
    assert run_together(tmp_path, *[("fold", "-", 0)] * 3) == [0, 0, 0]
    assert held(lake) == stream.rows
    assert lake.dataset("d").folded == 12

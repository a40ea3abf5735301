"""Committing to an append-only table: compare, then commit, with the same handle; real Delta tables."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest

from gatekeeper.core.commits import (
    BATCH_KEY,
    CommitMetadata,
    Committed,
    Refused,
    SliceClaim,
    Unknown,
)
from gatekeeper.edges.delta import Lake
from gatekeeper.edges.delta_append import AppendTable
from gatekeeper.errors import Bug, Unavailable
from tests.support.delta_process import APP
from tests.support.lake_rows import content
from tests.support.processes import run_together

OTHER_APP = "content/c/t/1"


@pytest.fixture(params=["directory", "uri"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """The same tables through a path and through deltalake's object store."""
    return Lake(tmp_path if request.param == "directory" else tmp_path.as_uri())


@pytest.fixture
def local(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def event(offset: int, asset: str = "a", partition: int = 0):
    return content([asset], [(partition, offset)])


def offsets(table: AppendTable) -> list[int]:
    table.refresh()
    return sorted(table.scan(["offset"])["offset"].to_pylist())


def test_two_writers_with_the_same_base_never_both_commit(lake: Lake) -> None:
    """The second is refused, and what it had written is seen by nobody."""
    first, second = lake.open("catalog"), lake.open("catalog")
    assert first.append(event(5), {APP: 5}, {}) == Committed(1)
    assert isinstance(second.append(event(5), {APP: 5}, {}), Refused)
    assert offsets(lake.open("catalog")) == [5]


def test_a_stale_handle_is_refused_even_for_another_partition(lake: Lake) -> None:
    """Nothing is ever rebased onto versions that were not compared with."""
    first, second = lake.open("catalog"), lake.open("catalog")
    assert first.append(event(5), {APP: 5}, {}) == Committed(1)
    assert isinstance(second.append(event(5, partition=1), {OTHER_APP: 5}, {}), Refused)


def test_a_refused_writer_of_another_partition_commits_the_same_files_after_comparing_again(lake: Lake) -> None:
    """Two workers with different partitions both succeed, one after the other, and nothing is written twice."""
    first, second = lake.open("catalog"), lake.open("catalog")
    files = second.write(event(7, partition=1))
    assert first.append(event(5), {APP: 5}, {}) == Committed(1)
    assert isinstance(second.commit(files, {OTHER_APP: 7}, {}), Refused)
    second.refresh()
    assert second.txn(OTHER_APP) == -1
    assert second.commit(files, {OTHER_APP: 7}, {}) == Committed(2)
    assert offsets(second) == [5, 7]


def test_a_slice_committed_before_is_dropped_by_the_comparison(lake: Lake) -> None:
    """The same (application, version) again is accepted by Delta and would duplicate rows: the base refuses it."""
    table = lake.open("catalog")
    table.append(event(5), {APP: 5}, {})
    table.refresh()
    again = SliceClaim(0, base=-1, last=5, rights_position=0, policy="", instant_us=0)
    assert again.base != table.txn(APP)


def test_committing_twice_from_one_handle_needs_a_refresh_between(lake: Lake) -> None:
    """After its own commit a handle is as stale as anybody's."""
    table = lake.open("catalog")
    assert table.append(event(1), {APP: 1}, {}) == Committed(1)
    assert isinstance(table.append(event(2), {APP: 2}, {}), Refused)
    table.refresh()
    assert table.append(event(2), {APP: 2}, {}) == Committed(2)


def test_an_empty_slice_commits_its_transaction(lake: Lake) -> None:
    """A batch without valid events moves the partition on all the same, and says who did it."""
    table = lake.open("catalog")
    metadata = CommitMetadata("batch-1", "worker-1", (SliceClaim(0, -1, 9, 3, "sha256:x", 77),))
    assert table.append(event(0).slice(0, 0), {APP: 9}, metadata.to_custom()) == Committed(1)
    table.refresh()
    assert table.txn(APP) == 9
    assert table.metadata_of(1) == metadata
    assert table.paths() == []


def test_a_transaction_that_never_was_has_nothing_yet(lake: Lake) -> None:
    """-1, so that the first slice's base compares equal."""
    assert lake.open("catalog").txn(APP) == -1


def test_a_commit_is_found_by_its_batch(lake: Lake) -> None:
    """Is that commit mine? Somebody else's, and those before, are not."""
    table = lake.open("catalog")
    for number, batch in enumerate(["x", "y", "x"]):
        table.append(event(number), {APP: number}, CommitMetadata(batch, "w").to_custom())
        table.refresh()
    assert table.find("y", after=0) == 2
    assert table.find("x", after=1) == 3
    assert table.find("y", after=2) is None
    assert table.metadata_of(4) is None


def test_transactions_survive_checkpoints(lake: Lake) -> None:
    """After more commits than a checkpoint covers, a fresh handle still knows every partition's version."""
    table = lake.open("catalog")
    table.append(event(5, partition=1), {OTHER_APP: 5}, {})
    for number in range(60):
        table.refresh()
        assert isinstance(table.commit((), {APP: number}, {}), Committed)
    fresh = lake.open("catalog")
    assert (fresh.version, fresh.txn(APP), fresh.txn(OTHER_APP)) == (61, 59, 5)


def test_a_commit_that_stands_is_known_as_ours_although_it_reported_a_failure(local: Lake, tmp_path: Path) -> None:
    """The checkpoint after the log entry fails; the entry is there, and carries our id."""
    table = local.open("catalog")
    for _ in range(48):
        table.commit((), {}, {})
        table.refresh()
    (tmp_path / "catalog" / "_delta_log" / f"{49:020d}.checkpoint.parquet").mkdir()
    assert table.append(event(1), {APP: 1}, {}) == Committed(49)
    assert offsets(table) == [1]


@contextmanager
def moved_away(folder: Path) -> Iterator[None]:
    """The folder is a file for a while: everything in it fails."""
    kept = folder.rename(folder.with_name("kept"))
    folder.write_text("")
    yield
    folder.unlink()
    kept.rename(folder)


def test_an_unknown_outcome_may_be_tried_again_and_stands_once(local: Lake, tmp_path: Path) -> None:
    """While the log cannot be reached nobody can say; the very same call settles it."""
    table = local.open("catalog")
    files = table.write(event(1))
    log = tmp_path / "catalog" / "_delta_log"
    with moved_away(log):
        assert isinstance(table.commit(files, {APP: 1}, {}), Unknown)
    assert table.commit(files, {APP: 1}, {}) == Committed(1)
    assert isinstance(table.commit(files, {APP: 1}, {}), Refused)
    assert offsets(table) == [1]


def test_rows_that_are_not_the_tables_are_a_bug(lake: Lake) -> None:
    """Wrong columns or types never reach a file."""
    table = lake.open("catalog")
    with pytest.raises(Bug, match="columns are"):
        table.append(event(1).drop_columns(["title"]), {}, {})
    rows = event(1)
    narrow = rows.set_column(rows.schema.names.index("offset"), "offset", rows["offset"].cast("int32"))
    with pytest.raises(Bug, match="column offset is int32"):
        table.append(narrow, {}, {})
    assert table.paths() == []


def test_a_dictionary_column_goes_in_and_comes_out_as_the_tables_type(lake: Lake) -> None:
    """A writer may hold a repeated text once; a reader sees the table's schema."""
    rows = event(1)
    at = rows.schema.names.index("type")
    table = lake.open("catalog")
    table.append(rows.set_column(at, "type", rows["type"].dictionary_encode()), {}, {})
    table.refresh()
    assert table.scan().equals(rows)


def test_a_lake_that_cannot_be_reached_says_what_to_do(tmp_path: Path) -> None:
    """A vendor's exception never leaves the edge."""
    (tmp_path / "catalog").write_text("not a folder")
    with pytest.raises(Unavailable, match="catalog"):
        Lake(tmp_path).open("catalog")


def test_a_table_with_other_columns_is_not_opened(tmp_path: Path) -> None:
    """Rows of another release are neither read nor written as if they were ours."""
    lake = Lake(tmp_path)
    lake.open("rights")
    (tmp_path / "rights").rename(tmp_path / "catalog")
    with pytest.raises(Unavailable, match="catalog has not this release's columns"):
        lake.open("catalog")


def test_the_log_is_kept_and_nothing_expires(tmp_path: Path) -> None:
    """The change feed of ``decisions`` is on from the start; no clean-up removes a log entry or a transaction."""
    Lake(tmp_path).open("decisions")
    entry = (tmp_path / "decisions" / "_delta_log" / f"{0:020d}.json").read_text()
    actions = [json.loads(line) for line in entry.splitlines()]
    made = next(action["metaData"] for action in actions if "metaData" in action)
    assert made["configuration"]["delta.enableChangeDataFeed"] == "true"
    assert made["configuration"]["delta.enableExpiredLogCleanup"] == "false"
    assert "delta.setTransactionRetentionDuration" not in made["configuration"]


def steps_of(lake_of: Callable[[list[str]], Lake]) -> list[str]:
    seen: list[str] = []
    lake_of(seen).open("catalog").append(event(1), {}, {})
    return seen


def test_every_step_can_be_stopped_at(tmp_path: Path) -> None:
    """Before the data file, between it and its log entry, and after that."""
    assert steps_of(lambda seen: Lake(tmp_path, step=seen.append)) == [
        "catalog.write",
        "catalog.commit",
        "catalog.committed",
    ]


@pytest.mark.crash
@pytest.mark.parametrize(
    ("step", "rows", "files"), [("catalog.write", [], 0), ("catalog.commit", [], 1), ("catalog.committed", [3], 1)]
)
def test_a_killed_writer_leaves_all_or_nothing(
    local: Lake, tmp_path: Path, step: str, rows: list[int], files: int
) -> None:
    """``kill -9`` between a data file and its log entry leaves a file nobody sees; the next one goes on."""
    local.open("catalog")
    assert run_together(tmp_path, ("append", step, 3)) == [-signal.SIGKILL]
    table = local.open("catalog")
    assert offsets(table) == rows
    assert len(list((tmp_path / "catalog").glob("part-*.parquet"))) == files
    assert table.txn(APP) == (3 if rows else -1)
    assert table.append(event(4), {APP: 4}, {}) == Committed(len(rows) + 1)
    assert offsets(table) == [*rows, 4]


@pytest.mark.crash
def test_racing_processes_take_each_offset_once(local: Lake, tmp_path: Path) -> None:
    """Three writers of one partition, each comparing and committing as fast as it can: no offset twice or missing."""
    table = local.open("decisions")
    assert run_together(tmp_path, *[("race", "-", 30)] * 3) == [0, 0, 0]
    assert offsets(table) == list(range(30))
    assert table.version == 30
    batches = [(table.custom_metadata(v) or {})[BATCH_KEY].partition("-")[2] for v in range(1, 31)]
    assert batches == [str(n) for n in range(30)]


def test_whoever_is_first_creates_a_table_and_the_others_open_it(tmp_path: Path) -> None:
    """Workers that start together on an empty lake make each table once, never a second time as version 1."""
    workers, lakes = 4, 15
    start = Barrier(workers)

    def versions(_: int) -> list[tuple[int, int]]:
        found = []
        for number in range(lakes):
            start.wait()
            lake = Lake(tmp_path / str(number))
            found.append((lake.open("catalog").version, lake.dataset("d").version))
        return found

    with ThreadPoolExecutor(workers) as pool:
        assert list(pool.map(versions, range(workers))) == [[(0, 0)] * lakes] * workers

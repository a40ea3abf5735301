"""Files written ahead of their turn hold what is committed, whatever became of the batch meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pytest

from gatekeeper.errors import Unavailable
from gatekeeper.stages.gate.ahead import Ahead
from gatekeeper.stages.gate.committing import of_partitions
from gatekeeper.stages.gate.values import Batch, Slice, Step

SLICES = (Slice(0, -1, 1, epoch=1), Slice(1, -1, 0, epoch=1))
VALID = pa.table({"partition": pa.array([0, 0, 1], pa.int32())})
BATCH = Batch("batch", SLICES, VALID, VALID.slice(0, 0), decisions=pa.table({"verdict": ["permit", "permit", "deny"]}))


@dataclass
class Written:
    """A table in memory whose files are their rows."""

    away: bool = False
    files: list[pa.Table] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    def write(self, rows: pa.Table) -> Sequence[pa.Table]:
        if self.away:
            raise Unavailable("the store is away", "wait")
        self.threads.add(threading.current_thread().name)
        self.files.append(rows)
        return (rows,)


def rows(step: Step, batch: Batch) -> pa.Table:
    assert batch.decisions is not None
    if step is Step.DECISIONS:
        return batch.decisions
    return of_partitions(batch.valid, [s.partition for s in batch.slices])


@pytest.fixture
def table() -> Written:
    return Written()


@pytest.fixture
def ahead(table: Written) -> Iterator[Ahead]:
    begun = Ahead(dict.fromkeys(Step, table), rows)
    yield begun
    begun.close()


def test_rows_of_a_slice_that_was_dropped_are_in_no_file_that_is_committed(ahead: Ahead) -> None:
    """They belong to the partition's next owner."""
    ahead.begin(Step.CATALOG, BATCH)
    (file,) = ahead.files(Step.CATALOG, BATCH.of(SLICES[:1]))
    assert file["partition"].to_pylist() == [0, 0]


def test_decisions_that_were_overtaken_are_in_no_file_that_is_committed(ahead: Ahead) -> None:
    """A batch decided again at its commit is committed as it was decided last."""
    ahead.begin(Step.DECISIONS, BATCH)
    (file,) = ahead.files(Step.DECISIONS, replace(BATCH, decisions=pa.table({"verdict": ["deny"] * 3})))
    assert file["verdict"].to_pylist() == ["deny"] * 3


def test_a_store_that_is_away_is_told_to_whoever_asks_for_the_files(ahead: Ahead, table: Written) -> None:
    """Nothing is committed that was not written."""
    table.away = True
    ahead.begin(Step.CATALOG, BATCH)
    with pytest.raises(Unavailable):
        ahead.files(Step.CATALOG, BATCH)


def test_a_batch_that_is_forgotten_is_written_anew(ahead: Ahead, table: Written) -> None:
    """Nothing of it is held."""
    ahead.begin(Step.CATALOG, BATCH)
    ahead.forget(BATCH.id)
    ahead.files(Step.CATALOG, BATCH)
    ahead.close()
    assert len(table.files) == 2


def test_an_unchanged_batch_is_written_once_and_elsewhere(ahead: Ahead, table: Written) -> None:
    """Its decisions, too, of which the catalogue's file knows nothing: deciding does not change the payload."""
    ahead.begin(Step.CATALOG, BATCH)
    decided = replace(BATCH, decisions=pa.table({"verdict": ["deny"] * 3}), policy="p")
    ahead.begin(Step.DECISIONS, decided)
    assert ahead.files(Step.CATALOG, decided)[0]["partition"].to_pylist() == [0, 0, 1]
    assert ahead.files(Step.DECISIONS, decided)[0]["verdict"].to_pylist() == ["deny"] * 3
    assert len(table.files) == 2
    assert threading.current_thread().name not in table.threads

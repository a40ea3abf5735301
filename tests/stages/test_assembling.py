"""Blocks into slices: nothing of an ended epoch, nothing twice across a crash, one slice a partition (design §5)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import wait
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gatekeeper.core.content import Limits, parse
from gatekeeper.core.contracts import contracts_of
from gatekeeper.core.removals import Removals
from gatekeeper.edges.shipped import read_schemas
from gatekeeper.ports import ContentBlock
from gatekeeper.stages.gate.assembling import Assembler
from gatekeeper.stages.gate.ownership import Chain, Ownership
from gatekeeper.stages.gate.parsing import Parsing
from gatekeeper.stages.gate.values import Batch, Raw, Recovery, Slice
from tests.cli.conftest import event, published
from tests.support.lake_rows import content


class LimitsOfTests:
    event_bytes_max = 10_000


LIMITS: Limits = LimitsOfTests()

CHECK = contracts_of(read_schemas()).check_content


def block(offsets: Sequence[int], partition: int = 0, bad: Sequence[int] = ()) -> ContentBlock:
    values = [b"{" if n in bad else published(f"asset-{partition}-{n}").encode() for n in offsets]
    return ContentBlock("content", partition, np.array(offsets, np.int64), None, pa.array(values, pa.binary()), 100)


def fetched(of: ContentBlock, epoch: int) -> Raw:
    """The block as the fetching thread passes it on, already parsed."""
    parsing = Parsing(lambda b: parse(b, CHECK, limits=LIMITS, check_key=False), threads=1, rows_max=1000)
    raw = parsing.begin(of, epoch)
    wait([raw.parsed])
    parsing.close()
    return raw


class Bench:
    """An assembler whose partitions are opened by the test."""

    def __init__(self, rows_max: int = 1000) -> None:
        self.ownership = Ownership()
        numbers = itertools.count()
        self.assembler = Assembler(self.ownership, rows_max, lambda: f"batch-{next(numbers)}")

    def open(self, partition: int = 0, last: int = -1, **known: Any) -> int:
        epoch = self.ownership.next_epoch()
        self.ownership.open(partition, Chain(epoch, last, Removals(), fetched=last, **known))
        return epoch

    def batch(self, *raws: Raw) -> Batch | None:
        for raw in raws:
            self.assembler.add(raw)
        return self.assembler.batch()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def slices(batch: Batch | None) -> list[tuple[int, int, int, int]]:
    """(partition, base, last, steps done) of each slice."""
    return [] if batch is None else [(s.partition, s.base, s.last, s.steps_done) for s in batch.slices]


def offsets(rows: pa.Table) -> list[int]:
    found: list[int] = rows["offset"].to_pylist()
    return found


def test_blocks_of_an_ended_epoch_are_dropped(bench: Bench) -> None:
    """They are read again by the new owner; a batch of nothing else is None."""
    first = bench.open()
    bench.ownership.revoke([0])
    assert bench.batch(fetched(block([0, 1]), first)) is None
    second = bench.open()
    mixed = bench.batch(fetched(block([0, 1]), first), fetched(block([0, 1, 2]), second))
    assert slices(mixed) == [(0, -1, 2, 0)]
    assert mixed is not None
    assert offsets(mixed.valid) == [0, 1, 2]
    assert not bench.assembler.has_pending


def test_what_is_a_dead_letter_already_is_not_one_again(bench: Bench) -> None:
    """A crash after the first commit: below that boundary only the catalogue lacks records."""
    epoch = bench.open(last=3, recorded_through=6, recorded_dead=frozenset({5}))
    batch = bench.batch(fetched(block([4, 5, 6], bad=[5]), epoch))
    assert batch is not None
    assert (slices(batch), offsets(batch.valid), offsets(batch.dead)) == ([(0, 3, 6, 1)], [4, 6], [])


@pytest.mark.parametrize("cuts", [[[4, 5, 6, 7, 8]], [[4, 5], [6, 7, 8]], [[4, 5, 6], [7, 8]], [[4], [5], [6, 7], [8]]])
def test_a_slice_ends_at_the_recorded_boundary(bench: Bench, cuts: list[list[int]]) -> None:
    """However the blocks are cut: through 6 the first commit is done, from 7 on it is not."""
    epoch = bench.open(last=3, recorded_through=6, recorded_dead=frozenset({5}))
    first = bench.batch(*(fetched(block(cut, bad=[5, 8]), epoch) for cut in cuts))
    second = bench.assembler.batch()
    assert (slices(first), slices(second)) == ([(0, 3, 6, 1)], [(0, 6, 8, 0)])
    assert first is not None
    assert second is not None
    assert [offsets(first.valid), offsets(second.valid), offsets(second.dead)] == [[4, 6], [7], [8]]


def test_a_gap_below_the_recorded_boundary(bench: Bench) -> None:
    """Nothing is left below the boundary: an empty slice reaches it, the records after it follow."""
    epoch = bench.open(last=3, recorded_through=6)
    batch = bench.batch(fetched(block([9]), epoch))
    assert (slices(batch), slices(bench.assembler.batch())) == ([(0, 3, 6, 1)], [(0, 6, 9, 0)])
    assert batch is not None
    assert batch.valid.num_rows == batch.dead.num_rows == 0


def test_one_slice_for_each_partition(bench: Bench) -> None:
    """Blocks of a partition are joined in order, whatever comes between; its valid and bad records part ways."""
    zero, one = bench.open(0), bench.open(1, last=4)
    raws = [fetched(block([0]), zero), fetched(block([5, 9], 1, bad=[9]), one), fetched(block([1, 2], bad=[2]), zero)]
    batch = bench.batch(*raws)
    assert sorted(slices(batch)) == [(0, -1, 2, 0), (1, 4, 9, 0)]
    assert batch is not None
    assert (sorted(offsets(batch.valid)), sorted(offsets(batch.dead))) == ([0, 1, 5], [2, 9])


def test_removals_are_remembered_from_batch_to_batch(bench: Bench) -> None:
    """A batch knows what a removal in an earlier one covers."""
    epoch = bench.open()
    removal = event("content.removed", asset_id="asset-0-1", account_id="nina").encode()
    values = pa.array([removal], pa.binary())
    bench.batch(fetched(ContentBlock("content", 0, np.array([0]), None, values, 10), epoch))
    batch = bench.batch(fetched(block([1, 2]), epoch))
    assert batch is not None
    assert batch.valid["removed_by"].to_pylist() == [0, None]


def test_a_bound_on_what_waits() -> None:
    """So many rows are enough for one batch; all of them are in it, and afterwards there is room again."""
    bench = Bench(rows_max=3)
    epoch = bench.open()
    assert bench.assembler.wants_more
    bench.assembler.add(fetched(block([0, 1, 2, 3]), epoch))
    assert not bench.assembler.wants_more
    assert slices(bench.batch()) == [(0, -1, 3, 0)]
    assert bench.assembler.wants_more


def test_what_the_catalogue_holds_is_not_written_again(bench: Bench) -> None:
    """The recovery of a partition is a batch whose first two commits are done."""
    rows = content(["a"], [(0, 7)])
    batch = bench.assembler.recovered(Recovery(Slice(0, 6, 7, epoch=1, steps_done=2), rows))
    assert (slices(batch), batch.dead.num_rows, offsets(batch.valid)) == ([(0, 6, 7, 2)], 0, [7])

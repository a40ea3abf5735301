"""Fetching with back-pressure: nothing is fetched into a full queue, and nothing stays paused afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gatekeeper.core.content import parse
from gatekeeper.core.removals import Removals
from gatekeeper.edges.jsonl import JsonlContentReader
from gatekeeper.errors import Unavailable
from gatekeeper.ports import ContentBlock
from gatekeeper.stages.gate.fetching import Fetcher
from gatekeeper.stages.gate.ownership import Chain, Ownership
from gatekeeper.stages.gate.parsing import Parsing
from gatekeeper.stages.gate.patience import Patience
from gatekeeper.stages.gate.queues import ByteQueue, Switch
from gatekeeper.stages.gate.values import Raw, Recovery, Slice
from tests.stages.test_assembling import CHECK, LIMITS


class FromTheStart:
    """Opens every partition with nothing decided yet."""

    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership

    def open(self, partitions: frozenset[int]) -> tuple[Mapping[int, int], list[Recovery]]:
        for partition in partitions:
            self._ownership.open(partition, Chain(self._ownership.next_epoch(), -1, Removals()))
        return dict.fromkeys(partitions, 0), []


class Bench:
    """A fetcher on a real file of lines, and a queue that is full with its first block."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(b"one\n")
        self.reader = JsonlContentReader(path)
        self.ownership, switch = Ownership(), Switch()
        self.raws: ByteQueue[Raw | Recovery] = ByteQueue(1, switch)
        opens = FromTheStart(self.ownership)
        self.patience = Patience(1.0, switch, sleep=lambda _s: None)
        self.parsing = Parsing(lambda b: parse(b, CHECK, limits=LIMITS, check_key=False), threads=1, rows_max=1000)
        self.fetcher = Fetcher(self.reader, opens, self.ownership, self.parsing, self.raws, self.patience)
        self.fetcher.start(frozenset({0}))

    def append(self, line: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(line + b"\n")

    def taken(self) -> list[bytes]:
        """Everything that waits, taken out of the queue; none of these lines is an event."""
        found: list[bytes] = []
        while isinstance(raw := self.raws.get_nowait(), Raw):
            found += raw.parsed.result().dead["value"].to_pylist()
        return found

    def lose(self) -> None:
        """Somebody else moved the partition's table."""
        chain = self.ownership.chain(0)
        assert chain is not None
        self.ownership.lose([Slice(0, -1, 0, chain.epoch)])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "content.jsonl")
    yield made
    made.parsing.close()
    made.reader.close()


def test_nothing_is_fetched_into_a_full_queue(bench: Bench) -> None:
    """While a block waits nothing comes behind it; when it was taken, the rest comes."""
    bench.fetcher.run_once()
    bench.append(b"two")
    bench.fetcher.run_once()
    assert bench.taken() == [b"one"]
    bench.fetcher.run_once()
    assert bench.taken() == [b"two"]


def test_a_partition_lost_while_it_was_paused_is_read_again(bench: Bench) -> None:
    """The queue ran empty before the partition was opened anew: it is not left paused for ever."""
    bench.fetcher.run_once()
    bench.append(b"two")
    bench.fetcher.run_once()
    assert bench.taken() == [b"one"]
    bench.lose()
    bench.fetcher.run_once()
    assert bench.taken() == [b"one", b"two"]


def test_a_partition_lost_while_the_queue_is_full_waits(bench: Bench) -> None:
    """Opened anew behind a full queue it is held back, and read from its position afterwards."""
    bench.fetcher.run_once()
    bench.fetcher.run_once()
    bench.lose()
    bench.fetcher.run_once()
    assert bench.taken() == [b"one"]
    bench.fetcher.run_once()
    assert bench.taken() == [b"one"]


def test_blocks_of_a_partition_that_is_no_longer_ours_are_dropped(bench: Bench) -> None:
    """Polled, but revoked meanwhile: its next owner reads them."""
    bench.ownership.revoke([0])
    bench.fetcher.run_once()
    assert bench.taken() == []


def test_a_log_that_is_away_for_a_moment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked again; nothing was skipped."""
    honest, errors = bench.reader.poll, [Unavailable("away"), Unavailable("away")]

    def poll(timeout_s: float) -> list[ContentBlock]:
        if errors:
            raise errors.pop()
        return honest(timeout_s)

    monkeypatch.setattr(bench.reader, "poll", poll)
    bench.fetcher.run_once()
    assert bench.taken() == [b"one"]

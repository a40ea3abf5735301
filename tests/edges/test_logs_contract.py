"""What every log promises, stated once and run over JSONL files and a real Kafka broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from gatekeeper.edges.jsonl import JsonlContentReader, JsonlRightsReader
from gatekeeper.edges.jsonl_writer import JsonlLogWriter
from gatekeeper.edges.kafka_content import KafkaContentReader
from gatekeeper.edges.kafka_rights import KafkaRightsReader
from gatekeeper.edges.kafka_writer import KafkaLogWriter
from gatekeeper.errors import BadInput, Bug, UnsafeLog
from gatekeeper.ports import ContentBlock, ContentReader, LogWriter, RightsReader
from tests.edges.conftest import RIGHTS_CONFIGS


@dataclass
class Log:
    """One empty log of one partition, and how to open it."""

    content: Callable[[], ContentReader]
    rights: Callable[[], RightsReader]
    writer: Callable[[], LogWriter]
    opened: list[ContentReader | RightsReader | LogWriter] = field(default_factory=list)

    def open_content(self) -> ContentReader:
        return self._keep(self.content())

    def open_rights(self) -> RightsReader:
        return self._keep(self.rights())

    def append(self, *values: bytes) -> None:
        self._keep(self.writer()).append((None, value) for value in values)

    def _keep(self, thing):
        self.opened.append(thing)
        return thing


def jsonl_log(path: Path) -> Log:
    path.touch()
    return Log(
        content=lambda: JsonlContentReader(path, "log"),
        rights=lambda: JsonlRightsReader(path, "log"),
        writer=lambda: JsonlLogWriter(path),
    )


@pytest.fixture(params=["jsonl", pytest.param("kafka", marks=pytest.mark.kafka)])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    if request.param == "jsonl":
        made = jsonl_log(tmp_path / "log.jsonl")
    else:
        settings = request.getfixturevalue("settings")
        topic = request.getfixturevalue("new_topic")(1, RIGHTS_CONFIGS)
        made = Log(
            content=lambda: KafkaContentReader(settings, topic),
            rights=lambda: KafkaRightsReader(settings, topic),
            writer=lambda: KafkaLogWriter(settings, topic),
        )
    yield made
    for thing in made.opened:
        thing.close()


def poll_until(reader: ContentReader, count: int) -> list[ContentBlock]:
    """Polls until ``count`` records have come; a log that loses one hangs here until the polls are used up."""
    blocks: list[ContentBlock] = []
    for _ in range(200):
        blocks += reader.poll(0.2)
        if sum(map(len, blocks)) >= count:
            return blocks
    raise AssertionError(f"{sum(map(len, blocks))} records came, {count} were expected")


def poll_in_vain(reader: ContentReader) -> None:
    """For a refusal that may take a few polls to show; fails when records come instead."""
    for _ in range(50):
        assert reader.poll(0.2) == []


def values_of(blocks: list[ContentBlock]) -> list[bytes]:
    return [value for block in blocks for value in block.values.to_pylist()]


def offsets_of(blocks: list[ContentBlock]) -> list[int]:
    return [int(offset) for block in blocks for offset in block.offsets]


# Refusals first.


def test_a_position_beyond_the_end_is_refused_and_never_jumped_from(log: Log) -> None:
    """An offset out of range stops the worker: no reset to the start or the end."""
    log.append(b"one", b"two")
    reader = log.open_content()

    def read_from_7() -> None:
        reader.assign({0: 7})
        poll_in_vain(reader)

    with pytest.raises(UnsafeLog, match=r"out of range|OutOfRange"):
        read_from_7()


def test_an_end_below_what_was_applied_is_refused(log: Log) -> None:
    """If the rights log ends below what was applied, rights events were lost: nothing is decided."""
    log.append(b"one")
    rights = log.open_rights()

    def barrier() -> None:
        rights.read(5, 5)  # the caller has applied everything below 5
        rights.end()

    with pytest.raises(UnsafeLog, match=r"lost|out of range"):
        barrier()


def test_rights_positions_that_make_no_interval_are_refused(log: Log) -> None:
    """A caller that mixes up positions is told so; it does not get an empty list that looks like "no change"."""
    rights = log.open_rights()
    with pytest.raises(BadInput):
        rights.read(3, 2)


def test_a_partition_that_is_not_ours_has_no_position(log: Log) -> None:
    """A position that nobody set is not 0, and seeking it sets none."""
    log.append(b"one")
    reader = log.open_content()
    reader.seek({0: 0})
    assert reader.position(0) is None
    assert reader.poll(0.2) == []


def test_positions_for_other_partitions_than_the_assigned_are_a_bug(log: Log) -> None:
    """A worker that forgets a partition would silently never read it."""
    reader = log.open_content()
    reader.subscribe(lambda _: {}, lambda _: None)
    with pytest.raises(Bug):
        poll_in_vain(reader)


def test_an_event_that_is_too_large_is_refused_before_it_is_appended(log: Log) -> None:
    """Refusal leaves the log as it was."""
    with pytest.raises(BadInput, match="bytes"):
        log.append(b"x" * (2 * 2**20))
    assert log.open_content().end_offsets() == {0: 0}


def test_a_callback_that_fails_fails_the_poll_and_is_asked_again(log: Log) -> None:
    """An error while positions are read from the tables reaches the worker; partitions are not lost by it."""
    log.append(b"one")
    answers = iter([RuntimeError("tables unreachable"), {0: 0}])

    def on_assigned(partitions: frozenset[int]) -> dict[int, int]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    reader = log.open_content()
    reader.subscribe(on_assigned, lambda _: None)
    with pytest.raises(RuntimeError, match="tables unreachable"):
        poll_in_vain(reader)
    assert values_of(poll_until(reader, 1)) == [b"one"]


# What is read.


def test_an_empty_log_reads_as_empty(log: Log) -> None:
    """Nothing is there, nothing is returned, and both ends are 0."""
    reader, rights = log.open_content(), log.open_rights()
    reader.assign({0: 0})
    assert reader.poll(0.3) == []
    assert reader.begin_offsets() == reader.end_offsets() == {0: 0}
    assert rights.end() == rights.stable_end() == 0
    assert rights.read(0, 0) == []


def test_records_come_in_order_with_their_offsets_and_bytes(log: Log) -> None:
    """Original bytes, ascending offsets from 0, none lost, none twice, whatever the bytes are."""
    sent = [b"{}", b"", b"\xff\xfe not utf-8 \x00", "é".encode(), b"x" * 300_000, b"last"]
    log.append(*sent)
    reader = log.open_content()
    reader.assign({0: 0})
    blocks = poll_until(reader, len(sent))
    assert values_of(blocks) == sent
    assert offsets_of(blocks) == list(range(len(sent)))
    assert all(block.offsets.dtype == np.int64 and block.partition == 0 for block in blocks)
    assert sum(block.bytes_total for block in blocks) == sum(map(len, sent))


def test_reading_starts_at_the_given_position_and_goes_on(log: Log) -> None:
    """From the middle of what was appended at once, then what is appended later."""
    log.append(*[b"%d" % n for n in range(1000)])
    reader = log.open_content()
    reader.assign({0: 777})
    blocks = poll_until(reader, 223)
    assert offsets_of(blocks) == list(range(777, 1000))
    assert values_of(blocks)[0] == b"777"
    log.append(b"later")
    assert values_of(poll_until(reader, 1)) == [b"later"]
    assert reader.position(0) == 1001


def test_two_readers_do_not_disturb_each_other(log: Log) -> None:
    """A position belongs to its reader."""
    log.append(b"one", b"two")
    for _ in range(2):
        reader = log.open_content()
        reader.assign({0: 0})
        assert values_of(poll_until(reader, 2)) == [b"one", b"two"]


def test_a_subscription_starts_where_the_tables_say(log: Log) -> None:
    """Partitions come with a call for positions, and go with a call at close."""
    log.append(b"zero", b"one", b"two")
    seen: list[tuple[str, set[int]]] = []

    def on_assigned(partitions: frozenset[int]) -> dict[int, int]:
        seen.append(("assigned", set(partitions)))
        return {0: 1}

    reader = log.content()
    reader.subscribe(on_assigned, lambda partitions: seen.append(("revoked", set(partitions))))
    assert values_of(poll_until(reader, 2)) == [b"one", b"two"]
    reader.commit_for_monitors({0: 3})
    reader.close()
    assert seen == [("assigned", {0}), ("revoked", {0})]


def test_group_commits_are_never_read(log: Log) -> None:
    """What was committed for monitors does not move the next worker: the tables do."""
    log.append(b"zero", b"one")
    first = log.content()
    first.subscribe(lambda _: {0: 0}, lambda _: None)
    poll_until(first, 2)
    first.commit_for_monitors({0: 2})
    first.close()
    second = log.open_content()
    second.subscribe(lambda _: {0: 0}, lambda _: None)
    assert values_of(poll_until(second, 2)) == [b"zero", b"one"]


def test_a_paused_partition_is_not_read_and_loses_nothing(log: Log) -> None:
    """Back-pressure: while paused nothing comes, after resume everything does, in order."""
    log.append(b"one")
    reader = log.open_content()
    reader.assign({0: 0})
    poll_until(reader, 1)
    reader.pause([0])
    log.append(b"two", b"three")
    assert reader.poll(0.5) == []
    assert reader.position(0) == 1
    reader.resume([0])
    assert values_of(poll_until(reader, 2)) == [b"two", b"three"]


def test_a_partition_can_be_read_again_from_an_earlier_position(log: Log) -> None:
    """What a worker dropped is read once more, also while back-pressure holds the partition."""
    log.append(*[b"%d" % n for n in range(100)])
    reader = log.open_content()
    reader.assign({0: 0})
    poll_until(reader, 100)
    reader.pause([0])
    reader.seek({0: 40, 7: 3})
    assert reader.position(0) == 40
    assert reader.poll(0.2) == []
    reader.resume([0])
    assert offsets_of(poll_until(reader, 60)) == list(range(40, 100))


def test_the_identity_is_stable_and_one_per_log(log: Log) -> None:
    """Every reader of a log sees the same identity."""
    identities = {log.open_content().identity(), log.open_rights().identity()}
    log.append(b"one")
    identities |= {log.open_content().identity(), log.open_rights().identity()}
    assert len(identities) == 1
    assert identities.pop().partitions == 1


def test_an_append_says_where_it_went(log: Log) -> None:
    """First and last offset of what was appended, and how many."""
    writer = log._keep(log.writer())
    assert writer.append([]) == []
    assert writer.append([(None, b"a"), (None, b"b")]) == [(0, 0, 1, 2)]
    assert writer.append([(None, b"c")]) == [(0, 2, 2, 1)]


def test_rights_are_read_between_two_positions_exactly(log: Log) -> None:
    """[from, to): in pieces, again, and beyond what was read before."""
    log.append(*[b"r%d" % n for n in range(500)])
    rights = log.open_rights()
    assert rights.end() == rights.stable_end() == 500
    for start, end in [(0, 3), (3, 250), (250, 500), (10, 12), (0, 500)]:
        records = rights.read(start, end)
        assert [r.position for r in records] == list(range(start, end))
        assert [r.value for r in records] == [b"r%d" % n for n in range(start, end)]
    log.append(b"new")
    assert rights.end() == 501
    assert [r.value for r in rights.read(500, 501)] == [b"new"]


def test_a_log_made_as_declared_passes_the_check(log: Log) -> None:
    """The check refuses only what is unsafe."""
    log.open_rights().check(development=True)

"""The content log on a real broker: transactions, retention, re-creation, rebalances and back-pressure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from gatekeeper.edges.kafka_admin import PinnedTopic, TopicAdmin
from gatekeeper.edges.kafka_batches import RecordColumns
from gatekeeper.edges.kafka_blocks import columns, content_blocks
from gatekeeper.edges.kafka_content import KafkaContentReader
from gatekeeper.edges.kafka_settings import KafkaSettings, open_consumer
from gatekeeper.edges.kafka_writer import KafkaLogWriter
from gatekeeper.errors import Unavailable, UnsafeLog
from gatekeeper.ports import ContentBlock, TopicIdentity
from tests.edges.conftest import recreate, spec
from tests.edges.test_logs_contract import offsets_of, poll_in_vain, poll_until, values_of
from tests.support.broker import Broker

NewTopic = Callable[..., str]
Opened = Callable[..., KafkaContentReader]


@pytest.fixture
def opened(settings: KafkaSettings) -> Iterator[Opened]:
    """Opens readers and closes them at the end."""
    readers: list[KafkaContentReader] = []

    def open_one(topic: str, **changes: object) -> KafkaContentReader:
        readers.append(KafkaContentReader(KafkaSettings(**{**vars(settings), **changes}), topic))
        return readers[-1]

    yield open_one
    for reader in readers:
        reader.close()


def write(settings: KafkaSettings, topic: str, *events: tuple[bytes | None, bytes]) -> None:
    writer = KafkaLogWriter(settings, topic)
    writer.append(events)
    writer.close()


def poll_to_the_end(reader: KafkaContentReader) -> list[ContentBlock]:
    """Polls until every position has reached its end, whatever came."""
    blocks: list[ContentBlock] = []
    for _ in range(200):
        blocks += reader.poll(0.1)
        if all(reader.position(p) >= end for p, end in reader.end_offsets().items()):
            return blocks
    raise AssertionError("the end was not reached")


def test_records_that_retention_removed_are_not_jumped_over(
    opened: Opened, settings: KafkaSettings, new_topic: NewTopic, broker: Broker
) -> None:
    """The tables' position lies before the log's start: events are gone, and that is said, not skipped."""
    topic = new_topic(1)
    write(settings, topic, *[(b"a", b"%d" % n) for n in range(10)])
    admin = KafkaAdminClient(bootstrap_servers=broker.servers)
    admin.delete_records({TopicPartition(topic, 0): 5})
    admin.close()
    reader = opened(topic)
    assert reader.begin_offsets() == {0: 5}
    reader.assign({0: 2})
    with pytest.raises(UnsafeLog, match="OutOfRange"):
        poll_in_vain(reader)


def test_a_topic_made_anew_is_refused_even_when_it_is_longer(
    opened: Opened, settings: KafkaSettings, new_topic: NewTopic, topic_admin: TopicAdmin
) -> None:
    """The old position exists in the new topic, too: the id tells them apart before a record is handed out."""
    topic = new_topic(1)
    write(settings, topic, (b"a", b"old"))
    reader = opened(topic)
    reader.assign({0: 0})
    assert values_of(poll_until(reader, 1)) == [b"old"]
    recreate(topic_admin, spec(topic))
    write(settings, topic, (b"a", b"new 0"), (b"a", b"new 1"))
    with pytest.raises(UnsafeLog):
        poll_in_vain(reader)


def test_partitions_added_under_a_running_gate_stop_it(
    opened: Opened, settings: KafkaSettings, new_topic: NewTopic, broker: Broker
) -> None:
    """With more partitions an asset's next event may stand in another one than its last."""
    topic = new_topic(1)
    reader = opened(topic)
    reader.assign({0: 0})
    admin = KafkaAdminClient(bootstrap_servers=broker.servers)
    admin.create_partitions({topic: 2})
    admin.close()

    def until_the_broker_knows() -> None:
        for _ in range(100):
            reader.identity()

    with pytest.raises(UnsafeLog, match="partitions=2"):
        until_the_broker_knows()


def test_aborted_records_are_not_read_and_are_no_stall(
    opened: Opened, settings: KafkaSettings, new_topic: NewTopic, transactions: Callable[[], KafkaProducer]
) -> None:
    """An aborted upstream transaction leaves a gap; the position passes over it, also at the tail."""
    topic = new_topic(1)
    write(settings, topic, (b"a", b"first"))
    aborted = transactions()
    aborted.begin_transaction()
    for n in range(5):
        aborted.send(topic, b"aborted %d" % n, key=b"a").get(10)
    aborted.abort_transaction()
    reader = opened(topic)
    reader.assign({0: 0})
    assert values_of(poll_to_the_end(reader)) == [b"first"]
    assert reader.position(0) == 7
    write(settings, topic, (b"a", b"after"))
    assert offsets_of(poll_until(reader, 1)) == [7]


def test_an_open_transaction_is_waited_for_without_a_stall(
    opened: Opened, settings: KafkaSettings, new_topic: NewTopic, transactions: Callable[[], KafkaProducer]
) -> None:
    """What may yet be aborted is not read; waiting for it longer than the stall time is no error."""
    topic = new_topic(1)
    producer = transactions()
    producer.begin_transaction()
    producer.send(topic, b"in the balance", key=b"a").get(10)
    write(settings, topic, (b"a", b"behind it"))
    reader = opened(topic, stall_s=0.4)
    reader.assign({0: 0})
    for _ in range(8):
        assert reader.poll(0.2) == []
    producer.commit_transaction()
    assert values_of(poll_until(reader, 2)) == [b"in the balance", b"behind it"]


def test_a_reader_that_stopped_fetching_says_so(opened: Opened, settings: KafkaSettings, new_topic: NewTopic) -> None:
    """The watchdog on the real client: its partition paused behind the reader's back, as a stuck fetcher would be."""
    topic = new_topic(1)
    reader = opened(topic, stall_s=0.4)
    reader.assign({0: 0})
    reader._consumer.pause(TopicPartition(topic, 0))
    write(settings, topic, (b"a", b"waiting"))
    with pytest.raises(Unavailable, match="stood still at 0"):
        poll_in_vain(reader)


class FailsOnce:
    """A pinned topic whose first confirmation does not get through."""

    def __init__(self, pin: PinnedTopic) -> None:
        self.pin, self.failed = pin, False

    def confirm(self) -> TopicIdentity:
        if not self.failed:
            self.failed = True
            raise Unavailable("the broker does not answer")
        return self.pin.confirm()


@pytest.mark.parametrize("sought", [False, True])
def test_an_error_between_fetch_and_confirmation_loses_and_repeats_nothing(
    opened: Opened, settings: KafkaSettings, new_topic: NewTopic, sought: bool
) -> None:
    """Records fetched when the broker stopped answering come with the next poll, once; also after a seek to them."""
    topic = new_topic(1)
    write(settings, topic, (b"a", b"fetched"))
    reader = opened(topic)
    reader._pin = FailsOnce(reader._pin)
    reader.assign({0: 0})
    with pytest.raises(Unavailable):
        poll_in_vain(reader)
    assert reader.position(0) == 0
    if sought:
        reader.seek({0: 0})
    assert values_of(poll_until(reader, 1)) == [b"fetched"]
    assert reader.position(0) == 1
    assert reader.poll(0.5) == []


def test_nulls_keys_headers_and_codecs_arrive_as_sent(opened: Opened, new_topic: NewTopic, broker: Broker) -> None:
    """Whatever a producer sends, its bytes are handed on: a null is null, an empty value is empty."""
    topic = new_topic(1)
    sent: list[tuple[bytes | None, bytes | None]] = []
    for codec in (None, "gzip", "lz4", "zstd"):
        producer = KafkaProducer(bootstrap_servers=broker.servers, compression_type=codec, linger_ms=20)
        for key, value in [(b"k", b"v"), (None, b"v"), (b"k", None), (b"", b""), (b"k" * 300, b"v" * 20_000)]:
            producer.send(topic, value=value, key=key, headers=[("h", b"x")], partition=0)
            sent.append((key, value))
        producer.close()
    reader = opened(topic)
    reader.assign({0: 0})
    blocks = poll_until(reader, len(sent))
    assert [key for block in blocks for key in block.keys.to_pylist()] == [key for key, _ in sent]
    assert values_of(blocks) == [value for _, value in sent]


def test_columns_and_single_records_give_the_same_blocks(settings: KafkaSettings, new_topic: NewTopic) -> None:
    """The fast reading is in use with this version of the client, and without it nothing but time is lost."""
    topic = new_topic(2)
    write(settings, topic, *[(b"k%d" % (n % 7), b"value %d" % n) for n in range(2000)])
    readings = []
    for fast in (True, False):
        reader = KafkaContentReader(settings, topic)
        if not fast:
            del reader._consumer._fetcher.PartitionRecords  # as if the hook had declined
        reader.assign({0: 5, 1: 0})
        records: dict[int, list[tuple[int, bytes, bytes]]] = {0: [], 1: []}
        while sum(map(len, records.values())) < 2000 - 5:
            for block in reader.poll(1.0):
                columns_of_block = (block.offsets.tolist(), block.keys.to_pylist(), block.values.to_pylist())
                records[block.partition] += zip(*columns_of_block, strict=True)
        readings.append(records)
        reader.close()
    assert readings[0] == readings[1]


def test_the_installed_client_reads_batches_as_columns(settings: KafkaSettings, new_topic: NewTopic) -> None:
    """If an upgrade of the client changes what the hook rests on, this fails before the gate becomes slow."""
    topic = new_topic(1)
    write(settings, topic, *[(b"k", b"v")] * 100)
    reader = KafkaContentReader(settings, topic)
    reader.assign({0: 0})
    polled: dict[TopicPartition, list[object]] = {}
    while not polled:
        polled = reader._consumer.poll(timeout_ms=500)
    [records] = polled.values()
    assert all(isinstance(record.value, RecordColumns) for record in records)
    reader.close()


def test_large_polls_are_handed_out_in_parts(settings: KafkaSettings, new_topic: NewTopic) -> None:
    """A block stays below the size an Arrow array can hold."""
    topic = new_topic(1)
    write(settings, topic, *[(b"k", b"v" * 1000) for _ in range(3000)])
    consumer = open_consumer(settings, "test", "read_committed")
    tp = TopicPartition(topic, 0)
    consumer.assign([tp])
    consumer.seek(tp, 0)
    polled: dict[TopicPartition, list[object]] = {}
    while not polled:
        polled = consumer.poll(timeout_ms=500)
    consumer.close()
    blocks = content_blocks(polled, block_bytes_max=100_000)
    assert max(block.bytes_total for block in blocks) <= 100_000
    assert offsets_of(blocks) == [o for batch in columns(polled[tp]) for o in batch.offsets]


def test_what_a_poll_hands_out_is_bounded_in_bytes(
    opened: Opened, settings: KafkaSettings, new_topic: NewTopic
) -> None:
    """However well it compresses: polls follow the size of the batches that came before."""
    topic = new_topic(1)
    write(settings, topic, *[(b"k", b"x" * 10_000) for _ in range(4000)])  # 40 MB, a few KB on the wire
    reader = opened(topic, poll_bytes_max=2 * 2**20)
    reader.assign({0: 0})
    polls: list[int] = []
    rows = 0
    while rows < 4000:
        blocks = reader.poll(1.0)
        rows += sum(map(len, blocks))
        polls.append(sum(block.bytes_total for block in blocks))
    assert sum(polls) == 4000 * 10_001
    assert max(polls[1:]) <= 4 * 2**20


def test_keys_go_to_the_partition_that_every_kafka_producer_chooses(
    settings: KafkaSettings, new_topic: NewTopic
) -> None:
    """murmur2 as in Kafka's own client: an asset's events stay in one partition, whoever writes them."""
    writer = KafkaLogWriter(settings, new_topic(6))
    for key, murmur2 in [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)]:
        [appended] = writer.append([(key, b"{}")])
        assert appended.partition == (murmur2 & 0x7FFFFFFF) % 6
    writer.close()


class Member:
    """A worker's side of the group: notes what it was told, reads from positions kept in a shared table."""

    def __init__(self, name: str, reader: KafkaContentReader, table: dict[int, int], told: list) -> None:
        self.name, self.reader, self.table, self.told = name, reader, table, told
        self.owned: set[int] = set()
        self.values: list[bytes] = []
        reader.subscribe(self.on_assigned, self.on_revoked)

    def on_assigned(self, partitions: frozenset[int]) -> dict[int, int]:
        self.told.append((self.name, "assigned", partitions))
        self.owned |= partitions
        return {p: self.table[p] for p in partitions}

    def on_revoked(self, partitions: frozenset[int]) -> None:
        self.told.append((self.name, "revoked", partitions))
        self.owned -= partitions

    def step(self) -> None:
        for block in self.reader.poll(0.1):
            self.values += block.values.to_pylist()
            self.table[block.partition] = int(block.offsets[-1]) + 1  # "committed"


def until(done: Callable[[], bool], *members: Member) -> None:
    for _ in range(200):
        if done():
            return
        for member in members:
            member.step()
    raise AssertionError([(m.name, m.owned) for m in members])


def test_a_group_hands_partitions_over_without_losing_or_repeating(
    opened: Opened, settings: KafkaSettings, new_topic: NewTopic
) -> None:
    """One worker, then two, then one again: revoked before assigned, and every record read exactly once."""
    topic = new_topic(4)
    table, told = dict.fromkeys(range(4), 0), []
    sent = [b"%d" % n for n in range(300)]
    write(settings, topic, *[(v, v) for v in sent[:100]])
    first = Member("first", opened(topic), table, told)
    until(lambda: len(first.values) == 100, first)
    second = Member("second", opened(topic), table, told)
    until(lambda: len(first.owned) == len(second.owned) == 2, first, second)
    assert first.owned | second.owned == {0, 1, 2, 3}
    write(settings, topic, *[(v, v) for v in sent[100:200]])
    until(lambda: len(first.values + second.values) >= 200, first, second)
    second.reader.close()
    until(lambda: len(first.owned) == 4, first)
    write(settings, topic, *[(v, v) for v in sent[200:]])
    until(lambda: len(first.values + second.values) >= 300, first)

    assert sorted(first.values + second.values) == sorted(sent)
    owner: dict[int, str] = {}
    for name, what, partitions in told:
        for partition in partitions:
            if what == "assigned":
                assert owner.setdefault(partition, name) == name, f"{name} got {partition} before it was revoked"
            else:
                assert owner.pop(partition) == name


def test_a_worker_that_was_away_too_long_is_told_that_its_partitions_are_gone(
    opened: Opened, new_topic: NewTopic, settings: KafkaSettings
) -> None:
    """A worker that wakes after its successor took over learns it before it reads on."""
    topic = new_topic(2)
    table, told = dict.fromkeys(range(2), 0), []
    asleep = Member("asleep", opened(topic, poll_interval_max_s=1.5, session_timeout_s=1.5), table, told)
    until(lambda: len(asleep.owned) == 2, asleep)
    successor = Member("successor", opened(topic), table, told)
    until(lambda: len(successor.owned) == 2, successor)  # `asleep` does not poll: it is thrown out
    write(settings, topic, *[(b"%d" % n, b"%d" % n) for n in range(50)])
    until(lambda: len(successor.values) == 50, successor)
    until(lambda: ("asleep", "revoked", frozenset({0, 1})) in told, asleep, successor)
    assert asleep.values == []

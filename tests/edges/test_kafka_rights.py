"""The rights log on a real broker: the barrier sees what read-committed readers do not, and refuses unsafe topics."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from gatekeeper.edges.kafka_admin import TopicAdmin
from gatekeeper.edges.kafka_rights import KafkaRightsReader
from gatekeeper.edges.kafka_settings import KafkaSettings
from gatekeeper.edges.kafka_writer import KafkaLogWriter
from gatekeeper.errors import Unavailable, UnsafeLog
from tests.edges.conftest import RIGHTS_CONFIGS, recreate, spec
from tests.support.broker import Broker

NewTopic = Callable[..., str]
Transactions = Callable[[], KafkaProducer]


@pytest.fixture
def rights_topic(new_topic: NewTopic) -> str:
    return new_topic(1, RIGHTS_CONFIGS)


@pytest.fixture
def writer(settings: KafkaSettings, rights_topic: str) -> Iterator[KafkaLogWriter]:
    opened = KafkaLogWriter(settings, rights_topic)
    yield opened
    opened.close()


@pytest.fixture
def reader(settings: KafkaSettings, rights_topic: str) -> Iterator[KafkaRightsReader]:
    opened = KafkaRightsReader(settings, rights_topic)
    yield opened
    opened.close()


def test_an_acknowledged_withdrawal_behind_an_open_transaction_stops_every_decision(
    reader: KafkaRightsReader, writer: KafkaLogWriter, rights_topic: str, transactions: Transactions
) -> None:
    """Read-committed ends before it, as if it were not there; the end shows it, and reading up to the end refuses."""
    writer.append([(None, b"consent")])
    assert len(reader.read(0, reader.end())) == 1
    writer.append([(None, b"dispute")])
    open_one = transactions()
    open_one.begin_transaction()
    open_one.send(rights_topic, b"in the transaction").get(10)
    writer.append([(None, b"withdrawal")])  # plain, acknowledged

    assert reader.stable_end() == 2
    assert reader.end() == 4
    with pytest.raises(Unavailable, match="last stable offset is 2"):
        reader.read(1, reader.end())

    open_one.abort_transaction()  # what the refused read had already fetched comes again
    assert [(r.position, r.value) for r in reader.read(1, reader.end())] == [(1, b"dispute"), (3, b"withdrawal")]


def test_an_aborted_transaction_leaves_a_gap_and_no_record(
    reader: KafkaRightsReader, writer: KafkaLogWriter, rights_topic: str, transactions: Transactions
) -> None:
    """Aborted records and control records take offsets; nothing is lost and nothing is waited for."""
    aborted = transactions()
    aborted.begin_transaction()
    for value in (b"never", b"said"):
        aborted.send(rights_topic, value).get(10)
    aborted.abort_transaction()
    writer.append([(None, b"said")])
    committed = transactions()
    committed.begin_transaction()
    committed.send(rights_topic, b"said in a transaction").get(10)
    committed.commit_transaction()

    end = reader.end()
    assert end == 6  # two aborted, marker, one plain, one committed, marker
    assert [(r.position, r.value) for r in reader.read(0, end)] == [(3, b"said"), (4, b"said in a transaction")]
    assert reader.read(5, end) == []  # the tail is a control record


def test_a_record_without_a_value_is_handed_on(reader: KafkaRightsReader, broker: Broker, rights_topic: str) -> None:
    """A null value is an unreadable rights event, not one to skip."""
    producer = KafkaProducer(bootstrap_servers=broker.servers)
    producer.send(rights_topic, value=None, key=b"party:p1").get(10)
    producer.close()
    [record] = reader.read(0, reader.end())
    assert record.value is None


def test_arrival_times_are_the_brokers_or_none(settings: KafkaSettings, new_topic: NewTopic) -> None:
    """A producer's own timestamp is no arrival time: it may say anything."""
    arrived = []
    for configs in ({"message.timestamp.type": "LogAppendTime"}, {"message.timestamp.type": "CreateTime"}):
        topic = new_topic(1, RIGHTS_CONFIGS | configs)
        writer, reader = KafkaLogWriter(settings, topic), KafkaRightsReader(settings, topic)
        writer.append([(None, b"x")])
        arrived.append(reader.read(0, 1)[0].arrived_us)
        writer.close()
        reader.close()
    assert arrived[0] is not None
    assert arrived[0] > 1_700_000_000_000_000
    assert arrived[1] is None


def test_a_topic_made_anew_is_refused(
    reader: KafkaRightsReader, writer: KafkaLogWriter, rights_topic: str, topic_admin: TopicAdmin
) -> None:
    """The same name and the same length do not make it the same log."""
    writer.append([(None, b"old")])
    assert len(reader.read(0, 1)) == 1
    recreate(topic_admin, spec(rights_topic, 1, RIGHTS_CONFIGS))
    writer.append([(None, b"new"), (None, b"log")])
    with pytest.raises(UnsafeLog, match="not the one it was"):
        reader.identity()
    with pytest.raises(UnsafeLog, match="not the one it was"):
        reader.read(1, 2)


def test_an_end_that_falls_is_refused(
    reader: KafkaRightsReader, writer: KafkaLogWriter, rights_topic: str, topic_admin: TopicAdmin
) -> None:
    """Rights events that were seen and are no longer there were lost."""
    writer.append([(None, b"one"), (None, b"two")])
    assert reader.end() == 2
    recreate(topic_admin, spec(rights_topic, 1, RIGHTS_CONFIGS))
    with pytest.raises(UnsafeLog, match="ended at 2 and now ends at 0"):
        reader.end()


@pytest.mark.parametrize(
    ("partitions", "configs", "development", "said"),
    [
        pytest.param(2, {}, True, "partitions is 2", id="two partitions have no order"),
        pytest.param(1, {"cleanup.policy": "compact"}, True, "cleanup.policy=delete", id="compaction forgets"),
        pytest.param(1, {"retention.ms": "604800000"}, True, "retention.ms=-1", id="time forgets"),
        pytest.param(1, {"retention.bytes": "1000000"}, True, "retention.bytes=-1", id="size forgets"),
        pytest.param(1, {}, False, "min.insync.replicas=2", id="one replica is one disk"),
        pytest.param(
            1,
            {"unclean.leader.election.enable": "true"},
            False,
            "unclean.leader.election.enable=false",
            id="an unclean leader forgets",
        ),
    ],
)
def test_a_topic_that_may_forget_is_refused_with_the_command_that_mends_it(
    settings: KafkaSettings,
    new_topic: NewTopic,
    partitions: int,
    configs: dict[str, str],
    development: bool,
    said: str,
) -> None:
    """Design §5: one partition, delete, infinite retention; outside development also replicated and clean."""
    reader = KafkaRightsReader(settings, new_topic(partitions, RIGHTS_CONFIGS | configs))
    with pytest.raises(UnsafeLog) as refused:
        reader.check(development)
    assert said in str(refused.value)
    reader.close()


def test_a_log_whose_start_is_gone_is_refused(
    reader: KafkaRightsReader, writer: KafkaLogWriter, rights_topic: str, broker: Broker
) -> None:
    """The first statements are as much part of the state as the last."""
    writer.append([(None, b"one"), (None, b"two")])
    admin = KafkaAdminClient(bootstrap_servers=broker.servers)
    admin.delete_records({TopicPartition(rights_topic, 0): 1})
    admin.close()
    with pytest.raises(UnsafeLog, match="log start offset is 1"):
        reader.check(development=True)
    with pytest.raises(UnsafeLog):
        reader.read(0, 2)


def test_reading_in_pieces_with_large_batches_loses_nothing(reader: KafkaRightsReader, writer: KafkaLogWriter) -> None:
    """Pieces end inside batches; what was fetched beyond a piece comes with the next."""
    count = 20_000
    writer.append((None, b"%d" % n) for n in range(count))
    positions: list[int] = []
    at = 0
    while at < count:
        to = min(at + 777, count)
        positions += [r.position for r in reader.read(at, to)]
        at = to
    assert positions == list(range(count))

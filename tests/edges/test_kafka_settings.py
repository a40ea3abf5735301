"""Kafka settings refuse what would break a promise, and errors of the client become ours."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kafka import errors as kafka

from gatekeeper.edges.kafka_admin import TopicAdmin
from gatekeeper.edges.kafka_errors import kafka_calls
from gatekeeper.edges.kafka_rights import KafkaRightsReader
from gatekeeper.edges.kafka_settings import KafkaSettings, open_consumer
from gatekeeper.edges.kafka_writer import KafkaLogWriter
from gatekeeper.errors import BadInput, Bug, GatekeeperError, Unavailable, UnsafeLog
from tests.support.broker import Broker


@pytest.mark.parametrize(
    "name", ["isolation_level", "auto_offset_reset", "enable_auto_commit", "group_id", "acks", "ssl_cafil", "no_such"]
)
def test_an_option_that_is_ours_or_nobodys_is_refused(name: str) -> None:
    """Isolation, resets and acknowledgements are not up to a configuration file; a typo is not ignored."""
    with pytest.raises(BadInput, match=name):
        KafkaSettings(("localhost:9092",), {name: "x"})


def test_no_broker_is_refused() -> None:
    """An empty list, or a string where a list belongs."""
    for servers in ((), "localhost:9092"):
        with pytest.raises(BadInput):
            KafkaSettings(servers)  # type: ignore[arg-type]


def sasl(broker: Broker, password: str) -> KafkaSettings:
    options = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "gate",
        "sasl_plain_password": password,
    }
    return KafkaSettings((broker.sasl_servers,), options, connect_timeout_s=3.0)


def test_wrong_credentials_are_unavailable_and_point_at_the_credentials(broker: Broker) -> None:
    """Not just "broker down": whoever reads the message knows to look at the options, too."""
    with pytest.raises(Unavailable, match="sasl_"):
        TopicAdmin(sasl(broker, "wrong"), "test")


def test_credentials_reach_every_client(broker: Broker, new_topic: Callable[..., str]) -> None:
    """Writer, readers and admin all pass the options through."""
    settings, topic = sasl(broker, "sesame"), new_topic(1)
    writer = KafkaLogWriter(settings, topic)
    assert writer.append([(None, b"hello")]) == [(0, 0, 0, 1)]
    rights = KafkaRightsReader(settings, topic)
    assert [r.value for r in rights.read(0, rights.end())] == [b"hello"]
    for client in (writer, rights):
        client.close()


def test_a_broker_that_is_not_there_is_unavailable() -> None:
    """Said within the connect timeout, with the address."""
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"):
        open_consumer(KafkaSettings(("127.0.0.1:1",), connect_timeout_s=0.3), "test", "read_committed")


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (kafka.OffsetOutOfRangeError({}), UnsafeLog),
        (kafka.NoOffsetForPartitionError(), UnsafeLog),
        (kafka.LogTruncationError({}), UnsafeLog),
        (kafka.CorruptRecordError(), UnsafeLog),
        (kafka.MessageSizeTooLargeError(), BadInput),
        (kafka.TopicAuthorizationFailedError(), Unavailable),
        (kafka.UnknownTopicOrPartitionError(), Unavailable),
        (kafka.KafkaTimeoutError(), Unavailable),
        (KeyError("inside the client"), Unavailable),
        (OSError("socket"), Unavailable),
        (Bug("ours"), Bug),
    ],
)
def test_no_exception_of_the_client_escapes(raised: Exception, expected: type[GatekeeperError]) -> None:
    """Each becomes an error that says who must act; ours pass unchanged."""
    with pytest.raises(expected) as caught, kafka_calls("do it"):
        raise raised
    assert caught.value is raised or caught.value.do

"""A broker that dies, hangs or restarts: an error that says wait, then everything that was acknowledged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gatekeeper.edges.kafka_admin import TopicAdmin
from gatekeeper.edges.kafka_content import KafkaContentReader
from gatekeeper.edges.kafka_rights import KafkaRightsReader
from gatekeeper.edges.kafka_settings import KafkaSettings
from gatekeeper.edges.kafka_writer import KafkaLogWriter
from gatekeeper.errors import Unavailable
from tests.edges.conftest import RIGHTS_CONFIGS, spec
from tests.edges.test_logs_contract import poll_in_vain, poll_until, values_of
from tests.support.broker import Broker


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker of this file's own, to be killed."""
    broker = Broker(tmp_path_factory.mktemp("mortal"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def impatient(mortal: Broker) -> KafkaSettings:
    return KafkaSettings(
        (mortal.servers,),
        {"retry_backoff_ms": 50},
        session_timeout_s=6.0,
        heartbeat_s=0.5,
        request_timeout_s=1.0,
        connect_timeout_s=5.0,
        stall_s=2.0,
        stable_wait_s=1.0,
        append_timeout_s=5.0,
    )


def ready(settings: KafkaSettings, topic: str, partitions: int = 1) -> KafkaLogWriter:
    admin = TopicAdmin(settings, "tests")
    admin.create(spec(topic, partitions, RIGHTS_CONFIGS))
    admin.close()
    return KafkaLogWriter(settings, topic)


def test_while_the_broker_is_dead_nothing_is_known_and_afterwards_everything(
    mortal: Broker, impatient: KafkaSettings
) -> None:
    """kill -9: ends, reads and polls are Unavailable, not empty; after a restart the same readers go on."""
    writer = ready(impatient, "killed")
    writer.append([(None, b"before 0"), (None, b"before 1")])
    rights, content = KafkaRightsReader(impatient, "killed"), KafkaContentReader(impatient, "killed")
    content.subscribe(lambda _: {0: 0}, lambda _: None)
    assert len(rights.read(0, rights.end())) == 2
    assert values_of(poll_until(content, 2)) == [b"before 0", b"before 1"]

    mortal.kill()
    with pytest.raises(Unavailable):
        rights.end()
    with pytest.raises(Unavailable):
        rights.read(0, 2)
    with pytest.raises(Unavailable):
        poll_in_vain(content)
    with pytest.raises(Unavailable):
        writer.append([(None, b"into the void")])

    mortal.restart()
    writer.close()
    writer = KafkaLogWriter(impatient, "killed")
    [appended] = writer.append([(None, b"after")])
    assert appended.last >= 2
    assert values_of(poll_until_value(content, b"after"))[-1] == b"after"
    end = eventually(rights.end)
    assert end == appended.last + 1
    assert [r.value for r in eventually(lambda: rights.read(0, end))][:2] == [b"before 0", b"before 1"]
    for client in (writer, rights, content):
        client.close()


def test_a_broker_that_hangs_is_unavailable_within_the_request_timeout(
    mortal: Broker, impatient: KafkaSettings
) -> None:
    """SIGSTOP: connections stay open and nothing answers; the barrier does not wait for ever."""
    writer = ready(impatient, "hung")
    writer.append([(None, b"one")])
    rights = KafkaRightsReader(impatient, "hung")
    assert rights.end() == 1
    mortal.pause()
    try:
        with pytest.raises(Unavailable):
            rights.end()
    finally:
        mortal.resume()
    assert eventually(rights.end) == 1
    assert [r.value for r in eventually(lambda: rights.read(0, 1))] == [b"one"]
    for client in (writer, rights):
        client.close()


def test_a_reader_survives_a_restart_without_an_error_in_between(mortal: Broker, impatient: KafkaSettings) -> None:
    """An orderly restart between two polls: nothing lost, nothing twice."""
    writer = ready(impatient, "restarted")
    writer.append([(None, b"%d" % n) for n in range(100)])
    content = KafkaContentReader(impatient, "restarted")
    content.assign({0: 0})
    before = values_of(poll_until(content, 100))
    mortal.restart()
    writer.close()
    writer = KafkaLogWriter(impatient, "restarted")
    writer.append([(None, b"%d" % n) for n in range(100, 200)])
    after = values_of(poll_until_value(content, b"199"))
    assert before + after == [b"%d" % n for n in range(200)]
    for client in (writer, content):
        client.close()


def eventually(call):
    """A client may need a few tries to find the broker again; each failed one must be Unavailable."""
    for _ in range(50):
        try:
            return call()
        except Unavailable:
            continue
    return call()


def poll_until_value(reader: KafkaContentReader, value: bytes) -> list:
    blocks = []
    for _ in range(200):
        blocks += eventually(lambda: reader.poll(0.2))
        if value in values_of(blocks):
            return blocks
    raise AssertionError(f"{value!r} did not come")

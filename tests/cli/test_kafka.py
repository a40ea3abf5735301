"""The same commands on a real broker."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

import gatekeeper
from gatekeeper.core.topics import TopicSpec
from gatekeeper.edges.kafka_admin import TopicAdmin
from gatekeeper.edges.kafka_settings import KafkaSettings
from tests.cli.conftest import Desk, event, lines, published
from tests.support.broker import Broker
from tests.support.s3 import S3Server

PARTITIONS = 2
FOREVER = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
}


@dataclass
class Topics:
    servers: str
    content: str
    rights: str

    def records(self, topic: str) -> list[tuple[int, bytes | None, bytes]]:
        """Partition, key and value of everything on a topic."""
        consumer = KafkaConsumer(bootstrap_servers=self.servers, enable_auto_commit=False)
        places = [TopicPartition(topic, p) for p in range(PARTITIONS if topic == self.content else 1)]
        consumer.assign(places)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(places)
        found = []
        while any(consumer.position(place) < end for place, end in ends.items()):
            for batch in consumer.poll(timeout_ms=1000).values():
                found += [(record.partition, record.key, record.value) for record in batch]
        consumer.close()
        return found


@pytest.fixture(scope="module")
def topics(broker: Broker) -> Iterator[Topics]:
    name = uuid.uuid4().hex[:8]
    made = Topics(broker.servers, f"content-{name}", f"rights-{name}")
    admin = TopicAdmin(KafkaSettings((broker.servers,)), "tests")
    admin.create(TopicSpec(made.content, "", "tests", None, PARTITIONS, 1, {}, {}, {}))
    admin.create(TopicSpec(made.rights, "", "tests", None, 1, 1, {}, FOREVER, {}))
    yield made
    admin.close()


@pytest.fixture(scope="module")
def kafka_desk(topics: Topics, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A workspace whose logs are topics; five assets, one record with a wrong key; drained."""
    desk = Desk(tmp_path_factory.mktemp("kafka") / "workspace")
    assert desk.run("init", "--bare", desk.root, workspace=False).code == 0
    kafka = {"bootstrap_servers": topics.servers, "content_topic": topics.content, "rights_topic": topics.rights}
    desk.write(
        "gatekeeper.yaml",
        json.dumps({"log": "kafka", "kafka": {**kafka, "group": topics.content, "development": True}}),
    )
    desk.dataset("d", "service")
    desk.ok("apply")
    terms = {"terms_id": "t", "effective_from": "2024-01-01T00:00:00Z", "acceptance": "continued_use"}
    desk.ok(
        "rights", "append", "-", stdin=lines(event("rights.terms.published", **terms, grants={"service": "permit"}))
    )
    desk.ok("content", "append", "-", stdin=lines(*(published(f"a{n}") for n in range(5))))
    producer = KafkaProducer(bootstrap_servers=topics.servers, acks="all")
    producer.send(topics.content, key=b"other", value=published("lost").encode()).get(30)
    producer.close()
    desk.ok("gate", "--drain")
    return desk


def test_a_broker_that_is_not_there_is_unavailable(bare: Desk) -> None:
    """Exit 3 and what to do; nothing is decided."""
    config = {"log": "kafka", "kafka": {"bootstrap_servers": "127.0.0.1:1", "development": True}}
    bare.write("gatekeeper.yaml", json.dumps(config))
    answer = bare.run("decide", "-", stdin=lines(published()))
    assert (answer.code, answer.out) == (3, "")
    assert "127.0.0.1:1" in answer.err


def test_an_option_that_correctness_rests_on_cannot_be_set(bare: Desk) -> None:
    """Isolation and offsets are not the operator's to choose."""
    options = {"isolation_level": "read_uncommitted"}
    config = {"log": "kafka", "kafka": {"bootstrap_servers": "127.0.0.1:1", "options": options}}
    bare.write("gatekeeper.yaml", json.dumps(config))
    answer = bare.run("status")
    assert (answer.code, "isolation_level" in answer.err) == (2, True)


def test_content_is_keyed_by_its_asset(kafka_desk: Desk, topics: Topics) -> None:
    """Each record's key is its asset id, so that one asset has one order."""
    sent = [(key, json.loads(value)["data"]["asset_id"]) for _, key, value in topics.records(topics.content)]
    ours = [(key, asset) for key, asset in sent if key != b"other"]
    assert {asset for _, asset in ours} >= {"a0", "a1", "a2", "a3", "a4"}
    assert all(key == asset.encode() for key, asset in ours)
    assert kafka_desk.ok("status", "--json").json["lag"] == 0


def test_status_counts_every_partition(kafka_desk: Desk, topics: Topics) -> None:
    """The ends of both partitions add up to what is on the topic; what retention keeps beyond the lag is told."""
    found = kafka_desk.ok("status", "--json").json
    assert len(found["content"]) == PARTITIONS
    assert sum(p["end"] for p in found["content"]) == sum(p["room"] for p in found["content"])
    assert sum(p["end"] for p in found["content"]) == len(topics.records(topics.content))
    assert found["datasets"][0]["verdicts"] == {"permit": 5}


def test_decide_reads_the_rights_topic_and_writes_nothing(kafka_desk: Desk, topics: Topics) -> None:
    """Position and answer are those of the topic."""
    before = topics.records(topics.rights)
    found = kafka_desk.ok("decide", "-", stdin=lines(published("new"))).json
    assert (found["reason"], found["rights_position"]) == ("terms.permit", len(before))
    assert topics.records(topics.rights) == before


def test_a_record_with_a_wrong_key_is_replayed_under_its_own(kafka_desk: Desk, topics: Topics) -> None:
    """The dead letter's bytes come again, keyed by their asset, and the gate decides them."""
    letter = kafka_desk.ok("dead-letters", "list", "--json").json["dead_letters"][0]
    assert (letter["reason"], letter["key"]) == ("key_mismatch", "other")
    done = kafka_desk.ok("dead-letters", "replay", "--reason", "key_mismatch", "--json").json
    assert done["appended"] == [f"{letter['partition']}:{letter['offset']}"]
    assert (b"lost", letter["value"].encode()) in [(key, value) for _, key, value in topics.records(topics.content)]
    kafka_desk.ok("gate", "--drain")
    assert kafka_desk.ok("explain", "--dataset", "d", "lost", "--json").json["recorded"]["verdict"] == "permit"
    assert kafka_desk.ok("dead-letters", "replay", "--all", "--json").json["appended"] == []


def test_a_withdrawal_on_the_broker_reaches_releases_in_a_bucket(kafka_desk: Desk, s3: S3Server) -> None:
    """Sweep, recall and the loader; its clock starts with the broker's time, whatever the event says of itself."""
    place = f"s3://{s3.bucket()}/releases"
    settings = json.loads((kafka_desk.root / "gatekeeper.yaml").read_text())
    kafka_desk.write("gatekeeper.yaml", json.dumps(settings | {"releases": {"uri": place, "options": s3.options}}))
    kafka_desk.dataset("d", "service", approval="none")
    kafka_desk.ok("apply")
    for step in (("build", "d", "--version", "1"), ("check", "d@1"), ("publish", "d@1")):
        kafka_desk.ok(*step)
    said = {"speaker": "account:nina", "subject": "asset:a3", "purposes": ["service"]}
    withdrawn = event("rights.consent.withdrawn", kafka_desk.now, **said)
    kafka_desk.ok("rights", "append", "-", stdin=lines(withdrawn))
    kafka_desk.ok("sweep")
    [told] = kafka_desk.ok("recall", "--json").json["releases"]
    assert (told["reasons"], told["files"]) == ({"consent.withdrawn": 1}, ["0001.json"])
    rows = gatekeeper.load("d@1", root=place, options=s3.options, recalled="filter").to_table()
    assert set(rows["asset_id"].to_pylist()) - {"lost"} == {"a0", "a1", "a2", "a4"}
    [clock, *_] = kafka_desk.ok("withdrawals", "--json").json["clocks"]
    assert (clock["type"], clock["state"], clock["recalls"]) == ("rights.consent.withdrawn", "done", ["d@1"])
    assert clock["acknowledged"] > kafka_desk.now
    [life] = kafka_desk.ok("trace", "a3", "--json").json["assets"]
    assert life["releases"][0]["recall"] == "0001.json"

"""An asset with events in two partitions is held: nobody can say which event is its latest (design §5). Real topics."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pytest
from kafka import KafkaProducer

from gatekeeper.core.partitioning import PARTITIONERS
from gatekeeper.core.topics import TopicSpec
from gatekeeper.edges.kafka_admin import TopicAdmin
from gatekeeper.edges.kafka_settings import KafkaSettings
from tests.cli.conftest import published
from tests.support.broker import Broker
from tests.support.gate_runs import Runs

pytestmark = pytest.mark.kafka

BOTH = frozenset({0, 1})
HELD, PERMITTED = ("hold", "evidence.conflicting"), ("permit", "terms.permit")
FOREVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}


@dataclass
class KafkaRuns(Runs):
    """The same workspace on two topics of its own; ``partitioner`` is what its producers are said to use."""

    servers: str = ""
    partitioner: str = "murmur2"
    name: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def __post_init__(self) -> None:
        admin = TopicAdmin(KafkaSettings((self.servers,)), "tests")
        admin.create(TopicSpec(f"content-{self.name}", "", "tests", None, 2, 1, {}, {}, {}))
        admin.create(TopicSpec(f"rights-{self.name}", "", "tests", None, 1, 1, {}, FOREVER, {}))
        admin.close()
        self.producer = KafkaProducer(bootstrap_servers=self.servers, acks="all", linger_ms=0)
        super().__post_init__()

    def apply(self) -> None:
        topics = {"content_topic": f"content-{self.name}", "rights_topic": f"rights-{self.name}"}
        kafka = {"bootstrap_servers": self.servers, "group": self.name, "development": True, **topics}
        config = {"log": "kafka", "kafka": kafka | {"partitioner": self.partitioner}}
        (self.root / "gatekeeper.yaml").write_text(json.dumps(config))
        super().apply()

    def _append(self, log: str, values: tuple[str | bytes, ...]) -> int:
        sent = [self.producer.send(f"{log}-{self.name}", value=v.encode()) for v in values if isinstance(v, str)]
        return min(future.get(30).offset for future in sent)

    def home(self, asset: str) -> int:
        return int(PARTITIONERS[self.partitioner](pa.array([asset]), 2)[0])

    def send(self, asset: str, *, astray: bool = False, producer: KafkaProducer | None = None) -> None:
        partition = self.home(asset) ^ astray
        value = published(asset, title="astray" if astray else "at home").encode()
        (producer or self.producer).send(f"content-{self.name}", value, asset.encode(), partition=partition).get(30)


@pytest.fixture(scope="module", params=["murmur2", "crc32"])
def runs(request: pytest.FixtureRequest, broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Assets by how their events came: together in one run, or one each in two runs, in either order."""
    root = tmp_path_factory.mktemp("conflicts") / "ws"
    runs = KafkaRuns(root, servers=broker.servers, partitioner=request.param)
    runs.send("together, home first")
    runs.send("together, home first", astray=True)
    runs.send("together, home last", astray=True)
    runs.send("together, home last")
    runs.send("apart, home first")
    runs.send("apart, home last", astray=True)
    runs.send("always at home")
    runs.send("always astray", astray=True)
    runs.drain(partitions=BOTH)
    assert "apart, home first" in runs.rows()
    assert "apart, home last" in runs.rows()
    runs.send("apart, home first", astray=True)
    runs.send("apart, home last")
    runs.send("always at home")
    runs.send("always astray", astray=True)
    runs.drain(partitions=BOTH)
    yield runs
    runs.producer.close()


CONFLICTING = {"together, home first", "together, home last", "apart, home first", "apart, home last"}


def test_an_asset_in_two_partitions_is_held_for_every_dataset(runs: KafkaRuns) -> None:
    """In either order, in one run or across two; its row is gone."""
    for dataset in runs.datasets:
        assert {asset for asset, said in runs.last(dataset).items() if said == HELD} == CONFLICTING
        assert not CONFLICTING & set(runs.rows(dataset))


def test_an_asset_in_one_partition_is_untouched(runs: KafkaRuns) -> None:
    """Also where that partition is not the one its key belongs in."""
    for dataset in runs.datasets:
        untouched = {asset: said for asset, said in runs.last(dataset).items() if asset not in CONFLICTING}
        assert untouched == {"always at home": PERMITTED, "always astray": PERMITTED}
        assert set(runs.rows(dataset)) == set(untouched)


def test_what_was_held_stays_held(runs: KafkaRuns) -> None:
    """A new event, at home or astray, read by a gate that starts afterwards, does not make the asset unambiguous."""
    runs.send("apart, home first")
    runs.send("together, home last", astray=True)
    runs.drain(partitions=BOTH)
    assert {runs.last()[asset] for asset in CONFLICTING} == {HELD}


def test_two_gates_with_a_partition_each(broker: Broker, tmp_path: Path) -> None:
    """Each sees one event of the asset; whoever commits later knows both, and both end their drain."""
    runs = KafkaRuns(tmp_path / "ws", servers=broker.servers)
    runs.drain(partitions=BOTH)
    assets = [f"asset-{n}" for n in range(6)]
    for asset in assets:
        runs.send(asset)
        runs.send(asset, astray=True)
    gates = [threading.Thread(target=runs.drain, kwargs={"partitions": frozenset({p})}) for p in BOTH]
    for gate in gates:
        gate.start()
    for gate in gates:
        gate.join()
    runs.producer.close()
    assert runs.last() == dict.fromkeys(assets, HELD)
    assert runs.rows() == {}
    assert len(runs.decisions()) == 2 * 2 * len(assets)


def test_a_drain_ends_behind_the_markers_of_transactions(broker: Broker, tmp_path: Path) -> None:
    """Another gate's partition ends with a committed transaction's marker and an aborted one: nothing to wait for."""
    runs = KafkaRuns(tmp_path / "ws", servers=broker.servers)
    asset = next(name for n in range(100) if runs.home(name := f"asset-{n}") == 1)
    producer = KafkaProducer(bootstrap_servers=broker.servers, transactional_id=runs.name)
    producer.init_transactions()
    for end in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        runs.send(asset, producer=producer)
        end()
    runs.drain(partitions=BOTH)
    runs.drain(partitions=frozenset({0}))
    producer.close(timeout=5)
    runs.producer.close()
    assert [row["asset_id"] for row in runs.decisions("radio")] == [asset]

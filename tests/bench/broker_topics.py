"""A broker with the benchmark's topics, filled: content in six partitions, rights in one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka.admin import KafkaAdminClient, NewTopic

import gatekeeper
from gatekeeper.edges.kafka_settings import KafkaSettings
from gatekeeper.edges.kafka_writer import KafkaLogWriter
from gatekeeper.edges.rules_files import read_terms
from gatekeeper.stages.terms import terms_events
from tests.bench.stream import content_event, hit_share, known_subjects, rights_events
from tests.support.broker import Broker

PARTITIONS = 6
CONTENT, RIGHTS = "content", "rights"
_KEPT = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
_HIT_SAMPLE = 5_000
_TERMS = Path(gatekeeper.__file__).parent / "shipped" / "policy" / "terms.yaml"


@dataclass(frozen=True)
class Topics:
    """A running broker and what its topics hold. ``hit_share`` is of subjects looked up; a run below a half is void."""

    servers: str
    folder: Path
    events: int
    rights: int
    hit_share: float
    bytes_per_event: int

    def settings(self, group: str = "bench") -> KafkaSettings:
        return KafkaSettings((self.servers,), group_id=group)


@contextmanager
def filled_topics(folder: Path, events: int) -> Iterator[Topics]:
    broker = Broker(folder / "broker")
    broker.start()
    try:
        yield _fill(broker.servers, folder, events)
    finally:
        broker.stop()


def _fill(servers: str, folder: Path, events: int) -> Topics:
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        arrival = {"message.timestamp.type": "LogAppendTime"}
        admin.create_topics(
            [
                NewTopic(CONTENT, PARTITIONS, 1, topic_configs=_KEPT),
                NewTopic(RIGHTS, 1, 1, topic_configs=_KEPT | arrival),
            ]
        )
    settings = KafkaSettings((servers,))
    rights = list(rights_events(events))
    with closing(KafkaLogWriter(settings, RIGHTS)) as log:
        log.append((None, value) for value in terms_events(read_terms(_TERMS), 0))
        log.append((None, value) for value in rights)
    with closing(KafkaLogWriter(settings, CONTENT)) as log:
        log.append(content_event(number) for number in range(events))
    sample = [content_event(number)[1] for number in range(0, events, max(1, events // _HIT_SAMPLE))]
    share = hit_share(sample, known_subjects(rights))
    assert share >= 0.5, f"only {share:.0%} of the look-ups hit: the run is void"
    return Topics(servers, folder, events, len(rights), share, sum(map(len, sample)) // len(sample))

"""topics.json as values: complete, and strict about what a rights log must keep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper.core.topics import TopicFound, differences, rights_log_faults, topic_specs
from gatekeeper.errors import BadInput

DECLARED = json.loads((Path(__file__).parents[2] / "schemas" / "topics.json").read_text())
RIGHTS = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "unclean.leader.election.enable": "false",
    "min.insync.replicas": "2",
}


def rights(**changes) -> TopicFound:
    configs = {**RIGHTS, **changes.pop("configs", {})}
    return TopicFound(
        **{"partitions": 1, "replication_factor": 3, "configs": configs, "begin_offsets": {0: 0}, **changes}
    )


@pytest.mark.parametrize("field", ["owner", "key", "partitions", "events", "configs", "description"])
def test_a_topic_declared_without_a_field_is_refused(field: str) -> None:
    """An owner or a retention that nobody wrote down is not a default."""
    entry = {k: v for k, v in DECLARED["topics"][0].items() if k != field}
    with pytest.raises(BadInput, match=f"content.*{field}"):
        topic_specs({"topics": [entry]})


def test_a_topic_declared_twice_or_none_is_refused() -> None:
    """Which of the two would count?"""
    for topics in ([], [DECLARED["topics"][0]] * 2):
        with pytest.raises(BadInput, match="twice"):
            topic_specs({"topics": topics})


def test_the_declared_rights_topic_may_carry_decisions() -> None:
    """What we declare passes what we check, in production and in development."""
    spec = next(s for s in topic_specs(DECLARED) if s.topic == "rights")
    found = TopicFound(spec.partitions, spec.replication_factor, spec.configs, {0: 0})
    assert rights_log_faults("rights", found, "b:9092", development=False) == []
    single = spec.in_development()
    found = TopicFound(single.partitions, single.replication_factor, single.configs, {0: 0})
    assert rights_log_faults("rights", found, "b:9092", development=True) == []


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (rights(partitions=2), "partitions"),
        (rights(begin_offsets={0: 17}), "log start offset"),
        (rights(configs={"cleanup.policy": "compact,delete"}), "cleanup.policy"),
        (rights(configs={"retention.ms": "604800000"}), "retention.ms"),
        (rights(configs={"retention.bytes": "1"}), "retention.bytes"),
        (rights(configs={"unclean.leader.election.enable": "true"}), "unclean.leader.election.enable"),
        (rights(configs={"min.insync.replicas": "1"}), "min.insync.replicas"),
    ],
)
def test_each_way_to_forget_a_right_is_a_fault(found: TopicFound, what: str) -> None:
    """One fault for each, and it says how to mend it or that nothing mends it."""
    [fault] = rights_log_faults("rights", found, "b:9092", development=False)
    assert fault.what == what
    assert fault.mend


def test_replication_is_not_asked_of_a_development_broker() -> None:
    """A single broker cannot have two replicas; everything else holds there, too."""
    found = rights(configs={"min.insync.replicas": "1", "unclean.leader.election.enable": "true"})
    assert rights_log_faults("rights", found, "b:9092", development=True) == []


def test_a_setting_that_is_not_declared_is_no_difference() -> None:
    """Operators may set what we do not name."""
    spec = topic_specs(DECLARED)[0]
    configs = {**spec.configs, "segment.bytes": "1000000"}
    found = TopicFound(spec.partitions, spec.replication_factor, configs, {})
    assert differences(spec, found, "b:9092") == []


def test_every_event_type_stands_on_one_topic() -> None:
    """The types of design §3, each once, each with a major version."""
    specs = topic_specs(DECLARED)
    types = [name for spec in specs for name in spec.events]
    assert len(types) == len(set(types)) == 17
    assert all(majors for spec in specs for majors in spec.events.values())

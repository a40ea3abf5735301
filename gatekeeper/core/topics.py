"""``schemas/topics.json`` as values, and what a topic must keep for decisions to rest on it (design §5).

Rules of this file: pure; a topic that differs from its declaration is described with the command that mends it and
never mended silently; what makes the rights log unsafe is the list in ``rights_log_faults`` and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatekeeper.errors import BadInput

_FOREVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as declared. ``events``: type → major versions that may stand on it; ``key``: the field that is the
    message key, None for none; ``configs``: topic configuration as Kafka spells it.
    """

    topic: str
    description: str
    owner: str
    key: str | None
    partitions: int
    replication_factor: int
    events: Mapping[str, tuple[int, ...]]
    configs: Mapping[str, str]
    development: Mapping[str, Any]

    def in_development(self) -> TopicSpec:
        """The same topic for a single broker, where nothing can be replicated."""
        replication = self.development.get("replication_factor", self.replication_factor)
        configs = {**self.configs, **self.development.get("configs", {})}
        return TopicSpec(
            self.topic, self.description, self.owner, self.key, self.partitions, replication, self.events, configs, {}
        )


@dataclass(frozen=True, slots=True)
class TopicFound:
    """A topic as a broker describes it; ``begin_offsets`` per partition."""

    partitions: int
    replication_factor: int
    configs: Mapping[str, str]
    begin_offsets: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """Declared and found do not agree. ``mend`` is a command, or says why there is none."""

    topic: str
    what: str
    declared: str
    found: str
    mend: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.what} is {self.found}, declared {self.declared}; {self.mend}"


def topic_specs(document: Mapping[str, Any]) -> tuple[TopicSpec, ...]:
    """The parsed topics.json → specs in its order. Raises BadInput naming the topic and what is missing."""
    specs = tuple(_spec(entry) for entry in document.get("topics", ()))
    names = [spec.topic for spec in specs]
    if not specs or len(set(names)) != len(names):
        raise BadInput("topics.json declares no topic, or one twice", "declare each topic once under `topics`")
    return specs


def _spec(entry: Mapping[str, Any]) -> TopicSpec:
    try:
        return TopicSpec(
            topic=entry["topic"],
            description=entry["description"],
            owner=entry["owner"],
            key=entry["key"],
            partitions=int(entry["partitions"]),
            replication_factor=int(entry["replication_factor"]),
            events={name: tuple(majors) for name, majors in entry["events"].items()},
            configs={name: str(value) for name, value in entry["configs"].items()},
            development=entry.get("development", {}),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"topics.json: topic {entry.get('topic', '?')}: {error!r}", "declare every field") from error


def differences(spec: TopicSpec, found: TopicFound, servers: str) -> list[Difference]:
    """What ``found`` has that ``spec`` does not declare so. Settings that are not declared are nobody's business."""
    result = []
    if found.partitions != spec.partitions:
        # More partitions would send an asset's next event to another partition than its last.
        mend = "partitions cannot be changed under a running gate: copy into a new topic"
        result.append(Difference(spec.topic, "partitions", str(spec.partitions), str(found.partitions), mend))
    if found.replication_factor != spec.replication_factor:
        mend = "mend with kafka-reassign-partitions.sh"
        result.append(
            Difference(
                spec.topic, "replication factor", str(spec.replication_factor), str(found.replication_factor), mend
            )
        )
    for name, declared in spec.configs.items():
        actual = found.configs.get(name, "unset")
        if actual != declared:
            mend = f"mend: {alter_command(servers, spec.topic, {name: declared})}"
            result.append(Difference(spec.topic, name, declared, actual, mend))
    return result


def rights_log_faults(topic: str, found: TopicFound, servers: str, development: bool) -> list[Difference]:
    """Why decisions may not rest on this rights log (design §5); empty when they may."""
    faults = []
    if found.partitions != 1:
        mend = "an order over several partitions does not exist: copy into a topic with one"
        faults.append(Difference(topic, "partitions", "1", str(found.partitions), mend))
    begin = max(found.begin_offsets.values(), default=0)
    if begin != 0:
        mend = "the first statements are gone: restore them into a new topic, in order"
        faults.append(Difference(topic, "log start offset", "0", str(begin), mend))
    wanted = _FOREVER if development else {**_FOREVER, "unclean.leader.election.enable": "false"}
    for name, declared in wanted.items():
        if found.configs.get(name) != declared:
            mend = f"mend: {alter_command(servers, topic, {name: declared})}"
            faults.append(Difference(topic, name, declared, found.configs.get(name, "unset"), mend))
    in_sync = int(found.configs.get("min.insync.replicas", "1"))
    if not development and in_sync < 2:
        mend = f"mend: {alter_command(servers, topic, {'min.insync.replicas': '2'})}"
        faults.append(Difference(topic, "min.insync.replicas", "2 or more", str(in_sync), mend))
    return faults


def alter_command(servers: str, topic: str, configs: Mapping[str, str]) -> str:
    pairs = ",".join(f"{name}={value}" for name, value in configs.items())
    return (
        f"kafka-configs.sh --bootstrap-server {servers} --alter --entity-type topics --entity-name {topic} "
        f"--add-config {pairs}"
    )

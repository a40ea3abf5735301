"""Topics are created as declared, twice is once, and nothing that exists is altered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from gatekeeper.core.topics import topic_specs
from gatekeeper.edges.kafka_admin import TopicAdmin, ensure_topics
from gatekeeper.errors import BadInput, Unavailable
from tests.edges.conftest import RIGHTS_CONFIGS, spec
from tests.support.broker import ROOT, Broker

SCRIPT = ROOT / "deploy" / "kafka" / "topics.py"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def test_a_topic_that_is_not_there_is_unavailable_and_says_how_to_create_it(topic_admin: TopicAdmin) -> None:
    """No topic is created by asking for it."""
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"deploy/kafka/topics\.py"):
            topic_admin.identity("never-created")


def test_a_configuration_the_broker_refuses_is_an_error(topic_admin: TopicAdmin) -> None:
    """The topic is not created with a setting less."""
    with pytest.raises((Unavailable, BadInput)):
        topic_admin.create(spec("refused", 1, {"cleanup.policy": "keep"}))
    with pytest.raises(Unavailable):
        topic_admin.identity("refused")


def test_what_differs_is_said_and_left_alone(topic_admin: TopicAdmin, new_topic: Callable[..., str]) -> None:
    """A person decides; running again says the same again."""
    topic = new_topic(2, {"retention.ms": "1000000"})
    declared = spec(topic, 1, RIGHTS_CONFIGS)
    for _ in range(2):
        [ensured] = ensure_topics(topic_admin, [declared])
        assert not ensured.created
        assert [(d.what, d.declared, d.found) for d in ensured.differences] == [
            ("partitions", "1", "2"),
            ("retention.ms", "-1", "1000000"),
        ]
        assert f"--entity-name {topic} --add-config retention.ms=-1" in str(ensured.differences[1])


def test_the_script_creates_the_declared_topics_and_is_safe_to_run_again(
    broker: Broker, topic_admin: TopicAdmin, tmp_path: Path
) -> None:
    """First run creates, second finds all as declared, third sees what somebody changed in between."""
    content, rights = f"content-{tmp_path.name}", f"rights-{tmp_path.name}"
    declared = (ROOT / "schemas" / "topics.json").read_text()
    own = declared.replace('"topic": "content"', f'"topic": "{content}"').replace(
        '"topic": "rights"', f'"topic": "{rights}"'
    )
    (tmp_path / "topics.json").write_text(own)
    command = [sys.executable, str(SCRIPT), "--bootstrap-servers", broker.servers, "--development"]
    command += ["--topics", "topics.json"]

    def run() -> tuple[int, str]:
        ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, check=False)
        return ran.returncode, ran.stdout + ran.stderr

    assert run() == (0, f"{content}: created\n{rights}: created\n")
    assert run() == (0, f"{content}: exists\n{rights}: exists\n")
    resource = ConfigResource(ConfigResourceType.TOPIC, rights, {"retention.ms": "1000"})
    topic_admin._admin.alter_configs([resource])
    code, said = run()
    assert code == 1
    assert f"{rights}: retention.ms is 1000, declared -1; mend: kafka-configs.sh" in said


def test_the_declared_topics_are_what_a_broker_then_has(broker: Broker, topic_admin: TopicAdmin) -> None:
    """Every declared setting is one that a broker knows and keeps."""
    specs = topic_specs(json.loads((ROOT / "schemas" / "topics.json").read_text()))
    for declared in specs:
        alike = spec(f"{declared.topic}-alike", declared.partitions, dict(declared.in_development().configs))
        [ensured] = ensure_topics(topic_admin, [alike])
        assert ensured.created
        assert not ensured.differences
        assert topic_admin.identity(alike.topic).partitions == declared.partitions


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--bootstrap-servers", "127.0.0.1:1", "--timeout", "0.5"], 3),
        (["--bootstrap-servers", "127.0.0.1:1", "--topics", "/no/such/file"], 2),
        ([], 2),
    ],
)
def test_the_script_tells_wrong_use_from_an_absent_broker(arguments: list[str], code: int) -> None:
    """Exit codes as everywhere: 2 wrong use, 3 unavailable."""
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    assert ran.returncode == code, ran.stderr
    assert "Traceback" not in ran.stderr

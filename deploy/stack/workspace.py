"""A workspace on a broker and an S3 server: topics as ``schemas/topics.json`` declares them, lake and releases in
buckets of their own, the shipped policy, terms and datasets on the rights log.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import yaml
from botocore.exceptions import ClientError

from deploy.stack.kafka_broker import KafkaBroker
from deploy.stack.s3_server import S3Server
from gatekeeper.config import CONFIG_FILE
from gatekeeper.core.topics import TopicSpec, topic_specs
from gatekeeper.edges.kafka_admin import TopicAdmin, ensure_topics
from gatekeeper.edges.kafka_settings import KafkaSettings
from gatekeeper.edges.new_workspace import make_workspace
from gatekeeper.edges.rules_files import read_terms
from gatekeeper.stages.terms import terms_events
from gatekeeper.wiring import OpenWorkspace, apply, open_workspace, plan, system_clock_us

TOPICS = Path(__file__).resolve().parents[2] / "schemas" / "topics.json"
LAKE, RELEASES = "gatekeeper-lake", "gatekeeper-releases"


def prepare(root: Path, broker: KafkaBroker, s3: S3Server, *, bare: bool) -> OpenWorkspace:
    """Make what is missing; what is there stays, and gatekeeper.yaml names where the servers are this time. ``bare``:
    the logs stay empty.
    """
    topics = _topics(broker)
    for bucket in (LAKE, RELEASES):
        _bucket(s3, bucket)
    if not (root / CONFIG_FILE).exists():
        make_workspace(root, bare=bare)
    (root / CONFIG_FILE).touch(mode=0o600)
    (root / CONFIG_FILE).write_text(yaml.safe_dump(_config(broker, s3, topics), sort_keys=False))
    opened = open_workspace(root, root, system_clock_us)
    if not bare and opened.rights(opened.policy()).position == 0:
        _first_rights(opened)
    return opened


def _topics(broker: KafkaBroker) -> list[TopicSpec]:
    specs = [spec.in_development() for spec in topic_specs(json.loads(TOPICS.read_text()))]
    admin = TopicAdmin(KafkaSettings((broker.servers,)), "stack")
    try:
        # one machine, two cores: fewer partitions than a platform has
        ensure_topics(admin, [replace(spec, partitions=min(spec.partitions, 2)) for spec in specs])
    finally:
        admin.close()
    return specs


def _bucket(s3: S3Server, name: str) -> None:
    try:
        s3.client().create_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise


def _config(broker: KafkaBroker, s3: S3Server, topics: list[TopicSpec]) -> dict[str, object]:
    return {
        "format": 1,
        "log": "kafka",
        "kafka": {
            "bootstrap_servers": broker.servers,
            **{f"{spec.topic}_topic": spec.topic for spec in topics},
            "development": True,
        },
        "lake": {"uri": f"s3://{LAKE}/lake", "options": s3.lake_options},
        "releases": {"uri": f"s3://{RELEASES}/releases", "options": s3.options},
    }


def _first_rights(opened: OpenWorkspace) -> None:
    """As ``gatekeeper init``: the shipped terms, then policy and declarations."""
    with closing(opened.writer("rights")) as log:
        log.append((None, event) for event in terms_events(read_terms(opened.workspace.terms_file), system_clock_us()))
    apply(opened, plan(opened))

"""Give each principal what kafka-acls.json grants it, and say who has more. Safe to run again.

Grants that exist and are not in the file are never taken away: each is printed, for a person to look at.
Exit code 0: as the file says; 1: somebody has more; 2: wrong use; 3: Kafka is unavailable.

    python deploy/access/kafka_acls.py --bootstrap-servers localhost:9093 --options admin.json
"""

# ruff: noqa: INP001 (a script, not a package)
from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.admin import ACLResourcePatternType as PatternType

from gatekeeper.edges.kafka_errors import kafka_calls
from gatekeeper.edges.kafka_settings import KafkaSettings, open_admin
from gatekeeper.edges.yaml_files import read_yaml
from gatekeeper.errors import BadInput, GatekeeperError

GRANTED = Path(__file__).with_name("kafka-acls.json")
CLUSTER = "kafka-cluster"
EVERYTHING = ACLFilter(
    None, "*", ACLOperation.ANY, ACLPermissionType.ANY, ResourcePatternFilter(ResourceType.ANY, None, PatternType.ANY)
)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap-servers", required=True, help="host:port, several separated by commas")
    parser.add_argument("--acls", type=Path, default=GRANTED, help="the grants, kafka-acls.json")
    parser.add_argument("--options", type=Path, help="JSON file of client options, such as ssl_* and sasl_*")
    parser.add_argument("--prefix", default="", help="stands before every topic's and group's name")
    chosen = parser.parse_args(arguments)
    try:
        return ensure(chosen)
    except GatekeeperError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def ensure(chosen: argparse.Namespace) -> int:
    wanted = list(acls(read_yaml(chosen.acls), chosen.prefix))  # JSON is YAML
    options = read_yaml(chosen.options) if chosen.options else {}
    admin = open_admin(KafkaSettings(tuple(chosen.bootstrap_servers.split(",")), options), "acls")
    try:
        with kafka_calls("grant"):
            admin.create_acls(wanted)
            there, _ = admin.describe_acls(EVERYTHING)
    finally:
        admin.close()
    more = [acl for acl in there if acl not in wanted]
    print(f"{len(wanted)} grants as {chosen.acls.name} says")
    for acl in more:
        print(f"  not in the file: {acl}")
    return 1 if more else 0


def acls(granted: dict[str, Any], prefix: str = "") -> Iterator[ACL]:
    """Every grant of the file. Raises ``BadInput`` where it holds none."""
    if not isinstance(granted, dict) or not granted.get("principals"):
        raise BadInput("the file of grants names no principals", "compare it with deploy/access/kafka-acls.json")
    for name, may in granted["principals"].items():
        for topic, operations in may.get("topics", {}).items():
            yield from _grants(name, ResourceType.TOPIC, prefix + topic, operations)
        for group, operations in may.get("groups", {}).items():
            yield from _grants(name, ResourceType.GROUP, prefix + group, operations)
        yield from _grants(name, ResourceType.CLUSTER, CLUSTER, may.get("cluster", ()))


def _grants(name: str, kind: ResourceType, resource: str, operations: list[str]) -> Iterator[ACL]:
    where = ResourcePattern(kind, resource, PatternType.LITERAL)
    for operation in operations:
        yield ACL(f"User:{name}", "*", ACLOperation[operation], ACLPermissionType.ALLOW, where)


if __name__ == "__main__":
    sys.exit(main())

"""Create gatekeeper's topics as schemas/topics.json declares them. Safe to run again.

Topics that exist are never altered: what differs is printed with the command that mends it, for a person to run.
Exit code 0: all as declared; 1: something differs; 2: wrong use; 3: Kafka is unavailable.

    python deploy/kafka/topics.py --bootstrap-servers localhost:9092 --development
"""

# ruff: noqa: INP001 (a script, not a package)
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from gatekeeper.core.topics import topic_specs
from gatekeeper.edges.kafka_admin import TopicAdmin, ensure_topics
from gatekeeper.edges.kafka_settings import KafkaSettings
from gatekeeper.errors import BadInput, GatekeeperError

DECLARED = Path(__file__).resolve().parents[2] / "schemas" / "topics.json"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap-servers", required=True, help="host:port, several separated by commas")
    parser.add_argument("--topics", type=Path, default=DECLARED, help="the declaration, schemas/topics.json")
    parser.add_argument("--development", action="store_true", help="a single broker: no replication")
    parser.add_argument("--options", type=Path, help="JSON file of client options, such as ssl_* and sasl_*")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds to wait for a connection")
    chosen = parser.parse_args(arguments)
    try:
        return ensure(chosen)
    except GatekeeperError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def ensure(chosen: argparse.Namespace) -> int:
    specs = topic_specs(_json(chosen.topics))
    options = _json(chosen.options) if chosen.options else {}
    settings = KafkaSettings(tuple(chosen.bootstrap_servers.split(",")), options, connect_timeout_s=chosen.timeout)
    admin = TopicAdmin(settings, "topics")
    try:
        ensured = ensure_topics(admin, [spec.in_development() if chosen.development else spec for spec in specs])
    finally:
        admin.close()
    for topic in ensured:
        print(f"{topic.topic}: {'created' if topic.created else 'exists'}")
        for difference in topic.differences:
            print(f"  {difference}")
    return 1 if any(topic.differences for topic in ensured) else 0


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot read {path}: {error}", "give a JSON file") from error
    if not isinstance(document, dict):
        raise BadInput(f"{path} is not a JSON object", "give a JSON file of one object")
    return document


if __name__ == "__main__":
    sys.exit(main())

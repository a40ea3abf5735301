"""Another stream engine on the same topic, in the peers' own Python: parse, look up, filter, no sink.

``stream_engine.py quixstreams|bytewax SERVERS TOPIC EVENTS``: prints JSON: seconds from the first record
to the last one, and how many passed. An asset passes unless its number is divisible by 14.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from typing import Any

import orjson

WITHHELD_EVERY = 14


class Passing:
    """Counts what it sees; the clock starts with the first record."""

    def __init__(self, events: int) -> None:
        self.permitted = {f"asset-{asset:09d}": asset % WITHHELD_EVERY != 0 for asset in range(events)}
        self.events, self.seen, self.passed = events, 0, 0
        self.started = self.ended = 0.0

    def see(self) -> None:
        if self.seen == 0:
            self.started = time.perf_counter()
        self.seen += 1
        if self.seen == self.events:
            self.ended = time.perf_counter()

    def is_permitted(self, event: dict[str, Any]) -> bool:
        return self.permitted.get(event["data"]["asset_id"], False)


def quixstreams(servers: str, topic: str, passing: Passing) -> None:
    from quixstreams import Application

    app = Application(
        servers,
        consumer_group=uuid.uuid4().hex,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        use_changelog_topics=False,
        loglevel="ERROR",
    )
    frame = app.dataframe(app.topic(topic, value_deserializer="json", key_deserializer="bytes"))

    def look_up(event: dict[str, Any]) -> bool:
        passing.see()
        if passing.seen == passing.events:
            app.stop()  # its own count would leave out what the filter drops
        return passing.is_permitted(event)

    def count(_event: dict[str, Any]) -> None:
        passing.passed += 1

    frame.filter(look_up).update(count)
    app.run(timeout=60, collect=False)


def bytewax(servers: str, topic: str, passing: Passing) -> None:
    import bytewax.operators as op
    from bytewax.connectors.kafka import KafkaSource
    from bytewax.dataflow import Dataflow
    from bytewax.outputs import DynamicSink, StatelessSinkPartition
    from bytewax.testing import run_main

    class Counting(StatelessSinkPartition[dict[str, Any]]):
        def write_batch(self, items: list[dict[str, Any]]) -> None:
            passing.passed += len(items)

    class NoSink(DynamicSink[dict[str, Any]]):
        def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> Counting:
            return Counting()

    def look_up(message: Any) -> dict[str, Any] | None:
        passing.see()
        event = orjson.loads(message.value)
        return event if passing.is_permitted(event) else None

    flow = Dataflow("filter")
    records = op.input("in", flow, KafkaSource([servers], [topic], tail=False, batch_size=10_000))
    op.output("out", op.filter_map("look_up", records, look_up), NoSink())
    run_main(flow)


def main(engine: str, servers: str, topic: str, events: int) -> None:
    passing = Passing(events)
    {"quixstreams": quixstreams, "bytewax": bytewax}[engine](servers, topic, passing)
    told = {"seconds": passing.ended - passing.started, "seen": passing.seen, "passed": passing.passed}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))

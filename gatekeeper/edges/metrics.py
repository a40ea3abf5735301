"""What a worker tells Prometheus: events, verdicts and reasons, lag, age of the rights state, times, dead letters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass
class Metrics:
    """One worker's metrics, in a registry of their own so that two workers in one process do not mix."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        of: dict[str, Any] = {"registry": self.registry, "namespace": "gatekeeper"}
        self.events = Counter("events", "Content events committed", **of)
        self.dead_letters = Counter("dead_letters", "Content records nobody could use", ["reason"], **of)
        self.decisions = Counter("decisions", "Decisions committed", ["dataset", "verdict", "reason"], **of)
        self.slices_dropped = Counter("slices_dropped", "Slices another worker was ahead of", **of)
        self.lag = Gauge("lag_events", "Content records not yet decided", ["partition"], **of)
        self.rights_position = Gauge("rights_position", "Rights position of the last batch", **of)
        self.rights_read_at = Gauge(
            "rights_read_at_seconds", "Unix time of the last barrier: how old the rights are", **of
        )
        self.unanswered = Gauge(
            "rights_unreadable_unanswered", "Rights records nobody could read or has answered", **of
        )
        self.batch_seconds = Histogram(
            "batch_seconds", "Barrier and decisions of a batch", buckets=SECONDS_BUCKETS, **of
        )
        self.commit_seconds = Histogram("commit_seconds", "The three commits of a batch", buckets=SECONDS_BUCKETS, **of)
        self.fold_version = Gauge("fold_decisions_version", "Version of decisions folded", ["dataset"], **of)

    def set_lag(self, lag: Mapping[int, int]) -> None:
        for partition, events in lag.items():
            self.lag.labels(str(partition)).set(events)

    def serve(self, port: int, address: str = "127.0.0.1") -> None:
        """Answer Prometheus on this port until the process ends."""
        start_http_server(port, addr=address, registry=self.registry)

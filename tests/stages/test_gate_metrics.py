"""What a gate tells Prometheus after a run."""

from __future__ import annotations

import signal
import socket
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.conftest import Answer, Desk, event, published
from tests.support.gate_runs import Runs, withdrawn

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Samples, Answer]]:
    """Two permitted, one denied and one held event, two dead letters, one rights record nobody can read."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    runs = Runs(tmp_path_factory.mktemp("metrics") / "ws", datasets={"radio": "service.recommendation"})
    runs.rights(withdrawn("tom"), event("rights.claim.opened", claim_id="c", kind="?", subject="asset:held"))
    runs.content(published("a"), published("b"), published("c", "tom"), published("held"), "{", "[]")
    port = free_port()
    answer = Desk(runs.root).run("gate", "--drain", "--json", "--metrics-port", port)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        text = page.read().decode()
    families = text_string_to_metric_families(text)
    samples = {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}
    yield samples, answer
    for number, handler in handlers.items():
        signal.signal(number, handler)


def of(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((f"gatekeeper_{name}", frozenset(labels.items())))


def test_dead_letters_are_counted_by_reason(run: tuple[Samples, Answer]) -> None:
    """Each reason has its own count, and they add up to the bad lines."""
    samples, answer = run
    counts = {labels: n for (name, labels), n in samples.items() if name == "gatekeeper_dead_letters_total"}
    assert sum(counts.values()) == 2
    assert {dict(labels)["reason"]: n for labels, n in counts.items()} == answer.json["dead_letters"]


def test_decisions_are_counted_by_verdict_and_reason(run: tuple[Samples, Answer]) -> None:
    """One count for each dataset, verdict and reason; their sum is every event once for every dataset."""
    samples, _ = run
    counts = {
        tuple(dict(labels)[n] for n in ("dataset", "verdict", "reason")): count
        for (name, labels), count in samples.items()
        if name == "gatekeeper_decisions_total"
    }
    assert counts == {
        ("radio", "permit", "terms.permit"): 2,
        ("radio", "deny", "consent.withdrawn"): 1,
        ("radio", "hold", "evidence.unreadable"): 1,
    }


def test_events_lag_and_rights(run: tuple[Samples, Answer]) -> None:
    """Events committed, what waits for an operator, how far the rights state and the fold are."""
    samples, answer = run
    assert of(samples, "events_total") == answer.json["events"] == 4
    assert of(samples, "rights_unreadable_unanswered") == 1
    assert of(samples, "rights_position") == 5  # policy, dataset, terms and the two of this run
    assert of(samples, "commit_seconds_count") == of(samples, "batch_seconds_count") == 1
    assert of(samples, "slices_dropped_total") == 0

"""Withdrawals and content at ±1 ms: each try has an account of its own, permitted until it withdraws."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from tests.support.kafka_world import KafkaWorld
from tests.support.lake_log import versions

CLOCKS_S = 2.0
"""How far the producers' clocks are off, either way."""
APART_S = 0.001
_PACE_S = 0.004
_EARLY_TRIES = (40, 400, 1000)
"""So many tries ahead of its withdrawal an account may publish something: time enough for a permit, or not quite."""


@dataclass(frozen=True)
class Try:
    """``acknowledged_s`` (the withdrawal) and ``sent_s`` (the content) are by the monotonic clock."""

    asset: str
    withdrawn_at: int
    acknowledged_s: float
    acknowledged_wall_s: float
    sent_s: float
    place: tuple[int, int]

    @property
    def late(self) -> bool:
        return self.sent_s > self.acknowledged_s


@dataclass
class Outcome:
    """Decisions of a race. ``stale``: permits on content sent after an acknowledged withdrawal."""

    stale: list[str]
    permits: int
    denials: int
    waits_ms: list[float]

    def told(self) -> str:
        waits = sorted(self.waits_ms)
        p50, p99 = (waits[min(len(waits) - 1, int(len(waits) * q))] for q in (0.5, 0.99))
        return (
            f"{self.permits} permits before, {self.denials} denials after; withdrawal acknowledged → first committed "
            f"denial: p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {waits[-1]:.0f} ms ({len(waits)} withdrawals)"
        )


class Race:
    """Two producers with connections of their own, so that neither waits behind the other."""

    def __init__(self, world: KafkaWorld, rng: random.Random) -> None:
        self._world, self._rng = world, rng
        self._rights, self._content = (
            KafkaProducer(bootstrap_servers=world.servers, acks="all", linger_ms=0) for _ in range(2)
        )
        self._transactions = KafkaProducer(
            bootstrap_servers=world.servers, transactional_id=f"race-{world.rights_topic}"
        )
        self._transactions.init_transactions()
        self.tries: list[Try] = []
        self._early: dict[int, tuple[Any, float]] = {}
        self._numbers = 0

    def run(self, count: int) -> None:
        """So many withdrawals, each with content before it, at once with it, or after it was acknowledged."""
        for _ in range(count):
            if self._rng.randrange(4) == 0:
                self._publish_early(self._numbers + self._rng.choice(_EARLY_TRIES))
            self._one(self._numbers)
            self._numbers += 1
            time.sleep(self._rng.uniform(0, _PACE_S))  # the pace of the producers

    def publish_ahead(self, count: int) -> list[str]:
        """The accounts of the next tries publish something each, long before they withdraw; which assets."""
        ahead = range(self._numbers, self._numbers + count)
        for number in ahead:
            self._publish_early(number)
        return [f"early-{number}" for number in ahead]

    def _publish_early(self, number: int) -> None:
        if number not in self._early:
            self._early[number] = self._send_content(f"early-{number}", number)

    def _one(self, number: int) -> None:
        asset, how, wait_s = f"race-{number}", self._rng.randrange(4), self._rng.uniform(0, APART_S)
        if how == 0:  # content first
            content, sent_s = self._send_content(asset, number)
            _spin(wait_s)
            offset, safe_s, safe_wall_s = _acknowledged(self._withdraw(number))
        elif how == 1:  # content before the withdrawal is acknowledged
            withdrawal = self._withdraw(number)
            _spin(wait_s)
            content, sent_s = self._send_content(asset, number)
            offset, safe_s, safe_wall_s = _acknowledged(withdrawal)
        else:  # content after that
            offset, safe_s, safe_wall_s = _acknowledged(self._withdraw(number))
            _spin(wait_s)
            content, sent_s = self._send_content(asset, number)
        published = [(asset, content, sent_s)]
        if number in self._early:
            published.append((f"early-{number}", *self._early.pop(number)))
        for name, future, at_s in published:
            at = future.get(30)
            self.tries.append(Try(name, offset, safe_s, safe_wall_s, at_s, (at.partition, at.offset)))

    def _send_content(self, asset: str, number: int) -> tuple[Any, float]:
        value = self._event("content.published", asset_id=asset, account_id=f"racer-{number}", title=asset)
        sent_s = time.monotonic()
        return self._content.send(self._world.content_topic, key=asset.encode(), value=value), sent_s

    def _withdraw(self, number: int) -> Any:
        who = f"account:racer-{number}"
        value = self._event("rights.consent.withdrawn", speaker=who, subject=who, purposes=["service", "training"])
        return self._rights.send(self._world.rights_topic, value=value)

    def _event(self, kind: str, **data: Any) -> bytes:
        skew = timedelta(seconds=self._rng.uniform(-CLOCKS_S, CLOCKS_S))
        event = {
            "specversion": "1.0",
            "id": f"{kind}-{self._rng.getrandbits(64)}",
            "source": "urn:tests:race",
            "type": kind,
            "time": (datetime.now(UTC) + skew).isoformat(),
            "data": data,
        }
        return json.dumps(event).encode()

    @contextmanager
    def open_transaction(self, *, abort: bool) -> Iterator[None]:
        """An open transaction on ``rights`` meanwhile, with an event of its own in it."""
        self._transactions.begin_transaction()
        someone = "party:in-a-transaction"
        value = self._event("rights.consent.granted", speaker=someone, subject=someone, purposes=["training"])
        self._transactions.send(self._world.rights_topic, value=value).get(30)
        try:
            yield
        finally:
            self._transactions.abort_transaction() if abort else self._transactions.commit_transaction()

    def close(self) -> None:
        for producer in (self._rights, self._content, self._transactions):
            producer.close(timeout=5)


def outcome(decisions: Path, tries: Sequence[Try]) -> Outcome:
    """What was decided about the tries. A permit is stale even if its rights position claims otherwise."""
    of = {t.place: t for t in tries}
    found = Outcome([], 0, 0, [])
    denied: set[str] = set()
    for version in versions(decisions):
        for row in version.rows:
            attempt = of.get((row["partition"], row["offset"]))
            if attempt is None or row["dataset"] != "recommendation":
                continue
            found.permits += row["verdict"] == "permit"
            found.denials += row["verdict"] == "deny"
            if row["verdict"] == "permit" and attempt.late:
                found.stale.append(f"{attempt} was permitted at {row['rights_position']}")
            if row["verdict"] == "deny" and attempt.late and attempt.asset not in denied:
                denied.add(attempt.asset)
                found.waits_ms.append(1000 * (version.at_s - attempt.acknowledged_wall_s))
    return found


def _acknowledged(withdrawal: Any) -> tuple[int, float, float]:
    """Its offset, and when it was safe: by the monotonic and by the wall clock."""
    return withdrawal.get(30).offset, time.monotonic(), time.time()


def _spin(seconds: float) -> None:
    """Waits more exactly than a sleep can."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass

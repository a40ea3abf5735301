"""A process of its own that keeps withdrawing accounts: its acknowledgements wait behind nobody's interpreter.

``python -m tests.bench.withdrawer SERVERS FIRST COUNT``: one account every ``PACE_S``; a line of JSON for each
acknowledgement: account, offset, seconds by the system's clock. Ends when its standard input does.
"""

from __future__ import annotations

import json
import select
import sys
import time
from datetime import UTC, datetime

from kafka import KafkaProducer

from tests.bench.broker_topics import RIGHTS
from tests.bench.stream import account_withdrawal

PACE_S = 0.02


def withdraw(servers: str, first: int, count: int) -> None:
    producer = KafkaProducer(bootstrap_servers=servers, acks="all", linger_ms=0)
    producer.partitions_for(RIGHTS)
    _tell({"ready": True})
    for account in range(first, first + count):
        if select.select([sys.stdin], [], [], PACE_S)[0]:
            break
        value = account_withdrawal(account, datetime.now(UTC).isoformat())
        at = producer.send(RIGHTS, value=value).get(30)
        _tell({"account": account, "offset": at.offset, "acknowledged_s": time.time()})
    producer.close()


def _tell(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    withdraw(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

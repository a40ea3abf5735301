"""A real Kafka broker for the tests, on free loopback ports: the stack's, in a hurry, and one that can be tormented.

Jars are downloaded once into ``var/kafka/lib``. A broker is stopped by the process this file started and no other.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from deploy.stack.kafka_broker import ROOT, KafkaBroker
from deploy.stack.processes import NotStarted, free_ports

__all__ = ["ROOT", "Broker"]

_HASTE = {
    "group.min.session.timeout.ms": "1000",
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "log.retention.check.interval.ms": "500",
    "log.segment.delete.delay.ms": "100",
}
"""Tests wait for what a broker does in minutes."""


class Broker(KafkaBroker):
    """One broker. ``sasl_servers`` is the address that wants user ``gate``, password ``sesame`` (PLAIN)."""

    def __init__(self, folder: Path) -> None:
        port, self._sasl, controller = free_ports(3)
        at = {"PLAINTEXT": port, "SASL": self._sasl, "CONTROLLER": controller}
        listeners = {name: f"{name}://127.0.0.1:{number}" for name, number in at.items()}
        sasl = {
            "listeners": ",".join(listeners.values()),
            "advertised.listeners": f"{listeners['PLAINTEXT']},{listeners['SASL']}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl.plain.sasl.jaas.config": (
                'org.apache.kafka.common.security.plain.PlainLoginModule required user_gate="sesame";'
            ),
        }
        try:
            super().__init__(folder, port, controller, {**_HASTE, **sasl})
        except NotStarted as missing:
            pytest.fail(str(missing), pytrace=False)

    @property
    def sasl_servers(self) -> str:
        return f"127.0.0.1:{self._sasl}"

    def restart(self) -> None:
        """On the same ports and data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nothing answers."""
        self.server.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.server.signal(signal.SIGCONT)

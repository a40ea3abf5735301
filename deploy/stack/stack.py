"""Kafka, S3, a workspace on both, and Airflow: started in that order, stopped in the other."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.stack.airflow_server import AirflowServer
from deploy.stack.kafka_broker import KafkaBroker
from deploy.stack.processes import Server, free_ports, port_near
from deploy.stack.s3_server import S3Server
from deploy.stack.workspace import prepare

ACCESS = "gatekeeper"
USERS = {"operator": "admin", "reviewer": "user", "reader": "viewer"}
"""Who may log in to Airflow, with the role of its simple auth manager."""
APPROVERS = "reviewer"

Told = Callable[[str], None]


@dataclass(frozen=True)
class Ports:
    kafka: int
    controller: int
    s3: int
    airflow: int

    @staticmethod
    def usual() -> Ports:
        """Those that people expect, where they are free."""
        return Ports(port_near(9092), free_ports(1)[0], port_near(7070), port_near(8080))

    @staticmethod
    def free() -> Ports:
        return Ports(*free_ports(4))


class Stack:
    """Everything in ``folder``, which stays: starting again goes on where it was. Use as a context."""

    def __init__(self, folder: Path, ports: Ports, told: Told, settings: Mapping[str, str], *, bare: bool) -> None:
        self.folder, self._ports, self._told, self._settings = folder, ports, told, settings
        self.workspace, self._bare = folder / "workspace", bare
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._told("Kafka")
        self.broker = KafkaBroker(self.folder / "kafka", self._ports.kafka, self._ports.controller)
        self._stack.callback(self.broker.stop)
        self.broker.start()
        self._told("S3")
        self.s3 = S3Server(self.folder / "s3", self._ports.s3, ACCESS, self._secret())
        self._stack.callback(self.s3.stop)
        self.s3.start()
        self._told("topics, buckets and the workspace")
        prepare(self.workspace, self.broker, self.s3, bare=self._bare)
        self._told("Airflow (half a minute)")
        settings = {"GATEKEEPER_APPROVERS": APPROVERS, **self._settings}
        self.airflow = AirflowServer(self.folder / "airflow", self._ports.airflow, self.workspace, USERS, settings)
        self._stack.callback(self.airflow.stop)
        self.airflow.start()

    def gone(self) -> list[str]:
        """Servers that have ended by themselves."""
        return [server.name for server in self._servers() if not server.running]

    def pids(self) -> dict[str, int]:
        """Each server's process, which leads a session of its own."""
        return {server.name: server.pid for server in self._servers()}

    def _servers(self) -> list[Server]:
        return [self.broker.server, self.s3.server, *self.airflow.servers]

    def _secret(self) -> str:
        """Made once: what is in the bucket belongs to it."""
        file = self.folder / "s3-secret"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(18))
        return file.read_text()

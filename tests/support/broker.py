"""A real Kafka broker (KRaft, one process) on free loopback ports, from Maven's jars. No container, no mock.

Jars are downloaded once into ``var/kafka/lib``. A broker is stopped by the process this file started and no other.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

ROOT = Path(__file__).resolve().parents[2]
LIB = ROOT / "var" / "kafka" / "lib"
POM = ROOT / "deploy" / "kafka" / "pom.xml"
HOW = (
    "the tests run a real Kafka broker and need Java (17 or later) and Maven: "
    "`apt-get install openjdk-17-jre-headless maven`, `brew install openjdk maven`, or your system's packages"
)
_READY_S = 60.0
_random = random.SystemRandom()  # two test processes may share a seed, never a port
_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},SASL://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL://127.0.0.1:{sasl}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
listener.name.sasl.sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=\
  org.apache.kafka.common.security.plain.PlainLoginModule required user_gate="sesame";
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.retention.check.interval.ms=500
log.segment.delete.delay.ms=100
"""
_LOGGING = """
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
"""


def jars() -> Path:
    """The folder of jars, downloaded when missing. Fails the test, saying what to install, when that is impossible."""
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    done = LIB.parent / "downloaded"
    if "java" in missing or (missing and not done.exists()):
        pytest.fail(f"not found: {', '.join(missing)}; {HOW}", pytrace=False)
    LIB.mkdir(parents=True, exist_ok=True)
    with (LIB.parent / "lock").open("w") as lock:  # parallel test processes download once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != POM.read_text():
            command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={LIB}"]
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            if ran.returncode:
                pytest.fail(f"Maven could not download Kafka; {HOW}\n{ran.stdout[-2000:]}", pytrace=False)
            done.write_text(POM.read_text())
    return LIB


class Broker:
    """One broker. ``servers`` is its bootstrap address, ``sasl_servers`` the one that wants user ``gate``, password
    ``sesame`` (PLAIN); data survive ``kill`` and ``restart``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._sasl, self._controller = _free_ports(3)
        self._process: subprocess.Popen[bytes] | None = None
        self._lib = jars()
        self._configure()

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def sasl_servers(self) -> str:
        return f"127.0.0.1:{self._sasl}"

    def _configure(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        values = {"port": self._port, "sasl": self._sasl, "controller": self._controller, "data": self._folder / "data"}
        (self._folder / "server.properties").write_text(_PROPERTIES.format(**values))
        (self._folder / "log4j2.properties").write_text(_LOGGING)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        subprocess.run(
            self._java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c", "server.properties"),
            cwd=self._folder,
            check=True,
            capture_output=True,
        )

    def _java(self, main: str, *arguments: str) -> list[str]:
        # The serial collector and one compiler tier: a test broker starts often and lives shortly, on few cores.
        options = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        options.append(f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}")
        return ["java", *options, "-cp", f"{self._lib}/*", main, *arguments]

    def start(self) -> None:
        """Returns when clients can use it."""
        with (self._folder / "broker.log").open("ab") as output:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", "server.properties"), cwd=self._folder, stdout=output, stderr=output
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline_s = time.monotonic() + _READY_S
        while time.monotonic() < deadline_s:
            if self._process is None or self._process.poll() is not None:
                break
            if self._answers():
                return
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"the broker did not start:\n{(self._folder / 'broker.log').read_text()[-3000:]}")

    def _answers(self) -> bool:
        try:
            admin = KafkaAdminClient(bootstrap_servers=self.servers, bootstrap_timeout_ms=1000)
        except KafkaError:
            return False
        try:
            return any(not b["is_fenced"] for b in admin.describe_cluster()["brokers"])
        except KafkaError:
            return False
        finally:
            admin.close()

    def stop(self) -> None:
        """An orderly stop, then an end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """``kill -9``: what was written and not flushed by the broker is in the system's cache and survives."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """On the same ports and data."""
        if self._process is not None:
            self.stop()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "the broker is not running"
        os.kill(self._process.pid, number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(number)
        self._signal(signal.SIGCONT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _free_ports(count: int) -> list[int]:
    """Below the range that systems give to outgoing connections: nobody else takes one while Java starts."""
    ports: list[int] = []
    while len(ports) < count:
        port = _random.randint(15_000, 30_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.append(port)
    return ports

"""A real Kafka broker (KRaft, one process) on loopback, from Maven's jars."""

from __future__ import annotations

import base64
import fcntl
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from deploy.stack.processes import NotStarted, Server

ROOT = Path(__file__).resolve().parents[2]
LIB = ROOT / "var" / "kafka" / "lib"
POM = ROOT / "deploy" / "kafka" / "pom.xml"
HOW = (
    "a real Kafka broker needs Java (17 or later) and Maven: "
    "`apt-get install openjdk-17-jre-headless maven`, `brew install openjdk maven`, or your system's packages"
)
READY_S = 60.0
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
    """The folder of jars, downloaded when missing. Raises ``NotStarted`` saying what to install."""
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    done = LIB.parent / "downloaded"
    if "java" in missing or (missing and not done.exists()):
        raise NotStarted(f"not found: {', '.join(missing)}; {HOW}")
    LIB.mkdir(parents=True, exist_ok=True)
    with (LIB.parent / "lock").open("w") as lock:  # parallel processes download once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != POM.read_text():
            command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={LIB}"]
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            if ran.returncode:
                raise NotStarted(f"Maven could not download Kafka; {HOW}\n{ran.stdout[-2000:]}")
            done.write_text(POM.read_text())
    return LIB


class KafkaBroker:
    """``servers`` is its bootstrap address; data survive ``kill`` and ``restart``. ``properties`` are added to
    server.properties, or replace what stands there.
    """

    def __init__(self, folder: Path, port: int, controller_port: int, properties: Mapping[str, str] = {}) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port = folder, port
        self._lib = jars()
        self.properties = {**_properties(port, controller_port, folder / "data"), **properties}
        self._configure()
        self.server = Server("kafka", self._java("kafka.Kafka", "server.properties"), folder)

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when clients can use it."""
        self.server.start(self.answers, READY_S)

    def stop(self) -> None:
        """An orderly stop, then an end."""
        self.server.stop()

    def kill(self) -> None:
        """``kill -9``: what was written and not flushed by the broker is in the system's cache and survives."""
        self.server.kill()

    def answers(self) -> bool:
        """Whether the cluster has a broker that takes clients."""
        try:
            admin = KafkaAdminClient(bootstrap_servers=self.servers, bootstrap_timeout_ms=1000, **self.client_options())
        except KafkaError:
            return False
        try:
            return any(not b["is_fenced"] for b in admin.describe_cluster()["brokers"])
        except KafkaError:
            return False
        finally:
            admin.close()

    def client_options(self) -> dict[str, str]:
        """How an operator's client connects."""
        return {}

    def _configure(self) -> None:
        lines = [f"{name}={value}" for name, value in self.properties.items()]
        (self.folder / "server.properties").write_text("\n".join(lines) + "\n")
        (self.folder / "log4j2.properties").write_text(_LOGGING)
        if (self.folder / "data" / "meta.properties").exists():
            return
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        subprocess.run(
            self._java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c", "server.properties"),
            cwd=self.folder,
            check=True,
            capture_output=True,
        )

    def _java(self, main: str, *arguments: str) -> list[str]:
        # The serial collector and one compiler tier: such a broker starts often and lives shortly, on few cores.
        options = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        options.append(f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}")
        return ["java", *options, "-cp", f"{self._lib}/*", main, *arguments]


def _properties(port: int, controller_port: int, data: Path) -> dict[str, str]:
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "group.initial.rebalance.delay.ms": "0",
    }

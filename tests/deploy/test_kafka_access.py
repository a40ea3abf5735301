"""Who may do what on Kafka: the grants of deploy/access on a real broker that asks who somebody is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.access.kafka_acls import GRANTED, main
from deploy.stack.kafka_broker import KafkaBroker
from deploy.stack.processes import NotStarted, free_ports
from gatekeeper.core.topics import topic_specs
from gatekeeper.edges.kafka_admin import TopicAdmin, ensure_topics
from gatekeeper.edges.kafka_settings import KafkaSettings
from tests.cli.conftest import Answer, Desk, event, lines, published

pytestmark = pytest.mark.kafka
ROOT = Path(__file__).resolve().parents[2]
ADMIN = "admin"
PRINCIPALS = json.loads(GRANTED.read_text())["principals"]
WITHDRAWN = event("rights.consent.withdrawn", speaker="account:a", subject="account:a", purposes=["service"])


def sasl(user: str) -> dict[str, str]:
    """Kafka-python's options for a user; a test's password is its name."""
    return {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": user,
        "sasl_plain_password": f"{user}-secret",
    }


class StrictBroker(KafkaBroker):
    """Everybody says who they are, and may nothing that was not granted."""

    def __init__(self, folder: Path) -> None:
        port, controller = free_ports(2)
        users = " ".join(f'user_{user}="{user}-secret"' for user in (ADMIN, "ml-reader", *PRINCIPALS))
        login = f'username="{ADMIN}" password="{ADMIN}-secret"'
        address = f"SASL://127.0.0.1:{port}"
        properties = {
            "listeners": f"{address},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": address,
            "listener.security.protocol.map": "SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "SASL",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl.plain.sasl.jaas.config": (
                f"org.apache.kafka.common.security.plain.PlainLoginModule required {login} {users};"
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            # the one node speaks to itself on the controller's listener, which only this machine can reach
            "super.users": f"User:{ADMIN};User:ANONYMOUS",
        }
        super().__init__(folder, port, controller, properties)

    def client_options(self) -> dict[str, str]:
        return sasl(ADMIN)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StrictBroker]:
    """A broker with the topics of schemas/topics.json and the grants of kafka-acls.json."""
    folder = tmp_path_factory.mktemp("strict")
    try:
        broker = StrictBroker(folder)
    except NotStarted as missing:
        pytest.fail(str(missing), pytrace=False)
    broker.start()
    admin = TopicAdmin(KafkaSettings((broker.servers,), sasl(ADMIN)), "tests")
    specs = topic_specs(json.loads((ROOT / "schemas" / "topics.json").read_text()))
    ensure_topics(admin, [spec.in_development() for spec in specs])
    admin.close()
    (folder / "admin.json").write_text(json.dumps(sasl(ADMIN)))
    assert main(["--bootstrap-servers", broker.servers, "--options", str(folder / "admin.json")]) == 0
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def desk(strict: StrictBroker, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A workspace on that broker; ``as_`` says whose credentials the next command has."""
    made = Desk(tmp_path_factory.mktemp("w") / "w")
    assert made.run("init", made.root, "--bare", workspace=False).code == 0
    as_(made, strict, "policy-owner")
    made.dataset("search", "service.search")
    made.ok("apply")
    as_(made, strict, "catalogue")
    made.ok("content", "append", "-", stdin=lines(published("song", account="a")))
    return made


def as_(desk: Desk, broker: StrictBroker, user: str) -> Desk:
    settings: dict[str, Any] = {"bootstrap_servers": broker.servers, "development": True, "options": sasl(user)}
    desk.write("gatekeeper.yaml", yaml.safe_dump({"log": "kafka", "kafka": settings}))
    return desk


def refused(answer: Answer) -> bool:
    """Not done, because somebody may not: exit code 3, in words that say so."""
    return answer.code == 3 and "uthoriz" in answer.err


def test_workers_read_both_logs_and_write_to_neither(strict: StrictBroker, desk: Desk) -> None:
    """A gate that was taken over can hide a no for as long as it runs; it cannot say a yes in anybody's name."""
    as_(desk, strict, "gate").ok("gate", "--drain")
    assert refused(desk.run("rights", "append", "-", stdin=lines(WITHDRAWN)))
    assert refused(desk.run("content", "append", "-", stdin=lines(published("other"))))


def test_the_rights_desk_writes_rights_and_no_content(strict: StrictBroker, desk: Desk) -> None:
    """Its events are on the log; the catalogue's it cannot make up."""
    as_(desk, strict, "rights-desk").ok("rights", "append", "-", stdin=lines(WITHDRAWN))
    assert refused(desk.run("content", "append", "-", stdin=lines(published("other"))))


def test_the_catalogue_writes_content_and_no_rights(strict: StrictBroker, desk: Desk) -> None:
    """Whoever uploads does not say what may be done with it."""
    as_(desk, strict, "catalogue")
    desk.ok("content", "append", "-", stdin=lines(published("second", account="a")))
    assert refused(desk.run("rights", "append", "-", stdin=lines(WITHDRAWN)))


@pytest.mark.parametrize("user", ["ml-reader", "auditor"])
def test_who_trains_and_who_checks_write_nothing(strict: StrictBroker, desk: Desk, user: str) -> None:
    """A reader of releases has no business on Kafka at all; an auditor reads."""
    as_(desk, strict, user)
    assert refused(desk.run("rights", "append", "-", stdin=lines(WITHDRAWN)))
    assert refused(desk.run("content", "append", "-", stdin=lines(published("other"))))
    asked = desk.run("status")
    assert (asked.code == 0) is (user == "auditor"), asked


def test_a_grant_that_the_file_does_not_name_is_told(strict: StrictBroker, capsys: pytest.CaptureFixture[str]) -> None:
    """It stays, for a person to look at; running again changes nothing."""
    given = ["--bootstrap-servers", strict.servers, "--options", str(strict.folder / "admin.json")]
    assert main(given) == 0
    (strict.folder / "fewer.json").write_text(json.dumps({"principals": {"gate": PRINCIPALS["gate"]}}))
    assert main([*given, "--acls", str(strict.folder / "fewer.json")]) == 1
    assert "rights-desk" in capsys.readouterr().out

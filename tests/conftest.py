"""Shared by all tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.support.broker import Broker
    from tests.support.s3 import S3Server

settings.register_profile("gatekeeper", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gatekeeper")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for a broker is marked ``kafka``, so that it can be left out where Java is missing."""
    for item in items:
        if {"broker", "mortal"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A real broker for the whole run. A test that stops or kills it takes one of its own instead."""
    from tests.support.broker import Broker

    started = Broker(tmp_path_factory.mktemp("kafka"))
    started.start()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server for the whole run; skips, saying why, where its program is missing."""
    from tests.support.s3 import start, stop

    server = start(tmp_path_factory.mktemp("s3"))
    yield server
    stop(server)

"""A real S3 server for the tests, on a free loopback port: the stack's, with a way to make buckets."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from deploy.stack.processes import NotStarted, free_ports
from deploy.stack.s3_server import S3Server as Server
from deploy.stack.s3_server import program

ACCESS, SECRET = "gatekeeper-test", "only-on-loopback"
_TRIES = 5
_random = random.SystemRandom()


class S3Server(Server):
    """``options`` are what gatekeeper.yaml says under ``releases``."""

    def bucket(self, *, locked: bool = False) -> str:
        """A new bucket's name."""
        name = f"b{_random.getrandbits(60):x}"
        self.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked)
        return name


def start(folder: Path) -> S3Server:
    """Skips the test, saying why, where the program is missing."""
    try:
        program()
    except NotStarted as missing:
        pytest.skip(str(missing))
    for left in reversed(range(_TRIES)):  # another process may take the port first
        server = S3Server(folder, free_ports(1)[0], ACCESS, SECRET)
        try:
            server.start()
        except NotStarted:
            if not left:
                raise
        else:
            return server
    raise AssertionError("not reached")


def stop(server: S3Server) -> None:
    server.stop()

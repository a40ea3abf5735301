"""A real S3 server (versitygw on a folder, versions kept) on a free loopback port, stopped by the process this started.

The program is one Go binary: ``tests/support/fetch_s3.sh`` builds it into ``var/s3/bin``.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BINARY = ROOT / "var" / "s3" / "bin" / "versitygw"
HOW = "no S3 server: run `make s3-server` (needs Go 1.24 or newer; a minute, once)"
ACCESS, SECRET, REGION = "gatekeeper-test", "only-on-loopback", "us-east-1"
_READY_S = 30.0
_random = random.SystemRandom()  # two test processes may share a seed, never a port


@dataclass
class S3Server:
    """One server; ``options`` are what gatekeeper.yaml says under ``releases``."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def options(self) -> dict[str, str]:
        return {
            "endpoint_url": f"http://127.0.0.1:{self.port}",
            "region_name": REGION,
            "aws_access_key_id": ACCESS,
            "aws_secret_access_key": SECRET,
        }

    def client(self) -> Any:
        import boto3

        return boto3.client("s3", **self.options)

    def bucket(self, *, locked: bool = False) -> str:
        """A new bucket's name."""
        name = f"b{_random.getrandbits(60):x}"
        self.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked)
        return name


def start(folder: Path) -> S3Server:
    """Skips the test, saying why, where the program is missing."""
    program = BINARY if BINARY.exists() else shutil.which("versitygw")
    if program is None:
        pytest.skip(HOW)
    data, versions = folder / "data", folder / "versions"
    data.mkdir()
    versions.mkdir()
    environment = {**os.environ, "ROOT_ACCESS_KEY": ACCESS, "ROOT_SECRET_KEY": SECRET}
    for _ in range(5):
        port = _free_port()
        command = [str(program), "--port", f"127.0.0.1:{port}", "posix", "--versioning-dir", str(versions), str(data)]
        with (folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        if _answers(process, port):
            return S3Server(port, process)
        process.kill()
        process.wait()
    pytest.fail(f"the S3 server did not start:\n{(folder / 'log.txt').read_text()[-2000:]}", pytrace=False)


def stop(server: S3Server) -> None:
    server.process.terminate()
    try:
        server.process.wait(10)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()


def _free_port() -> int:
    while True:
        with socket.socket() as probe:
            port = _random.randrange(20_000, 32_000)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False

"""A real S3 server (versitygw on a folder, versions kept) on loopback.

The program is one Go binary: ``deploy/stack/fetch_s3.sh`` builds it into ``var/s3/bin``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.stack.processes import NotStarted, Server, listens

ROOT = Path(__file__).resolve().parents[2]
BINARY = ROOT / "var" / "s3" / "bin" / "versitygw"
HOW = "no S3 server: run `make s3-server` (needs Go 1.24 or newer; a minute, once)"
REGION = "us-east-1"
READY_S = 30.0


def program() -> str:
    """Raises ``NotStarted`` where it is missing."""
    found = str(BINARY) if BINARY.exists() else shutil.which("versitygw")
    if found is None:
        raise NotStarted(HOW)
    return found


class S3Server:
    """``options`` are what gatekeeper.yaml says under ``releases``, with the root account's keys.

    ``arguments`` stand before the back end's name, such as ``--iam-dir``.
    """

    def __init__(self, folder: Path, port: int, access: str, secret: str, arguments: Sequence[str] = ()) -> None:
        self.port, self.access, self.secret = port, access, secret
        data, versions = folder / "data", folder / "versions"
        for each in (data, versions):
            each.mkdir(parents=True, exist_ok=True)
        address = f"127.0.0.1:{port}"
        command = [program(), "--port", address, *arguments, "posix", "--versioning-dir", str(versions), str(data)]
        environment = {**os.environ, "ROOT_ACCESS_KEY": access, "ROOT_SECRET_KEY": secret}
        self.server = Server("s3", command, folder, environment)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def options(self) -> dict[str, str]:
        return self.options_of(self.access, self.secret)

    def options_of(self, access: str, secret: str) -> dict[str, str]:
        """Boto3's, for these keys."""
        keys = {"aws_access_key_id": access, "aws_secret_access_key": secret}
        return {"endpoint_url": self.endpoint, "region_name": REGION, **keys}

    @property
    def lake_options(self) -> dict[str, str]:
        """Deltalake's, for the root account."""
        keys = {"aws_access_key_id": self.access, "aws_secret_access_key": self.secret}
        return {"aws_endpoint": self.endpoint, "aws_region": REGION, "aws_allow_http": "true", **keys}

    def client(self) -> Any:
        import boto3  # noqa: PLC0415 (the broker alone needs no S3)

        return boto3.client("s3", **self.options)

    def start(self) -> None:
        self.server.start(lambda: listens(self.port), READY_S)

    def stop(self) -> None:
        self.server.stop()

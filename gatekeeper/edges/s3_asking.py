"""Asking S3 until there is an answer, and what its errors mean."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import boto3
import pyarrow.fs as pafs
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from gatekeeper.config import S3_OPTIONS
from gatekeeper.errors import Unavailable

TRIES_MAX = 6
PAUSE_S = 0.2
CONNECTIONS_MAX = 32
"""Kept open by one client: at least as many as threads ask it at once."""
MISSING = ("NoSuchKey", "404", "NotFound")
_BUSY = ("SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestTimeTooSkewed", "InternalError")
Given = TypeVar("Given")


def client_of(options: Mapping[str, str]) -> Any:
    """A client that asks once: whether to ask again is decided by ``again``."""
    told = {name: options[name] for name in S3_OPTIONS if name in options}
    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=CONNECTIONS_MAX,
    )
    return boto3.client("s3", config=config, **told)


def code_of(problem: ClientError) -> str:
    """S3's own code of an error, such as ``NoSuchKey``."""
    return str(problem.response.get("Error", {}).get("Code", ""))


def _may_pass(problem: Exception) -> bool:
    if isinstance(problem, ClientError):
        status = problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or status == 409 or code_of(problem) in _BUSY
    return isinstance(problem, BotoCoreError)


def again(sleep: Callable[[float], None], doing: str, ask: Callable[[], Given]) -> Given:
    """Ask until there is an answer. A refusal passes through as ``ClientError``; raises ``Unavailable``."""
    for tried in range(1, TRIES_MAX + 1):
        try:
            return ask()
        except (ClientError, BotoCoreError) as problem:
            if not _may_pass(problem):
                if isinstance(problem, ClientError):
                    raise
                raise unavailable(doing, problem) from problem
            if tried == TRIES_MAX:
                raise unavailable(doing, problem) from problem
        sleep(PAUSE_S * 2**tried * random.uniform(0.5, 1))  # noqa: S311 (it spreads retries, it hides nothing)
    raise AssertionError("the last try returns or raises")


def unavailable(
    doing: str,
    problem: Exception,
    do: str = "check that the bucket can be reached and written, then run it again",
) -> Unavailable:
    """The error to raise where asking again does not help."""
    return Unavailable(f"{doing}: {problem}", do)


def pyarrow_s3(options: Mapping[str, str]) -> pafs.FileSystem:
    """The S3 of pyarrow for boto3's options."""
    told: dict[str, Any] = {}
    if endpoint := options.get("endpoint_url"):
        scheme, _, told["endpoint_override"] = endpoint.rpartition("://")
        told["scheme"] = scheme or "https"
    names = {
        "aws_access_key_id": "access_key",
        "aws_secret_access_key": "secret_key",
        "aws_session_token": "session_token",
    }
    names["region_name"] = "region"
    told |= {theirs: options[ours] for ours, theirs in names.items() if ours in options}
    return pafs.S3FileSystem(**told)

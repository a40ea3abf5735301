"""Reading media objects from S3, or from anything that speaks it: whole objects, by name, asked until they come."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gatekeeper.edges.s3_asking import MISSING, TRIES_MAX, again, client_of, code_of, unavailable
from gatekeeper.errors import WrongBytes

BLOCK_BYTES = 1_048_576
"""Handed on at once."""
_FORBIDDEN = ("403", "AccessDenied", "Forbidden")


@dataclass
class S3Media:
    """``options`` are boto3's; ``client`` one that is there already. Any number of threads may ask at once."""

    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    sleep: Callable[[float], None] = time.sleep
    client: Any = None

    def __post_init__(self) -> None:
        self.client = self.client or client_of(self.options)

    def digest(self, bucket: str, key: str) -> tuple[str, int] | None:
        """(SHA-256, bytes): the store's own checksum where it is one of the whole object, else of what is read."""
        head = self._unless_missing(
            bucket, key, lambda: self.client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        )
        if head is None:
            return None
        if (told := full_sha256(head)) is not None:
            return told, head["ContentLength"]
        found, size = hashlib.sha256(), 0
        try:
            for block in self.blocks(bucket, key):
                found.update(block)
                size += len(block)
        except WrongBytes:
            return None
        return found.hexdigest(), size

    def blocks(self, bucket: str, key: str) -> Iterator[bytes]:
        """The object's bytes. A read that breaks off goes on where it stopped, as long as it is the same object;
        raises ``WrongBytes`` where there is none, ``Unavailable``.
        """
        at, etag, broken = 0, "", 0
        while True:
            asked: dict[str, Any] = {"Range": f"bytes={at}-", "IfMatch": etag} if at else {}
            get = partial(self.client.get_object, Bucket=bucket, Key=key, **asked)
            answer = self._unless_missing(bucket, key, get)
            if answer is None:
                raise WrongBytes(f"nothing is at s3://{bucket}/{key}", "build again")
            etag, end = answer["ETag"], at + answer["ContentLength"]
            try:
                for block in answer["Body"].iter_chunks(BLOCK_BYTES):
                    at += len(block)
                    yield block
            except BotoCoreError as problem:
                broken += 1
                if at == end:
                    return
                if broken == TRIES_MAX:
                    raise unavailable(f"reading s3://{bucket}/{key}", problem) from problem
                continue
            if at != end:
                raise unavailable(f"reading s3://{bucket}/{key}", ValueError(f"{at} bytes came, not {end}"))
            return

    def _unless_missing(self, bucket: str, key: str, ask: Callable[[], Any]) -> Any:
        doing = f"reading s3://{bucket}/{key}"
        try:
            return again(self.sleep, doing, ask)
        except ClientError as problem:
            if code_of(problem) in (*MISSING, "NoSuchBucket"):
                return None
            if code_of(problem) in _FORBIDDEN:
                do = "media need s3:GetObject, and s3:ListBucket to tell missing from forbidden"
                raise unavailable(doing, problem, do) from problem
            raise unavailable(doing, problem) from problem


def full_sha256(answer: Mapping[str, Any]) -> str | None:
    """The store's SHA-256 of the whole object, in hexadecimal; None where it keeps none, or one of parts."""
    told = answer.get("ChecksumSHA256")
    if not told or "-" in told or answer.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    return base64.b64decode(told).hex()

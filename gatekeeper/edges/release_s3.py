"""Releases in S3, or in anything that speaks it: conditional puts, SHA-256 sent along, multipart for what is large.

Rules of this file: every put of a new object carries ``If-None-Match: *`` and its SHA-256, which the store checks;
boto3's own retries are off, because the outcome of a put that timed out is unknown: it is *read back*, and an object
with this put's own mark is ours. A store that is busy (5xx, throttling) or silent is asked again, with growing pauses.
"""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.fs as pafs
from botocore.exceptions import BotoCoreError, ClientError

from gatekeeper.config import S3_OPTIONS
from gatekeeper.edges.hashed_parts import Hashed, parts_of
from gatekeeper.edges.media_s3 import full_sha256
from gatekeeper.edges.s3_asking import MISSING, again, client_of, code_of, pyarrow_s3, unavailable
from gatekeeper.errors import BadInput

PART_BYTES = 16_777_216
"""One part of a multipart upload, and the largest object that is put at once. S3 asks for at least 5 MiB."""
MARK = "gatekeeper-put"
"""Metadata no two puts share: how an object is known as one's own after an unknown outcome."""
LOCK_OPTIONS = ("object_lock_mode", "object_lock_days", "legal_hold")
_THERE = ("PreconditionFailed", "412")
Given = TypeVar("Given")


@dataclass
class S3Releases:
    """``s3://bucket/prefix``. ``options``: boto3's ``S3_OPTIONS`` and, to lock every object of a release,
    ``object_lock_mode`` (GOVERNANCE, COMPLIANCE) with ``object_lock_days``, and ``legal_hold``.
    """

    uri: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    now_us: Callable[[], int] = lambda: time.time_ns() // 1000
    sleep: Callable[[float], None] = time.sleep
    part_bytes: int = PART_BYTES

    def __post_init__(self) -> None:
        if unknown := sorted(self.options.keys() - {*S3_OPTIONS, *LOCK_OPTIONS}):
            known = ", ".join((*S3_OPTIONS, *LOCK_OPTIONS))
            raise BadInput(f"releases: unknown option {unknown[0]!r}", f"known: {known}")
        self.bucket, _, prefix = self.uri.removeprefix("s3://").strip("/").partition("/")
        self.prefix = f"{prefix}/" if prefix else ""
        self.client = client_of(self.options)
        self.files = pafs.SubTreeFileSystem(f"{self.bucket}/{self.prefix}".rstrip("/"), pyarrow_s3(self.options))

    def read(self, name: str) -> bytes | None:
        found = self._get(name)
        return None if found is None else found[0]

    def _get(self, name: str) -> tuple[bytes, str] | None:
        def get() -> tuple[bytes, str]:
            answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + name)
            return answer["Body"].read(), answer["ETag"]

        return self._unless_missing(f"reading {name}", get)

    def names(self, folder: str) -> list[str]:
        start = f"{self.prefix}{folder.strip('/')}/" if folder else self.prefix

        def every() -> list[str]:
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=start)
            return sorted(found["Key"][len(start) :] for page in pages for found in page.get("Contents", ()))

        return self._unless_missing(f"listing {folder}", every) or []

    def digest(self, name: str) -> tuple[str, int] | None:
        def hashed() -> tuple[str, int]:
            body = self.client.get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"]
            found, size = hashlib.sha256(), 0
            for block in body.iter_chunks(PART_BYTES):
                found.update(block)
                size += len(block)
            return found.hexdigest(), size

        return self._unless_missing(f"reading {name}", hashed)

    def put_new(self, name: str, data: bytes) -> bool:
        return self._put(name, data, {"IfNoneMatch": "*", **self.locked()})

    def put_file(self, name: str, source: Path, sha256: str) -> bool:
        with source.open("rb") as stream:
            return self.put_blocks(name, iter(partial(stream.read, self.part_bytes), b""), sha256)

    def put_blocks(self, name: str, blocks: Iterable[bytes], sha256: str) -> bool:
        if self.head(name) is not None:
            return False
        parts = Hashed(parts_of(blocks, self.part_bytes))
        first, second = next(parts), next(parts, None)
        if second is not None:
            return self._put_parts(name, chain((first, second), parts), lambda: parts.require(name, sha256))
        parts.require(name, sha256)
        return self.put_new(name, first)

    def held(self, name: str) -> tuple[str, int] | None:
        head = self.head(name)
        if head is None or (told := full_sha256(head)) is None:
            return None if head is None else self.digest(name)
        return told, head["ContentLength"]

    def replace(self, name: str, before: bytes | None, data: bytes) -> bool:
        found = self._get(name)
        if (None if found is None else found[0]) != before:
            return False
        return self._put(name, data, {"IfNoneMatch": "*"} if found is None else {"IfMatch": found[1]})

    # --- puts whose outcome may be unknown

    def _put(self, name: str, data: bytes, condition: Mapping[str, Any]) -> bool:
        mark = uuid.uuid4().hex

        def put() -> bool:
            self.client.put_object(
                Bucket=self.bucket,
                Key=self.prefix + name,
                Body=data,
                ChecksumSHA256=_base64(data),
                Metadata={MARK: mark},
                **condition,
            )
            return True

        return self.settled(name, mark, put)

    def _put_parts(self, name: str, data: Iterable[bytes], whole: Callable[[], None]) -> bool:
        def put(upload: Mapping[str, str]) -> list[dict[str, Any]]:
            made = [self._part(name, upload, number, part) for number, part in enumerate(data, 1)]
            whole()
            return made

        return self.in_parts(name, put)

    def in_parts(self, name: str, put: Callable[[Mapping[str, str]], list[dict[str, Any]]], **more: Any) -> bool:
        """A multipart upload: ``put`` makes the parts; what it raises leaves nothing. Whether ours is what stands."""
        mark, place = uuid.uuid4().hex, {"Bucket": self.bucket, "Key": self.prefix + name}
        begun = again(
            self.sleep,
            f"writing {name}",
            lambda: self.client.create_multipart_upload(
                **place, ChecksumAlgorithm="SHA256", Metadata={MARK: mark}, **self.locked(), **more
            ),
        )
        upload = {**place, "UploadId": begun["UploadId"]}
        try:
            parts = put(upload)

            def complete() -> bool:
                self.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
                return True

            done = self.settled(name, mark, complete)
        except BaseException:
            self._abort(upload)
            raise
        if not done:
            self._abort(upload)
        return done

    def _part(self, name: str, upload: Mapping[str, str], number: int, data: bytes) -> dict[str, Any]:
        checksum = _base64(data)

        def put() -> dict[str, Any]:
            answer = self.client.upload_part(**upload, PartNumber=number, Body=data, ChecksumSHA256=checksum)
            return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

        return again(self.sleep, f"writing part {number} of {name}", put)

    def _abort(self, upload: Mapping[str, str]) -> None:
        try:
            self.client.abort_multipart_upload(**upload)
        except (ClientError, BotoCoreError):
            return  # the bucket's lifecycle rule removes what nobody completed; nothing refers to it

    def settled(self, name: str, mark: str, put: Callable[[], bool], passed: tuple[str, ...] = ()) -> bool:
        """Whether our put is what stands there. After a retry, "it exists" may speak of our own first try.

        Raises ``Unavailable``; ``ClientError`` for the codes ``passed``.
        """
        try:
            return again(self.sleep, f"writing {name}", put)
        except ClientError as problem:
            if code_of(problem) in passed:
                raise
            if code_of(problem) not in (*_THERE, "NoSuchUpload"):
                raise unavailable(f"writing {name}", problem) from problem
        head = self.head(name)
        return head is not None and head["Metadata"].get(MARK) == mark

    def head(self, name: str) -> Mapping[str, Any] | None:
        """What the store says of an object; None where there is none."""

        def head() -> Mapping[str, Any]:
            answer: Mapping[str, Any] = self.client.head_object(
                Bucket=self.bucket, Key=self.prefix + name, ChecksumMode="ENABLED"
            )
            return answer

        return self._unless_missing(f"looking for {name}", head)

    def _unless_missing(self, doing: str, ask: Callable[[], Given]) -> Given | None:
        try:
            return again(self.sleep, doing, ask)
        except ClientError as problem:
            if code_of(problem) in MISSING:
                return None
            raise unavailable(doing, problem) from problem

    def locked(self) -> dict[str, Any]:
        """What a new object is put with where releases are locked."""
        locked: dict[str, Any] = {}
        if mode := self.options.get("object_lock_mode"):
            days = int(self.options.get("object_lock_days", "0"))
            now = datetime.fromtimestamp(self.now_us() / 1e6, UTC)
            locked |= {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": now + timedelta(days=days)}
        if str(self.options.get("legal_hold", "")).lower() in ("true", "on", "yes"):
            locked["ObjectLockLegalHoldStatus"] = "ON"
        return locked


def _base64(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()

"""Media objects into a release, copied by the object store that has them already; from elsewhere, block by block.

Rules of this file: nothing appears under its name before its bytes are proven. A copy inside the store is of the very
object that was proven (``CopySourceIfMatch``), and what stands afterwards is held against the digest once more.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gatekeeper.edges.media_objects import S3, MediaObjects, s3_place
from gatekeeper.edges.media_s3 import S3Media, full_sha256
from gatekeeper.edges.release_s3 import MARK, S3Releases
from gatekeeper.edges.s3_asking import MISSING, again, code_of, unavailable
from gatekeeper.errors import Unavailable, WrongBytes

COPY_BYTES_MAX = 5 * 2**30
"""S3 copies no larger object at once (CopyObject)."""
COPY_PART_BYTES = 512 * 2**20
"""10,000 parts of this size are the largest object S3 holds."""
_NOT_OURS = ("403", "AccessDenied", "NoSuchBucket", "NotImplemented")
"""This store's own credentials do not reach the object, or it copies nothing: its bytes take the way through here."""


@dataclass
class CopyingInS3:
    """Copies inside one object store. Any number of threads may ask at once."""

    objects: MediaObjects
    store: S3Releases
    copy_bytes_max: int = COPY_BYTES_MAX
    copy_part_bytes: int = COPY_PART_BYTES

    def __post_init__(self) -> None:
        self._here = S3Media({}, self.store.sleep, self.store.client)

    def copy(self, source: str, name: str, sha256: str) -> bool:
        """As ``MediaCopying.copy``."""
        if self.store.head(name) is not None:
            return False
        if source.startswith(S3) and (done := self._inside(*s3_place(source), name, sha256)) is not None:
            return done
        return self.store.put_blocks(name, self.objects.blocks(source), sha256)

    def _inside(self, bucket: str, key: str, name: str, sha256: str) -> bool | None:
        """None where the store cannot."""
        try:
            head = again(
                self.store.sleep,
                f"reading s3://{bucket}/{key}",
                lambda: self.store.client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED"),
            )
            if (full_sha256(head) or self._read(bucket, key)) != sha256:
                raise WrongBytes(f"s3://{bucket}/{key} has other bytes than its event says", "build again")
            one = head["ContentLength"] <= self.copy_bytes_max
            source = {"CopySource": {"Bucket": bucket, "Key": key}, "CopySourceIfMatch": head["ETag"]}
            kept = {"ContentType": head["ContentType"]} if head.get("ContentType") else {}
            copying = self._at_once if one else self._in_parts
            done = copying(name, source, kept, head["ContentLength"])
        except ClientError as problem:
            if code_of(problem) in MISSING:
                raise WrongBytes(f"nothing is at s3://{bucket}/{key}", "build again") from problem
            if code_of(problem) in _NOT_OURS:
                return None
            raise unavailable(f"copying s3://{bucket}/{key}", problem) from problem
        if done:
            self._require(name, sha256)
        return done

    def _read(self, bucket: str, key: str) -> str:
        found = hashlib.sha256()
        for block in self._here.blocks(bucket, key):
            found.update(block)
        return found.hexdigest()

    def _at_once(self, name: str, source: Mapping[str, Any], kept: Mapping[str, Any], _size: int) -> bool:
        mark, store = uuid.uuid4().hex, self.store

        def copy() -> bool:
            store.client.copy_object(
                Bucket=store.bucket,
                Key=store.prefix + name,
                ChecksumAlgorithm="SHA256",
                MetadataDirective="REPLACE",
                Metadata={MARK: mark},
                IfNoneMatch="*",
                **source,
                **kept,
                **store.locked(),
            )
            return True

        return store.settled(name, mark, copy, passed=(*_NOT_OURS, *MISSING))

    def _in_parts(self, name: str, source: Mapping[str, Any], kept: Mapping[str, Any], size: int) -> bool:
        store = self.store

        def part(upload: Mapping[str, str], number: int, start: int) -> dict[str, Any]:
            end = min(start + self.copy_part_bytes, size) - 1

            def put() -> dict[str, Any]:
                answer = store.client.upload_part_copy(
                    **upload, **source, PartNumber=number, CopySourceRange=f"bytes={start}-{end}"
                )["CopyPartResult"]
                told = {k: answer[k] for k in ("ETag", "ChecksumSHA256") if answer.get(k)}
                return {"PartNumber": number, **told}

            return again(store.sleep, f"copying part {number} of {name}", put)

        def parts(upload: Mapping[str, str]) -> list[dict[str, Any]]:
            starts = range(0, size, self.copy_part_bytes)
            return [part(upload, number, start) for number, start in enumerate(starts, 1)]

        return store.in_parts(name, parts, **kept)

    def _require(self, name: str, sha256: str) -> None:
        there = self.store.held(name)
        if there is None or there[0] != sha256:
            self._remove(name)
            what = f"{name}: the store's own copy is not the bytes that were copied"
            raise Unavailable(what, "look after the store, then publish again")

    def _remove(self, name: str) -> None:
        try:
            self.store.client.delete_object(Bucket=self.store.bucket, Key=self.store.prefix + name)
        except (ClientError, BotoCoreError):
            return  # a locked object stays; its release has no manifest and is none

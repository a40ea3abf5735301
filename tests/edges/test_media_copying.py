"""Media into a release's store: proven before they appear, copied by the store where it can, S3 is a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.edges.media_copying import copying
from gatekeeper.edges.media_copying_s3 import CopyingInS3
from gatekeeper.edges.media_objects import MediaObjects
from gatekeeper.edges.media_s3 import S3Media
from gatekeeper.edges.release_s3 import S3Releases
from gatekeeper.errors import Unavailable, WrongBytes
from tests.edges.test_release_store import Faulty, slow_down, timed_out
from tests.support.s3 import S3Server
from tests.support.sounds import sha256, tone

MIB = 2**20


class Counting:
    """The client, with the names of what is asked of it."""

    def __init__(self, client: Any) -> None:
        self._client, self.asked = client, list[str]()

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._client, name)


def store_at(s3: S3Server, **options: str) -> S3Releases:
    bucket = s3.bucket(locked=bool(options))
    return S3Releases(f"s3://{bucket}/releases", s3.options | options, sleep=lambda _s: None)


def inside(s3: S3Server, store: S3Releases, **limits: int) -> CopyingInS3:
    return CopyingInS3(MediaObjects(Path("/"), s3.options), store, **limits)


def raw(s3: S3Server, data: bytes, **more: str) -> str:
    bucket = s3.bucket()
    s3.client().put_object(Bucket=bucket, Key="x.wav", Body=data, **more)
    return f"s3://{bucket}/x.wav"


def test_the_store_copies_by_itself_what_it_has(s3: S3Server) -> None:
    """With a checksum of its own not a byte comes through here; without one the source is read, once."""
    store = store_at(s3)
    store.client = counting = Counting(store.client)
    assert inside(s3, store).copy(raw(s3, tone(1), ChecksumAlgorithm="SHA256"), "a", sha256(tone(1)))
    assert counting.asked.count("copy_object") == 1
    assert not {"get_object", "put_object"} & set(counting.asked)
    assert inside(s3, store).copy(raw(s3, tone(2)), "b", sha256(tone(2)))
    assert (counting.asked.count("copy_object"), counting.asked.count("put_object")) == (2, 0)
    assert [store.digest(name) for name in "ab"] == [(sha256(tone(n)), len(tone(n))) for n in (1, 2)]


def test_what_is_there_is_not_copied_again(s3: S3Server) -> None:
    """A second run asks for it and is done."""
    store, source = store_at(s3), raw(s3, tone(1))
    assert inside(s3, store).copy(source, "a", sha256(tone(1)))
    store.client = counting = Counting(store.client)
    assert not inside(s3, store).copy(source, "a", sha256(tone(1)))
    assert counting.asked == ["head_object"]


def test_beyond_the_limit_of_one_copy_it_is_copied_in_parts(s3: S3Server) -> None:
    """The same bytes; the store's checksum of parts is not taken for the object's."""
    data = bytes(range(256)) * (12 * MIB // 256) + b"end"
    store, source = store_at(s3), raw(s3, data)
    copied = inside(s3, store, copy_bytes_max=5 * MIB, copy_part_bytes=5 * MIB)
    store.client = counting = Counting(store.client)
    assert copied.copy(source, "a", sha256(data))
    assert (counting.asked.count("upload_part_copy"), counting.asked.count("copy_object")) == (3, 0)
    assert store.digest("a") == store.held("a") == (sha256(data), len(data))


@pytest.mark.parametrize("checksum", [{}, {"ChecksumAlgorithm": "SHA256"}])
def test_other_bytes_never_appear(s3: S3Server, checksum: dict[str, str]) -> None:
    """Whether the store says what they are or they are read."""
    store = store_at(s3)
    with pytest.raises(WrongBytes):
        inside(s3, store).copy(raw(s3, tone(1), **checksum), "a", sha256(tone(2)))
    assert store.names("") == []
    with pytest.raises(WrongBytes, match="nothing is at"):
        inside(s3, store).copy(f"s3://{store.bucket}/nowhere", "a", sha256(tone(2)))


def test_a_source_exchanged_after_it_was_proven_is_not_copied(s3: S3Server) -> None:
    """The copy is of the very object that was read: another one under its name stops it."""
    store, source = store_at(s3), raw(s3, tone(1))
    bucket = source.split("/")[2]

    class Exchanging(Counting):
        def __getattr__(self, name: str) -> Any:
            if name == "copy_object":
                s3.client().put_object(Bucket=bucket, Key="x.wav", Body=tone(2))
            return super().__getattr__(name)

    store.client = Exchanging(store.client)
    assert not inside(s3, store).copy(source, "a", sha256(tone(1)))
    assert store.held("a") is None


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_copy_of_unknown_outcome_is_read_back(s3: S3Server, when: str) -> None:
    """Lost on the way there or back: in the end it is there, once, and known as ours."""
    store = store_at(s3)
    store.client = Faulty(store.client, "copy_object", iter([("before", slow_down()), (when, timed_out())]))
    assert inside(s3, store).copy(raw(s3, tone(1)), "a", sha256(tone(1)))
    assert store.digest("a") == (sha256(tone(1)), len(tone(1)))


def test_a_locked_release_locks_its_media(s3: S3Server) -> None:
    """As every other object of it."""
    store = store_at(s3, object_lock_mode="COMPLIANCE", object_lock_days="1", legal_hold="true")
    assert inside(s3, store).copy(raw(s3, tone(1)), "a", sha256(tone(1)))
    head = store.client.head_object(Bucket=store.bucket, Key="releases/a")
    assert (head["ObjectLockMode"], head["ObjectLockLegalHoldStatus"]) == ("COMPLIANCE", "ON")


def test_files_go_into_s3_in_bounded_parts(s3: S3Server, tmp_path: Path) -> None:
    """A file of this machine, larger than a part; where it is not what was promised, nothing appears."""
    data = bytes(range(251)) * 50_000
    (tmp_path / "x").write_bytes(data)
    store = store_at(s3)
    store.part_bytes = 5 * MIB
    through = copying(MediaObjects(tmp_path, s3.options), store, s3.options)
    with pytest.raises(WrongBytes):
        through.copy("x", "a", sha256(b"other"))
    assert store.names("") == []
    assert through.copy("x", "a", sha256(data))
    assert store.digest("a") == (sha256(data), len(data))


class Breaking:
    """A body that breaks off after its first block, as often as it is told to."""

    def __init__(self, body: Any, breaks: Iterator[None]) -> None:
        self._body, self._breaks = body, breaks

    def iter_chunks(self, _size: int) -> Iterator[bytes]:
        from botocore.exceptions import ResponseStreamingError

        for block in self._body.iter_chunks(100):
            yield block
            if next(self._breaks, 0) is None:
                raise ResponseStreamingError(error="broken off")


def test_a_read_that_breaks_off_goes_on_where_it_stopped(s3: S3Server) -> None:
    """The bytes come once each; a store that always breaks off is unavailable in the end."""
    bucket, key = raw(s3, tone(1)).removeprefix("s3://").split("/")
    media = S3Media(s3.options, sleep=lambda _s: None)
    real = media.client

    class Client:
        def __init__(self, breaks: int) -> None:
            self.breaks = iter([None] * breaks)

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def get_object(self, **asked: Any) -> Any:
            answer = real.get_object(**asked)
            return {**answer, "Body": Breaking(answer["Body"], self.breaks)}

    media.client = Client(3)
    assert b"".join(media.blocks(bucket, key)) == tone(1)
    media.client = Client(1000)
    with pytest.raises(Unavailable, match="broken off"):
        b"".join(media.blocks(bucket, key))


def test_credentials_that_do_not_reach_are_said_not_taken_for_missing(s3: S3Server) -> None:
    """A forbidden object holds nothing back silently: the build stops and says what is needed."""
    source = raw(s3, tone(1))
    wrong = {**s3.options, "aws_secret_access_key": "wrong"}
    with pytest.raises(Unavailable, match="reading s3://"):
        MediaObjects(Path("/"), wrong).digest(source)

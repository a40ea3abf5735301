"""Where releases are kept: one contract, both drivers; S3 is a real server."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.edges.release_directory import DirectoryReleases
from gatekeeper.edges.release_s3 import S3Releases
from gatekeeper.edges.release_store import release_store
from gatekeeper.errors import BadInput, Refused, Unavailable
from tests.support.s3 import S3Server

Store = DirectoryReleases | S3Releases
PART = 5 * 1024 * 1024


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def on_s3(server: S3Server, bucket: str, **options: str) -> S3Releases:
    return S3Releases(f"s3://{bucket}/some/releases", server.options | options, sleep=lambda _s: None, part_bytes=PART)


@pytest.fixture(params=["directory", "s3"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """The same place again, as another publisher opens it."""
    if request.param == "directory":
        return lambda: DirectoryReleases(tmp_path / "releases")
    server: S3Server = request.getfixturevalue("s3")
    bucket = server.bucket()
    return lambda: on_s3(server, bucket)


def test_what_was_put_is_never_overwritten(opened: Callable[[], Store]) -> None:
    """The first put of a name stands; the second is told so and changes nothing."""
    store = opened()
    assert store.put_new("d/v/manifest.json", b"one")
    assert not store.put_new("d/v/manifest.json", b"two")
    assert not opened().put_new("d/v/manifest.json", b"one")
    assert store.read("d/v/manifest.json") == b"one"


def test_of_many_who_put_one_name_at_once_one_wins(opened: Callable[[], Store]) -> None:
    """However the puts interleave, exactly one is told that it made the file, and its bytes are there."""
    begin, won = threading.Barrier(6), []

    def put(number: int) -> None:
        store, data = opened(), b"publisher %d" % number
        begin.wait()
        if store.put_new("d/v/manifest.json", data):
            won.append(data)

    threads = [threading.Thread(target=put, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [opened().read("d/v/manifest.json")] == won


def test_nothing_is_none_and_no_names(opened: Callable[[], Store]) -> None:
    """What is not there is not an error."""
    store = opened()
    assert (store.read("x"), store.digest("x"), store.names("x")) == (None, None, [])


@pytest.mark.parametrize("size", [0, 10, PART + 7, 2 * PART])
def test_a_file_arrives_whole(opened: Callable[[], Store], tmp_path: Path, size: int) -> None:
    """Small and in parts alike: its bytes, its digest, and never over another."""
    data = bytes(range(251)) * (size // 251 + 1)
    source = tmp_path / "part"
    source.write_bytes(data[:size])
    store = opened()
    assert store.put_file("d/v/data/part", source, sha(data[:size]))
    assert store.digest("d/v/data/part") == (sha(data[:size]), size)
    assert not store.put_file("d/v/data/part", source, sha(data[:size]))
    assert store.names("d") == ["v/data/part"]


def test_a_file_that_is_not_what_was_promised_does_not_appear(opened: Callable[[], Store], tmp_path: Path) -> None:
    """A candidate changed after its manifest was written is not published."""
    source = tmp_path / "part"
    source.write_bytes(b"tampered")
    with pytest.raises(Refused):
        opened().put_file("d/v/data/part", source, sha(b"as built"))
    assert opened().names("d") == []


def test_a_pointer_moves_only_from_where_it_was_seen(opened: Callable[[], Store]) -> None:
    """Whoever saw an older pointer is refused."""
    store = opened()
    assert not store.replace("latest.json", b"zero", b"one")
    assert store.replace("latest.json", None, b"one")
    assert not store.replace("latest.json", None, b"other")
    assert store.replace("latest.json", b"one", b"two")
    assert not opened().replace("latest.json", b"one", b"three")
    assert store.read("latest.json") == b"two"


def test_pyarrow_reads_the_same_files(opened: Callable[[], Store]) -> None:
    """What the loader reads is what was put."""
    store = opened()
    store.put_new("d/v/x", b"abc")
    with store.files.open_input_file("d/v/x") as stream:
        assert stream.read() == b"abc"


# --- S3 that is busy, silent, locked


class Faulty:
    """The client, but some calls of ``method`` raise before or after the real server did what was asked."""

    def __init__(self, client: Any, method: str, faults: Iterator[tuple[str, Exception]]) -> None:
        self._client, self._method, self._faults = client, method, faults

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name != self._method:
            return real

        def call(**arguments: Any) -> Any:
            when, fault = next(self._faults, ("", None))
            if when == "before":
                raise fault
            answer = real(**arguments)
            if when == "after":
                raise fault
            return answer

        return call


def slow_down() -> Exception:
    from botocore.exceptions import ClientError

    answer = {"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
    return ClientError(answer, "PutObject")


def timed_out() -> Exception:
    from botocore.exceptions import ReadTimeoutError

    return ReadTimeoutError(endpoint_url="http://somewhere")


def test_a_put_of_unknown_outcome_that_stood_is_ours(s3: S3Server) -> None:
    """The answer was lost, the retry hears "it exists": reading back shows our own mark."""
    store = on_s3(s3, s3.bucket())
    store.client = Faulty(store.client, "put_object", iter([("after", timed_out())]))
    assert store.put_new("m", b"same bytes")


def test_a_put_of_unknown_outcome_that_another_won_is_not_ours(s3: S3Server) -> None:
    """Even with the same bytes: of two publishers one wins."""
    store, other = on_s3(s3, bucket := s3.bucket()), on_s3(s3, bucket)
    assert other.put_new("m", b"same bytes")
    store.client = Faulty(store.client, "put_object", iter([("before", timed_out())]))
    assert not store.put_new("m", b"same bytes")


def test_a_multipart_upload_of_unknown_outcome_that_stood_is_ours(s3: S3Server, tmp_path: Path) -> None:
    """The same for what is completed in parts; a busy part is sent again."""
    source, data = tmp_path / "part", b"x" * (PART + 1)
    source.write_bytes(data)
    store = on_s3(s3, s3.bucket())
    store.client = Faulty(store.client, "complete_multipart_upload", iter([("after", timed_out())]))
    store.client = Faulty(store.client, "upload_part", iter([("before", slow_down()), ("after", slow_down())]))
    assert store.put_file("m", source, sha(data))
    assert store.digest("m") == (sha(data), len(data))


def test_a_busy_store_is_asked_again_and_in_the_end_unavailable(s3: S3Server) -> None:
    """503 passes; a store that stays busy is an error that says so, and nothing is there."""
    store = on_s3(s3, s3.bucket())
    real = store.client
    store.client = Faulty(real, "put_object", iter([("before", slow_down())] * 3))
    assert store.put_new("m", b"data")
    store.client = Faulty(real, "put_object", iter([("before", slow_down())] * 100))
    with pytest.raises(Unavailable, match="writing n"):
        store.put_new("n", b"data")
    assert store.read("n") is None


def test_a_bucket_that_is_not_there_is_unavailable(s3: S3Server) -> None:
    """Not an empty place: nobody publishes into nothing."""
    with pytest.raises(Unavailable):
        on_s3(s3, "no-such-bucket").read("m")


def test_a_locked_release_cannot_be_deleted(s3: S3Server) -> None:
    """With Object Lock and a legal hold, who may write may still not take a version away."""
    bucket = s3.bucket(locked=True)
    options = {"object_lock_mode": "COMPLIANCE", "object_lock_days": "1", "legal_hold": "true"}
    store = on_s3(s3, bucket, **options)
    assert store.put_new("m", b"data")
    head = store.client.head_object(Bucket=bucket, Key="some/releases/m")
    assert (head["ObjectLockMode"], head["ObjectLockLegalHoldStatus"]) == ("COMPLIANCE", "ON")
    with pytest.raises(store.client.exceptions.ClientError):
        store.client.delete_object(Bucket=bucket, Key="some/releases/m", VersionId=head["VersionId"])


def test_places_and_options_nobody_knows_are_refused(tmp_path: Path, s3: S3Server) -> None:
    """A typing mistake is not ignored."""
    with pytest.raises(BadInput, match="gs://"):
        release_store("gs://bucket", {}, tmp_path, lambda: 0)
    with pytest.raises(BadInput, match="legal_holds"):
        release_store("s3://bucket", {"legal_holds": "true"}, tmp_path, lambda: 0)

"""Policies and declarations kept by digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.core.layout import Kept, build_in_lake
from gatekeeper.core.policy import digest_of
from gatekeeper.edges.kept import DATASET, POLICY, KeptDocuments
from gatekeeper.errors import Bug, Unavailable


@pytest.fixture(params=["directory", "uri"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> KeptDocuments:
    return KeptDocuments(tmp_path if request.param == "directory" else tmp_path.as_uri())


def test_what_was_kept_is_found_by_its_digest(kept: KeptDocuments) -> None:
    """Years later, and however often it was kept."""
    document = {"purposes": ["service"], "ä": None}
    assert kept.put(POLICY, document) == digest_of(document)
    assert kept.put(POLICY, dict(reversed(document.items()))) == digest_of(document)
    assert kept.get(POLICY, digest_of(document)) == document


def test_what_was_never_kept_is_not_found(kept: KeptDocuments) -> None:
    """A declaration is not found among the policies."""
    digest = kept.put(DATASET, {"name": "d"})
    assert kept.get(POLICY, digest) is None


@pytest.mark.parametrize("changed", [b"", b"{", b'{"name":"e"}', b"[]", b"null"])
def test_a_changed_file_is_not_believed(kept: KeptDocuments, tmp_path: Path, changed: bytes) -> None:
    """What is read must have the digest it is read by."""
    digest = kept.put(DATASET, {"name": "d"})
    (tmp_path / build_in_lake(Kept(DATASET, digest))).write_bytes(changed)
    with pytest.raises(Unavailable, match="is not what it was"):
        kept.get(DATASET, digest)


def test_a_digest_that_is_none_reaches_no_file(kept: KeptDocuments) -> None:
    """A malformed digest is our own mistake."""
    with pytest.raises(Bug, match="part of a name"):
        kept.get(POLICY, "sha256:../../secret")

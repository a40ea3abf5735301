"""What a commit says about itself, and when a slice may be committed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.commits import CommitMetadata, SliceClaim

OFFSETS = st.integers(-1, 2**63 - 1)
CLAIMS = st.builds(SliceClaim, st.integers(0, 2**31 - 1), OFFSETS, OFFSETS, OFFSETS, st.text(), st.integers())


def claim(partition: int = 0, base: int = 4, last: int = 9, position: int = 100) -> SliceClaim:
    return SliceClaim(partition, base, last, position, "sha256:x", 0)


@given(st.text(), st.text(), st.lists(CLAIMS, max_size=4))
def test_metadata_is_read_as_it_was_written(batch: str, worker: str, claims: list[SliceClaim]) -> None:
    """Whatever ids and numbers a commit carries, the next reader sees the same."""
    metadata = CommitMetadata(batch, worker, tuple(claims))
    assert CommitMetadata.from_custom(metadata.to_custom()) == metadata


def test_custom_metadata_is_strings_by_name() -> None:
    """Nothing depends on how a Delta writer renders numbers or lists."""
    assert all(isinstance(value, str) for value in CommitMetadata("b", "w", (claim(),)).to_custom().values())


def test_somebody_elses_commit_has_no_metadata_of_ours() -> None:
    """A compaction or a hand-made commit is not mistaken for a batch."""
    assert CommitMetadata.from_custom({"operation": "OPTIMIZE"}) is None

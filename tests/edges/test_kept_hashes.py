"""Hashes of data files, kept from one process to the next: a cache that may be lost, damaged or full."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gatekeeper.core.asset_hash import Hashes
from gatekeeper.edges.kept_hashes import KeptHashes

HASHES = np.array([3, 5, 8], np.uint64)


def made() -> Hashes:
    return HASHES


def never() -> Hashes:
    raise AssertionError("worked out again")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    KeptHashes(tmp_path / "kept").of("part-1.parquet", made)
    return tmp_path / "kept"


def test_a_file_is_worked_out_once(root: Path) -> None:
    """Another process finds it."""
    assert KeptHashes(root).of("part-1.parquet", never).tolist() == HASHES.tolist()


@pytest.mark.parametrize("damage", [b"", b"torn", b"\x93NUMPY\x01\x00"])
def test_a_damaged_file_is_worked_out_again(root: Path, damage: bytes) -> None:
    """And then it is whole."""
    (kept,) = root.iterdir()
    kept.write_bytes(damage)
    assert KeptHashes(root).of("part-1.parquet", made).tolist() == HASHES.tolist()
    assert KeptHashes(root).of("part-1.parquet", never).tolist() == HASHES.tolist()


def test_another_files_hashes_are_never_taken(root: Path) -> None:
    """Names differ, so places do."""
    with pytest.raises(AssertionError, match="worked out again"):
        KeptHashes(root).of("part-2.parquet", never)


def test_files_the_table_no_longer_has_are_forgotten(root: Path) -> None:
    """Those it has stay."""
    store = KeptHashes(root)
    store.of("part-2.parquet", made)
    store.only(["part-2.parquet"])
    assert len(list(root.iterdir())) == 1
    store.of("part-2.parquet", never)


def test_a_place_that_cannot_be_written_costs_the_cache_only(tmp_path: Path) -> None:
    """The hashes are the same, whoever asks."""
    (tmp_path / "kept").write_text("a file where the folder should be")
    assert KeptHashes(tmp_path / "kept").of("part-1.parquet", made).tolist() == HASHES.tolist()

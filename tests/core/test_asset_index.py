"""The index of a dataset table: it may be wrong about a hit, never about a miss."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.asset_hash import asset_hash
from gatekeeper.core.asset_index import AssetIndex

TEXTS = st.lists(st.text(max_size=20), max_size=30)


@given(TEXTS)
def test_a_hash_depends_on_the_id_alone(ids: list[str]) -> None:
    """Whatever stands beside an id, and however the column is cut, its hash is the same."""
    together = asset_hash(pa.chunked_array([ids[:3], ids[3:]], pa.string()))
    alone = [int(asset_hash(pa.array([text]))[0]) for text in ids]
    assert together.tolist() == alone
    assert asset_hash(pa.array(ids, pa.string()).slice(len(ids) // 2)).tolist() == alone[len(ids) // 2 :]


def test_ids_that_differ_little_have_different_hashes() -> None:
    """Padding, length and order of bytes all count."""
    ids = [
        "",
        "\0",
        "\0\0",
        "a",
        "a\0",
        "aa",
        "abcdefgh",
        "abcdefgh\0",
        "abcdefghi",
        "hgfedcba",
        "é",
        *map(str, range(50_000)),
    ]
    assert len(set(asset_hash(pa.array(ids)).tolist())) == len(ids)


def test_hashes_spread_over_small_numbers() -> None:
    """Ids that count up fill every one of 64 boxes about evenly."""
    boxes = np.bincount((asset_hash(pa.array([f"asset-{n}" for n in range(64_000)])) % np.uint64(64)).astype(np.int64))
    assert boxes.min() > 800
    assert boxes.max() < 1200


def test_an_asset_without_an_id_is_a_mistake() -> None:
    """A null is not hashed as if it were some asset."""
    with pytest.raises(ValueError, match="null"):
        asset_hash(pa.array(["a", None]))


FILES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(st.lists(st.integers(0, 40), max_size=12), max_size=3)),
        st.tuples(st.just("drop"), st.integers(0, 10)),
    ),
    max_size=25,
)


@given(FILES, st.lists(st.integers(0, 45), max_size=20, unique=True))
def test_the_index_finds_exactly_the_files_of_a_hash(steps: list[tuple[str, object]], asked: list[int]) -> None:
    """After any adding and dropping, a look-up gives what a dictionary of files would."""
    index, files = AssetIndex(), dict[str, set[int]]()
    for number, (verb, what) in enumerate(steps):
        if verb == "add":
            assert isinstance(what, list)
            added = {f"f{number}-{which}": hashes for which, hashes in enumerate(what)}
            index.add({path: np.array(hashes, np.uint64) for path, hashes in added.items()})
            files.update((path, set(hashes)) for path, hashes in added.items())
        elif files:
            assert isinstance(what, int)
            path = sorted(files)[what % len(files)]
            index.drop(path)
            del files[path]
    found = {
        path: {asked[place] for place in places} for path, places in index.find(np.array(asked, np.uint64)).items()
    }
    assert {path: set(hits) for path, hits in found.items()} == {
        p: h & set(asked) for p, h in files.items() if h & set(asked)
    }
    assert index.paths == files.keys()


def test_a_file_is_added_once() -> None:
    """A second time would let its rows be counted twice."""
    index = AssetIndex()
    index.add({"f": np.array([1], np.uint64)})
    with pytest.raises(ValueError, match="already"):
        index.add({"g": np.array([2], np.uint64), "f": np.array([2], np.uint64)})
    assert index.paths == {"f"}

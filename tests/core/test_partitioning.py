"""Where a keyed record belongs: as the clients' own partitioners say."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.partitioning import crc32_partitions, murmur2_partitions

KEYS = st.lists(st.text(min_size=1, max_size=40), max_size=30)


@given(KEYS, st.integers(1, 50))
def test_murmur2_is_what_the_client_computes(keys: list[str], count: int) -> None:
    """Every key lands where kafka-python's default partitioner sends it."""
    murmur2 = pytest.importorskip("kafka.partitioner.default").murmur2
    expected = [(murmur2(key.encode()) & 0x7FFFFFFF) % count for key in keys]
    assert murmur2_partitions(pa.array(keys, pa.string()), count).tolist() == expected


def test_a_slice_of_an_array_is_read_at_its_place() -> None:
    """Sliced Arrow arrays are hashed from their own first key on."""
    keys = pa.array(["one", "two", "three", "four", "fifteen"])
    assert murmur2_partitions(keys, 7).tolist()[2:] == murmur2_partitions(keys[2:], 7).tolist()


def test_crc32_known_values() -> None:
    """CRC-32 of the check string is 0xCBF43926 (ITU-T V.42)."""
    assert crc32_partitions(pa.array(["123456789"]), 1000).tolist() == [0xCBF43926 % 1000]

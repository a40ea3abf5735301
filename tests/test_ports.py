"""The values that cross between logs and stages."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from gatekeeper.ports import ContentBlock


@pytest.mark.parametrize("rows_max", [1, 2, 3, 100])
@pytest.mark.parametrize("keyed", [True, False])
def test_parts_of_a_block_are_the_block(rows_max: int, keyed: bool) -> None:
    """Every record once, in order, with its key and its own offset; no part is larger than asked for."""
    values = pa.array([b"a", None, b"c", b"", b"e"], pa.binary())
    block = ContentBlock("content", 3, np.array([4, 5, 9, 10, 12]), values if keyed else None, values, 100)
    parts = list(block.parts(rows_max))
    assert max(map(len, parts)) <= rows_max
    assert np.concatenate([part.offsets for part in parts]).tolist() == block.offsets.tolist()
    assert pa.concat_arrays([part.values for part in parts]).equals(values)
    assert [part.keys is None for part in parts] == [not keyed] * len(parts)
    assert {(part.topic, part.partition) for part in parts} == {("content", 3)}

"""Lines of a stream, however it is cut."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.stages.append import blocks

LINES = st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"").replace(b"\r", b"")), max_size=30)


@given(LINES, st.integers(1, 50), st.booleans())
def test_blocks_hold_every_line_once_in_order(lines: list[bytes], block_bytes: int, last_newline: bool) -> None:
    """Whatever the block's size, the lines are those of the stream; the last one needs no newline."""
    text = b"\n".join(lines) + (b"\n" if last_newline and lines else b"")
    expected = text.split(b"\n")
    expected = expected[:-1] if expected[-1] == b"" else expected
    found = [line for block in blocks(io.BytesIO(text), block_bytes, 10**6) for line in block]
    assert found == expected


@given(st.integers(1, 50), st.integers(1, 100))
def test_a_line_beyond_the_limit_ends_the_stream(block_bytes: int, line_bytes_max: int) -> None:
    """Of an endless line only so much is read that it can be refused."""
    source = io.BytesIO(b"good\n" + b"x" * 10_000)
    found = [line for block in blocks(source, block_bytes, line_bytes_max) for line in block]
    assert found[0] == b"good" or len(b"good") > line_bytes_max
    assert line_bytes_max < len(found[-1]) <= line_bytes_max + block_bytes
    assert source.tell() <= 5 + line_bytes_max + 2 * block_bytes

"""Evidence as text: ``<statement>@<rights position>#<policy digest>``, for many rows at once.

Rules of this file: a statement is a number while deciding (a rights position, or the place of a text beyond
``SPECIAL``) and becomes text once, however many uses it decided.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.snapshot.keys import Rows

SPECIAL = 1 << 52
"""Statement numbers from here on are places among the special texts."""

_FOUR_DIGITS = np.frombuffer("".join(f"{i:04d}" for i in range(10_000)).encode(), np.uint32)
HEAD = b"rights:"


def evidence_texts(statements: Rows, specials: pa.Array, rights_position: int, digest: str) -> pa.Array:
    """N statement numbers and the special texts → n strings."""
    suffix = f"@{rights_position}#{digest}"
    groups = list(_by_digits(statements))
    named = pc.binary_join_element_wise(specials, suffix, "")
    lengths = [len(HEAD) + digits + len(suffix) for digits, _ in groups]
    ordinary = sum(len(rows) * length for (_, rows), length in zip(groups, lengths, strict=True))
    named_at = np.frombuffer(named.buffers()[1], np.int32)[named.offset : named.offset + len(named) + 1]
    data = np.empty(ordinary + int(named_at[-1] - named_at[0]), np.uint8)
    data[ordinary:] = np.frombuffer(named.buffers()[2], np.uint8)[named_at[0] : named_at[-1]]
    count = sum(len(rows) for _, rows in groups)
    order = statements + (count - SPECIAL)
    offsets = np.empty(count + len(named) + 1, np.int32)
    offsets[count:] = named_at - named_at[0] + ordinary
    text = byte = 0
    for (digits, rows), length in zip(groups, lengths, strict=True):
        end = byte + len(rows) * length
        order[rows] = np.arange(text, text + len(rows))
        offsets[text : text + len(rows)] = np.arange(byte, end, length)
        _write_rights(data[byte:end], statements.take(rows), digits, suffix)
        text, byte = text + len(rows), end
    texts = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))
    return texts.take(pa.array(order))


def _by_digits(numbers: Rows) -> Iterator[tuple[int, Rows]]:
    """The rights positions among the numbers, by how many digits they have."""
    rows = np.flatnonzero(numbers < SPECIAL)
    positions = numbers.take(rows)
    while len(rows):
        digits = len(str(int(positions.max())))
        widest = positions >= (10 ** (digits - 1) if digits > 1 else 0)
        yield digits, rows.compress(widest)
        rows, positions = rows.compress(~widest), positions.compress(~widest)


def _write_rights(data: npt.NDArray[np.uint8], positions: Rows, digits: int, suffix: str) -> None:
    """``rights:<position><suffix>`` for positions with the same number of digits, one after another.

    Figures are written four at a time from the right; the last four may reach into the head, which is written after
    them.
    """
    text = HEAD + b"0" * digits + suffix.encode()
    fours = -(-digits // 4)
    starts = [len(HEAD) + digits - 4 * (nth + 1) for nth in range(fours)]
    layout = np.dtype(
        {
            "names": ["whole", "head", *map(str, range(fours))],
            "formats": [f"V{len(text)}", f"V{len(HEAD)}", *["<u4"] * fours],
            "offsets": [0, 0, *starts],
            "itemsize": len(text),
        }
    )
    block = data.view(layout)
    block["whole"] = np.void(text)
    rest = positions.astype(np.uint32) if digits < 10 else positions
    for nth in range(fours):
        higher = rest // 10_000
        block[str(nth)] = _FOUR_DIGITS.take(rest - higher * 10_000)
        rest = higher
    block["head"] = np.void(HEAD)

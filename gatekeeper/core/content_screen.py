"""Which records of a block may be shown to pyarrow's JSON reader, found without parsing any."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.content_rows import Flags


def naming(values: pa.BinaryArray, names: list[str]) -> Flags:
    """Records that seem to hold one of the names: only a hint, to keep them from spoiling a block for the others."""
    flags = np.zeros(len(values), bool)
    for name in names:
        flags |= pc.match_substring(values, f'"{name}"').to_numpy(zero_copy_only=False)
    return flags


def one_line_objects(values: pa.BinaryArray) -> Flags:
    """Records that begin with ``{``, end with ``}``, hold no line break and are UTF-8."""
    _, ends_buffer, letters_buffer = values.buffers()
    ends = np.frombuffer(ends_buffer, np.int32)[values.offset : values.offset + len(values) + 1]
    letters = np.frombuffer(letters_buffer, np.uint8) if letters_buffer else np.empty(0, np.uint8)
    flags = np.diff(ends) >= 2
    firsts, lasts = ends[:-1][flags], ends[1:][flags] - 1
    flags[flags] = (letters[firsts] == ord("{")) & (letters[lasts] == ord("}"))
    breaks = np.flatnonzero(letters[ends[0] : ends[-1]] == ord("\n")) + ends[0]
    if len(breaks):
        flags[np.searchsorted(ends, breaks, side="right") - 1] = False
    return flags & _utf8(values)


def _utf8(values: pa.BinaryArray) -> Flags:
    try:
        values.cast(pa.string())
    except pa.ArrowInvalid:
        if len(values) == 1:
            return np.zeros(1, bool)
        half = len(values) // 2
        return np.concatenate([_utf8(values.slice(0, half)), _utf8(values.slice(half))])
    return np.ones(len(values), bool)

"""What looks like a secret or a person in columns of any shape. Names what it looks like and where, never the value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.suites import Screening

NO_FINDING = ""

Leaf = tuple[str, pa.Array, npt.NDArray[np.int64]]
"""(path, n strings, the row of each)."""


def named_like_a_secret(name: str, screening: Screening) -> bool:
    """Whether the name of a column promises a secret or a person."""
    return any(re.search(pattern, name, re.IGNORECASE) for pattern in screening.names)


def screened(rows: pa.Table, screening: Screening) -> list[str]:
    """A finding for each row, ``NO_FINDING`` where nothing was found: ``e-mail address in title``.

    Raises ``pyarrow.ArrowInvalid`` for a pattern that is none.
    """
    found = [NO_FINDING] * rows.num_rows
    names = "|".join(f"(?:{pattern})" for pattern in screening.names)
    for column in rows.column_names:
        for path, texts, parents in leaves(rows[column].combine_chunks(), column):
            for kind, hits in _hits(texts, screening.values):
                _note(found, parents[hits], f"{kind} in {path}")
            if names and path == "attributes.key":
                _note(found, parents[_matching(texts, names)], f"telling name in {path}")
            if names and path == "extra":
                _note(found, parents[_matching(texts, rf'"[^"]*(?:{names})[^"]*"\s*:')], f"telling name in {path}")
    return found


def leaves(array: pa.Array, path: str) -> Iterator[Leaf]:
    """The texts inside an array of any nesting, each with the row it stands in. A map gives ``.key`` and ``.value``."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks() if array.num_chunks != 1 else array.chunk(0)
    yield from _leaves(array, path, np.arange(len(array)))


def _leaves(array: pa.Array, path: str, rows: npt.NDArray[np.int64]) -> Iterator[Leaf]:
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from _leaves(array.dictionary_decode(), path, rows)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield path, array, rows
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        yield path, pc.cast(array, pa.string()), rows
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(pc.struct_field(array, field.name), f"{path}.{field.name}", rows)
    elif pa.types.is_map(kind):
        within, parents = _inside(array, rows)
        yield from _leaves(array.keys.slice(*within), f"{path}.key", parents)
        yield from _leaves(array.items.slice(*within), f"{path}.value", parents)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        within, parents = _inside(array, rows)
        yield from _leaves(array.values.slice(*within), path, parents)


def _inside(array: pa.Array, rows: npt.NDArray[np.int64]) -> tuple[tuple[int, int], npt.NDArray[np.int64]]:
    """Where the elements of a list array lie among its values (offset, length), and the row of each."""
    offsets = array.offsets.to_numpy(zero_copy_only=False)
    return (int(offsets[0]), int(offsets[-1] - offsets[0])), np.repeat(rows, np.diff(offsets))


def _hits(texts: pa.Array, patterns: Mapping[str, str]) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """What each pattern matches; all are tried at once first, because next to nothing is a match."""
    if not patterns:
        return
    suspects = _matching(texts, "|".join(f"(?:{pattern})" for pattern in patterns.values()))
    if len(suspects):
        few = texts.take(pa.array(suspects))
        for kind, pattern in patterns.items():
            yield kind, suspects[_matching(few, pattern)]


def _matching(texts: pa.Array, pattern: str) -> npt.NDArray[np.int64]:
    found = pc.match_substring_regex(texts, pattern, ignore_case=True)
    return np.flatnonzero(pc.fill_null(found, False).to_numpy(zero_copy_only=False))


def _note(found: list[str], rows: npt.NDArray[np.int64], finding: str) -> None:
    for row in rows.tolist():
        if not found[row]:
            found[row] = finding
        elif finding not in found[row].split("; "):
            found[row] += f"; {finding}"

"""What is erased of a person, and what stays, so that decisions can still be checked (design §6).

Rules of this file: erased is what describes a recording and no decision rests on; ids, identifiers, interests, licence,
tags, reservations and times stay, because a decision is a function of them. Of a record that is no event everything but
its place and reason goes, for nobody can say what in it is whose.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

ERASED = ("title", "artists", "media_uri", "attributes", "extra")
"""Columns of the catalogue and of the datasets."""
KINDS = ("account", "asset")

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Erasure:
    """``subject`` is ``account:ID`` or ``asset:ID``; ``erased_at`` an instant as text."""

    subject: str
    because: str
    erased_at: str

    @property
    def column(self) -> str:
        """The column its id stands in."""
        return f"{self.subject.partition(':')[0]}_id"

    @property
    def key(self) -> str:
        return self.subject.partition(":")[2]

    def to_document(self) -> dict[str, Any]:
        """As it is kept in the lake."""
        said = {"subject": self.subject, "because": self.because, "erased_at": self.erased_at}
        return {**said, "fields": list(ERASED)}


def erasure_of(document: Mapping[str, Any]) -> Erasure:
    """Raises ``KeyError`` where it is none."""
    return Erasure(document["subject"], document["because"], document["erased_at"])


def concerned(rows: pa.Table, erasure: Erasure) -> Bools:
    """Which rows of the catalogue or a dataset are the person's and still hold what is to be erased."""
    mine = pc.equal(rows[erasure.column], erasure.key)
    told = [pc.is_valid(rows[name]) for name in ERASED]
    for column in told[1:]:
        told[0] = pc.or_(told[0], column)
    found: Bools = pc.fill_null(pc.and_(mine, told[0]), False).to_numpy()
    return found


def erased(rows: pa.Table, which: Bools) -> pa.Table:
    """The same rows, without the fields."""
    keep = pa.array(~which)
    for name in ERASED:
        at, field = rows.schema.get_field_index(name), rows.schema.field(name)
        parts = [rows[name].filter(keep), pa.chunked_array([pa.nulls(int(which.sum()), field.type)])]
        order = np.empty(rows.num_rows, np.int64)
        order[np.flatnonzero(~which)] = np.arange(int((~which).sum()))
        order[np.flatnonzero(which)] = np.arange(int((~which).sum()), rows.num_rows)
        joined = pa.chunked_array([chunk for part in parts for chunk in part.chunks], field.type)
        rows = rows.set_column(at, field, joined.take(pa.array(order)))
    return rows


def letters_concerned(letters: pa.Table, erasure: Erasure) -> Bools:
    """Which dead letters name the person, or may: what cannot be read is searched for the id in quotes."""
    return np.array([_names(value, erasure) for value in letters["value"].to_pylist()], np.bool_)


def letters_erased(letters: pa.Table, which: Bools) -> pa.Table:
    """The same places and reasons; of the bytes only their number and digest."""
    values, details = letters["value"].to_pylist(), letters["detail"].to_pylist()
    for at in np.flatnonzero(which).tolist():
        digest = hashlib.sha256(values[at]).hexdigest()
        details[at] = f"erased: {len(values[at])} bytes with SHA-256 {digest}"
        values[at] = b""
    for name, column in (("value", values), ("detail", details)):
        at, field = letters.schema.get_field_index(name), letters.schema.field(name)
        letters = letters.set_column(at, field, pa.array(column, field.type))
    return letters


def _names(value: bytes | None, erasure: Erasure) -> bool:
    if not value:
        return False
    try:
        data = json.loads(value)["data"]
        found = data.get(erasure.column)
        if isinstance(found, str):
            return found == erasure.key
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    return json.dumps(erasure.key).encode() in value or f'"{erasure.key}"'.encode() in value

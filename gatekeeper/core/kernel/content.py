"""Content columns as flat arrays: who holds seats on which asset, and every subject an asset answers to.

Rules of this file: an *asset* is a row; a *seat* is one interest as declared, or the account's where none is declared.
Lists are read through Arrow's own kernels, so that slices and nulls mean what Arrow says. Spellings are made comparable
here (ISRC without hyphens in upper case, SHA-256 in lower case); the rest compares exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.snapshot.keys import Rows
from gatekeeper.core.subjects import normal_isrc, normal_sha256

SAMPLE_STRINGS = 1024
REPEATED_SHARE = 0.4
"""Strings are first made distinct when that leaves less than this share of them."""


@dataclass(frozen=True)
class Named:
    """Strings that may repeat: ``names``, and ``which`` of them stands at each place. Few are named twice."""

    names: pa.Array
    which: Rows


@dataclass(frozen=True)
class Owned:
    """Strings of some assets: ``asset`` says whose each is; None means one per asset, in order."""

    strings: pa.Array
    asset: Rows | None


@dataclass(frozen=True)
class Content:
    """A batch of n assets with s seats. ``party`` of a seat without interest is ``len(parties)``."""

    rows: int
    accounts: Named
    parties: pa.Array
    party: Rows
    counts: Rows
    seat_starts: Rows
    seat_asset: Rows
    roles: pa.Array
    role_asset: Rows
    assets: Owned
    isrcs: Owned
    hashes: Owned
    catalogs: Named
    catalog_asset: Rows

    @property
    def without_interests(self) -> Rows:
        return np.flatnonzero(self.counts == 0)


def read_content(batch: pa.RecordBatch) -> Content:
    """The columns of a content event → flat arrays. Raises ``KeyError`` for a column that is missing."""
    interests, catalogs = batch.column("interests"), batch.column("catalogs")
    interest, identifiers = by_field(pc.list_flatten(interests)), by_field(batch.column("identifiers"))
    counts, parties = list_counts(interests), named(interest["party_id"])
    seat_counts = np.maximum(counts, 1)
    return Content(
        rows=batch.num_rows,
        accounts=named(batch.column("account_id")),
        parties=parties.names,
        party=_seated(parties, counts),
        counts=counts,
        seat_starts=np.cumsum(seat_counts) - seat_counts,
        seat_asset=np.repeat(np.arange(len(counts)), seat_counts),
        roles=interest["role"],
        role_asset=np.repeat(np.arange(len(counts)), counts),
        assets=Owned(plain(batch.column("asset_id")), None),
        isrcs=_comparable(identifiers["isrc"], upper=True),
        hashes=_comparable(identifiers["content_sha256"], upper=False),
        catalogs=named(pc.list_flatten(catalogs)),
        catalog_asset=np.repeat(np.arange(len(counts)), list_counts(catalogs)),
    )


def _seated(parties: Named, counts: Rows) -> Rows:
    """The party of each seat; an asset without interests has one seat of no party."""
    if counts.all():
        return parties.which
    seat_counts = np.maximum(counts, 1)
    party = np.full(int(seat_counts.sum()), len(parties.names), np.int64)
    seats_before = np.cumsum(seat_counts - counts) - (seat_counts - counts)
    party[np.arange(len(parties.which)) + np.repeat(seats_before, counts)] = parties.which
    return party


def by_field(structs: pa.Array) -> dict[str, pa.Array]:
    """The fields of a struct column by name, null where the struct is."""
    return dict(zip(structs.type.names, structs.flatten(), strict=True))


def list_counts(column: pa.Array) -> Rows:
    """Elements per row, null as none; shape (n,)."""
    return pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)


def plain(strings: pa.Array) -> pa.Array:
    """Without dictionary encoding and without nulls."""
    if pa.types.is_dictionary(strings.type):
        strings = strings.dictionary_decode()
    return pc.fill_null(strings, "") if strings.null_count else strings


def named(strings: pa.Array) -> Named:
    """A column's strings, each once where that saves work. A dictionary-encoded column keeps its dictionary."""
    if not pa.types.is_dictionary(strings.type) and not _repeats(strings):
        return Named(plain(strings), np.arange(len(strings)))
    encoded = strings if pa.types.is_dictionary(strings.type) else strings.dictionary_encode()
    names, which = encoded.dictionary, encoded.indices
    if which.null_count:
        names = pa.concat_arrays([names, pa.array([""], names.type)])
        which = pc.fill_null(which, len(names) - 1)
    return Named(plain(names), which.to_numpy(zero_copy_only=False).astype(np.int64))


def _repeats(strings: pa.Array) -> bool:
    """Whether finding equal strings costs less than looking each of them up: a guess from the pairs in a sample."""
    if len(strings) <= SAMPLE_STRINGS:
        return True
    sample = strings.take(pa.array(np.linspace(0, len(strings) - 1, SAMPLE_STRINGS).astype(np.int64)))
    pairs = SAMPLE_STRINGS - pc.count_distinct(sample, mode="all").as_py()
    distinct = SAMPLE_STRINGS**2 / (2 * max(pairs, 0.5))
    return bool(distinct < len(strings) * REPEATED_SHARE)


def _comparable(strings: pa.Array, *, upper: bool) -> Owned:
    """Present identifiers in their one spelling. Beyond ASCII the slow, exact way."""
    strings = (strings.dictionary_decode() if pa.types.is_dictionary(strings.type) else strings).cast(pa.string())
    present = pc.fill_null(pc.greater(pc.binary_length(strings), 0), False)
    asset = None
    if strings.null_count or not pc.all(present, min_count=0).as_py():
        asset = np.flatnonzero(present.to_numpy(zero_copy_only=False))
        strings = strings.take(pa.array(asset))
    if not _is_ascii(strings):
        normal = normal_isrc if upper else normal_sha256
        return Owned(pa.array([normal(text) for text in strings.to_pylist()], strings.type), asset)
    if not upper:
        return Owned(pc.ascii_lower(strings), asset)
    return Owned(_without_hyphens(pc.ascii_upper(strings)), asset)


def _without_hyphens(strings: pa.Array) -> pa.Array:
    return pc.replace_substring(strings, "-", "") if (_bytes(strings) == ord("-")).any() else strings


def _is_ascii(strings: pa.Array) -> bool:
    return int(_bytes(strings).max(initial=0)) < 128


def _bytes(strings: pa.Array) -> npt.NDArray[np.uint8]:
    """The characters of a string array (32-bit offsets), nothing before its first or after its last."""
    _, offset_buffer, data_buffer = strings.buffers()
    if data_buffer is None or len(strings) == 0:
        return np.empty(0, np.uint8)
    offsets = np.frombuffer(offset_buffer, np.int32)[strings.offset : strings.offset + len(strings) + 1]
    return np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]]

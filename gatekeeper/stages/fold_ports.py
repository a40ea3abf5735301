"""The tables as a fold sees them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gatekeeper.core.asset_hash import Hashes
from gatekeeper.core.commits import Outcome, WrittenFile

Places = Mapping[int, npt.NDArray[np.int64]]
"""Partition → offsets."""


class FileHashes(Protocol):
    """Ascending hashes of what each data file holds, kept from one process to the next."""

    def of(self, path: str, made: Callable[[], Hashes]) -> Hashes: ...
    def known(self, path: str) -> Hashes | None: ...
    def only(self, paths: Collection[str]) -> None: ...


class DecisionsTable(Protocol):
    """``decisions``."""

    @property
    def version(self) -> int:
        """The version loaded."""

    def refresh(self) -> None:
        """Load the newest version."""

    def read_since(
        self, version: int, through: int, columns: Sequence[str] | None = None, dataset: str | None = None
    ) -> pa.Table:
        """Rows committed as versions ``(version, through]``, with ``_commit_version``."""


class CatalogTable(Protocol):
    """``catalog``."""

    def refresh(self) -> None:
        """Load the newest version."""

    def rows_at(self, places: Places, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows at these places."""


class DatasetTable(Protocol):
    """A dataset table at one loaded version."""

    @property
    def folded(self) -> int:
        """The version of ``decisions`` it is the fold of."""

    def refresh(self) -> None:
        """Load the newest version."""

    def file_rows(self) -> Mapping[str, int]:
        """Its data files, each with its number of rows."""

    def read(self, paths: Sequence[str], columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of some of its files."""

    def write(self, rows: pa.Table) -> WrittenFile:
        """A data file nobody sees yet."""

    def replace(
        self, removed: Sequence[str], added: Sequence[WrittenFile], folded: int, metadata: Mapping[str, str]
    ) -> Outcome:
        """Some files leave, some enter, in one commit on exactly the loaded version."""

"""The tables as a sweep sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.commits import CommitMetadata
from gatekeeper.stages.gate.committing import TableHandle

Integers = npt.NDArray[np.int64]
Places = Mapping[int, Integers]
"""Partition → offsets, ascending."""


class FilesTable(Protocol):
    """A loaded version whose data files can be read one by one."""

    def refresh(self) -> None: ...
    def paths(self, within: Mapping[str, tuple[Any, Any]] | None = None) -> list[str]: ...
    def read(
        self, paths: Sequence[str], columns: Sequence[str] | None = None, where: pc.Expression | None = None
    ) -> pa.Table: ...


class PlacesTable(FilesTable, Protocol):
    """Whose rows are also found by their place."""

    def rows_at(self, places: Mapping[int, Integers], columns: Sequence[str] | None = None) -> pa.Table: ...


class CatalogTable(PlacesTable, Protocol):
    """``catalog``."""


class DecisionsTable(PlacesTable, TableHandle, Protocol):
    """``decisions``."""

    def metadata_of(self, version: int) -> CommitMetadata | None: ...
    def read_since(
        self, version: int, through: int, columns: Sequence[str] | None = None, dataset: str | None = None
    ) -> pa.Table: ...

"""Which files of the catalogue may hold an asset that answers to a subject.

What was measured for it (1 M events, two cores): one party's withdrawal reads one file instead of all (3.2 s → 0.3 s);
Parquet's own Bloom filters cannot say it, because no reader asks them about what stands in lists. Eight bytes for each
distinct subject of a file, worked out once for each file, on the machine that sweeps. It may name too much, never too
little.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from gatekeeper.core.asset_hash import Hashes
from gatekeeper.core.kernel.content import read_content
from gatekeeper.core.subject_hash import any_in, hashes_of, hashes_of_content, hashes_of_subjects, once
from gatekeeper.stages.fold_ports import FileHashes
from gatekeeper.stages.sweep.ports import FilesTable

SUBJECT_COLUMNS = ("asset_id", "account_id", "interests", "identifiers", "catalogs")


@dataclass(frozen=True)
class Whereabouts:
    """Of the catalogue's loaded version."""

    catalog: FilesTable
    kept: FileHashes

    def of_subjects(self, subjects: Collection[str]) -> list[str]:
        """Files that may hold an asset with one of these subjects."""
        return self._holding(hashes_of_subjects(subjects))

    def likely(self, subjects: Collection[str]) -> list[str]:
        """The same for who only looks: a file that no sweep has looked through yet may hold it, too."""
        wanted, paths = hashes_of_subjects(subjects), self.catalog.paths({})
        return [path for path in paths if (known := self.kept.known(path)) is None or any_in(wanted, known)]

    def of_assets(self, assets: pa.Array) -> list[str]:
        """Files that may hold an event of one of these assets."""
        return self._holding(np.sort(hashes_of("asset", assets)))

    def _holding(self, wanted: Hashes) -> list[str]:
        paths = self.catalog.paths({})
        self.kept.only(paths)
        return [path for path in paths if any_in(wanted, self.kept.of(path, partial(self._made, path)))]

    def _made(self, path: str) -> Hashes:
        rows = self.catalog.read([path], SUBJECT_COLUMNS)
        parts = [hashes_of_content(read_content(batch)) for batch in rows.to_batches()]
        return once(np.concatenate([np.empty(0, np.uint64), *parts]))

"""A candidate on disk, as the stages after ``build`` read it: ``builds/<dataset>/<version>/``."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gatekeeper.core.layout import Build, build, build_name
from gatekeeper.core.manifest import DATA, MANIFEST, Manifest, read_manifest
from gatekeeper.core.release_names import APPROVAL
from gatekeeper.errors import BadInput

ROWS_READ = 250_000
"""Rows of a part in memory at once."""


class CandidateFolder:
    """``root`` is the workspace. Raises ``BadInput`` where there is no such candidate."""

    def __init__(self, root: Path, dataset: str, version: str) -> None:
        self.name = build_name(dataset, version)
        self.folder = root / build(Build(dataset, version))
        if not (self.folder / MANIFEST).is_file():
            raise BadInput(f"there is no build {self.name}", f"make it: gatekeeper build {dataset} --version {version}")

    def manifest(self) -> tuple[Manifest, bytes]:
        """Raises ``BadInput`` where it is none, or of another build."""
        data = (self.folder / MANIFEST).read_bytes()
        try:
            manifest = read_manifest(data)
        except ValueError as problem:
            raise BadInput(f"{self.name}: {MANIFEST}: {problem}", "build the candidate again") from problem
        if manifest.name != self.name or manifest.release is not None:
            raise BadInput(f"{self.folder} holds the manifest of {manifest.name}", "build the candidate again")
        return manifest, data

    def read(self, name: str) -> bytes | None:
        path = self.folder / name
        return path.read_bytes() if path.is_file() else None

    def path(self, name: str) -> Path:
        return self.folder / name

    def open_lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file, as they are read."""
        with (self.folder / name).open("rb") as lines:
            yield from lines

    def names(self, folder: str) -> list[str]:
        """Every file below a folder of the candidate, relative to the candidate."""
        return sorted(str(p.relative_to(self.folder)) for p in (self.folder / folder).rglob("*") if p.is_file())

    def rows(self, files: Sequence[str], columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Rows of the named parts in their order; columns that are not there are left out."""
        for name in files:
            if not name.startswith(f"{DATA}/"):
                continue
            with pq.ParquetFile(self.folder / name) as part:
                wanted = None if columns is None else [c for c in columns if c in part.schema_arrow.names]
                yield from (pa.Table.from_batches([b]) for b in part.iter_batches(ROWS_READ, columns=wanted))

    def write_approval(self, data: bytes) -> None:
        """Whole, or as it was."""
        path = self.folder / APPROVAL
        torn = path.with_name(f".{APPROVAL}.{uuid.uuid4().hex}")
        with torn.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        torn.replace(path)

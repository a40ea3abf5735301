"""A candidate's folder as a check reads it: every file anew, whatever the manifest says, and nothing outside it."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from gatekeeper.core.check_frames import FileSeen
from gatekeeper.core.layout import Build, build, build_name
from gatekeeper.core.manifest import DATA, MANIFEST, REFUSED, Manifest, manifest_digest, read_manifest
from gatekeeper.core.media import INDEX
from gatekeeper.core.release_names import APPROVAL, QUALITY, RESULTS
from gatekeeper.errors import BadInput

READ_ROWS = 65_536
_BLOCK_BYTES = 1 << 20


class CheckedFolder:
    """``root`` is the workspace. Raises ``BadInput`` where there is no such candidate, or its manifest is none."""

    def __init__(self, root: Path, dataset: str, version: str) -> None:
        name = build_name(dataset, version)
        self.folder = root / build(Build(dataset, version))
        if not (self.folder / MANIFEST).is_file():
            raise BadInput(f"there is no build {name}", f"make it: gatekeeper build {dataset} --version {version}")
        try:
            self.manifest: Manifest = read_manifest((self.folder / MANIFEST).read_bytes())
        except ValueError as problem:
            raise BadInput(f"{name}: {MANIFEST}: {problem}", "build the candidate again") from problem
        if self.manifest.name != name or self.manifest.release is not None:
            raise BadInput(f"{self.folder} holds the manifest of {self.manifest.name}", "build the candidate again")
        self.digest = manifest_digest(self.manifest)

    def files(self) -> list[FileSeen]:
        listed = [entry.path for entry in self.manifest.files]
        return [self._seen(name) for name in dict.fromkeys([*listed, *self._there()])]

    def windows(self, rows: int) -> Iterator[pa.Table]:
        waiting: list[pa.Table] = []
        count = 0
        for batch in self._batches():
            while count + batch.num_rows >= rows:
                head, batch = batch.slice(0, rows - count), batch.slice(rows - count)  # noqa: PLW2901
                yield pa.concat_tables([*waiting, head]).combine_chunks()
                waiting, count = [], 0
            if batch.num_rows:
                waiting.append(batch)
                count += batch.num_rows
        if waiting:
            yield pa.concat_tables(waiting).combine_chunks()

    def refused(self) -> Iterator[bytes]:
        with self._inside(REFUSED).open("rb") as lines:
            yield from lines

    def media_lines(self) -> Iterator[bytes]:
        """The lines of the index of media objects."""
        with self._inside(INDEX).open("rb") as lines:
            yield from lines

    # --- what the check leaves behind

    def forget_results(self) -> None:
        """No result of an earlier check is left, should this one not end."""
        (self.folder / RESULTS).unlink(missing_ok=True)
        shutil.rmtree(self.folder / QUALITY, ignore_errors=True)

    def write_quality(self, name: str, data: bytes) -> None:
        """A file below ``quality/``, whole or not at all."""
        path = self.folder / QUALITY / name
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        with torn.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        torn.replace(path)

    # --- inside

    def _batches(self) -> Iterator[pa.Table]:
        for entry in self.manifest.files:
            if entry.path.startswith(f"{DATA}/"):
                with pq.ParquetFile(self._inside(entry.path)) as part:
                    yield from (pa.Table.from_batches([batch]) for batch in part.iter_batches(READ_ROWS))

    def _there(self) -> list[str]:
        """Every file that the manifest should list, links too: a folder behind a link is not looked into."""
        found = (
            path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file() or path.is_symlink()
        )
        return sorted(str(path) for path in found if path.parts[0] not in (MANIFEST, APPROVAL, QUALITY))

    def _seen(self, name: str) -> FileSeen:
        try:
            path = self._inside(name)
            digest, size = _sha256(path)
        except (OSError, ValueError):
            return FileSeen(name, None)
        if not name.startswith(f"{DATA}/"):
            return FileSeen(name, digest, size)
        try:
            with pq.ParquetFile(path) as part:
                return FileSeen(name, digest, size, part.metadata.num_rows, tuple(part.schema_arrow.names))
        except (OSError, pa.ArrowException):
            return FileSeen(name, digest, size)

    def _inside(self, name: str) -> Path:
        """A listed file. Raises ``ValueError`` for a name that leads out of the folder, by itself or by a link."""
        parts = PurePosixPath(name).parts
        path = self.folder / name
        if not parts or ".." in parts or name.startswith("/") or path.resolve() != self.folder.resolve() / name:
            raise ValueError("a file of a candidate lies in its folder")
        return path


def _sha256(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def released_ids(open_file: Callable[[str], pa.NativeFile], parts: list[str]) -> Iterator[pa.Array]:
    """The asset ids of a release's parts, in arrays; ``open_file`` opens one of them."""
    for name in parts:
        with open_file(name) as source, pq.ParquetFile(source) as part:
            for batch in part.iter_batches(READ_ROWS, columns=["asset_id"]):
                yield batch["asset_id"]

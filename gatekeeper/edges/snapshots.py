"""A rights snapshot as two files in a folder: a header to check and one file of arrays to map.

Rules of this file: arrays are aligned and mapped copy-on-write, never parsed; the header carries its own checksum and
each array's place; a folder appears whole (written beside, flushed, renamed) or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gatekeeper.core.policy import Policy, canonical_json
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.snapshot.storage import ForeignSnapshot, check_format, parts_of, snapshot_of
from gatekeeper.core.use import Use

ALIGNMENT_BYTES = 64
HEADER_NAME = "header.json"
ARRAYS_NAME = "arrays.bin"


def save_snapshot(snapshot: Snapshot, folder: Path) -> None:
    """Writes the snapshot to ``folder``, replacing what was there. The snapshot is sealed by it and stays usable."""
    header, arrays = parts_of(snapshot)
    beside = folder.with_name(folder.name + ".partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    header["arrays"], header["arrays_digest"] = _write_arrays(beside / ARRAYS_NAME, arrays)
    body = {"header": header, "checksum": _checksum(header)}
    _write_durably(beside / HEADER_NAME, json.dumps(body).encode())
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)


def open_snapshot(folder: Path, policy: Policy, uses: Mapping[str, Use], *, verify: bool = False) -> Snapshot:
    """Maps a saved snapshot; ``verify`` reads it all once, to compare it with its digest.

    Raises ``ForeignSnapshot`` when it is missing, damaged, of another version, policy or uses.
    """
    header = _read_header(folder / HEADER_NAME)
    arrays = _map_arrays(folder / ARRAYS_NAME, header["arrays"])
    if verify and _digest(arrays.values()) != header["arrays_digest"]:
        raise ForeignSnapshot("the rights snapshot's arrays do not match their digest", "compile it again from the log")
    return snapshot_of(header, arrays, policy, uses)


def _write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[np.generic]]) -> tuple[dict[str, Any], str]:
    places: dict[str, Any] = {}
    with path.open("wb") as file:
        for name, array in arrays.items():
            file.write(b"\0" * (-file.tell() % ALIGNMENT_BYTES))
            places[name] = [array.dtype.str, list(array.shape), file.tell()]
            file.write(np.ascontiguousarray(array).data)
        file.flush()
        os.fsync(file.fileno())
    return places, _digest(arrays.values())


def _digest(arrays: Iterable[npt.NDArray[np.generic]]) -> str:
    digest = hashlib.blake2b(digest_size=32)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _map_arrays(path: Path, places: Mapping[str, Any]) -> dict[str, npt.NDArray[np.generic]]:
    if not path.exists():
        raise ForeignSnapshot(f"the rights snapshot has no {path.name}", "compile it again from the log")
    size = path.stat().st_size
    whole = np.memmap(path, np.uint8, mode="c") if size else np.empty(0, np.uint8)
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for name, (dtype, shape, start) in places.items():
        end = start + int(np.prod(shape)) * np.dtype(dtype).itemsize
        if end > size:
            raise ForeignSnapshot("the rights snapshot's arrays are cut short", "compile it again from the log")
        arrays[name] = np.asarray(whole)[start:end].view(dtype).reshape(shape)
    return arrays


def _read_header(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_bytes())
        header = body["header"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ForeignSnapshot(
            f"the rights snapshot's header cannot be read: {error}", "compile it again from the log"
        ) from error
    check_format(header)
    if body.get("checksum") != _checksum(header):
        raise ForeignSnapshot(
            "the rights snapshot's header does not match its checksum", "compile it again from the log"
        )
    return dict(header)


def _checksum(header: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(header)).hexdigest()


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())

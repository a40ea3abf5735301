"""``gatekeeper.load``: a release for those who train on it, as a ``pyarrow.dataset`` (design §6).

Its files are held against the SHA-256 in its manifest once per process, and a release with recalls is refused unless
the recalled rows are asked to be left out. A recall that cannot be read, is missing, or is not signed where keys are
trusted recalls its whole release. Needs no workspace: reading the releases is enough.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import pyarrow.compute as pc
import pyarrow.dataset as ds

from gatekeeper.config import CONFIG_FILE, RELEASES_FOLDER, read_workspace
from gatekeeper.core.manifest import DATA, MANIFEST, Manifest
from gatekeeper.core.media import INDEX, read_line, sha256_in
from gatekeeper.core.release_names import FEED
from gatekeeper.edges.release_store import release_store
from gatekeeper.errors import BadInput, Refused
from gatekeeper.stages.latest import folder_of
from gatekeeper.stages.recall.feed import lost
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.release_reading import Unsealed, named, part_names, recalled_ids, recalls_of

ROOT_VARIABLE = "GATEKEEPER_RELEASES"
KEYS_VARIABLE = "GATEKEEPER_TRUSTED_KEYS"

_verified: set[tuple[str, str, bytes]] = set()
_verifying = threading.Lock()


def load(
    release: str,
    *,
    root: str | Path | None = None,
    recalled: Literal["refuse", "filter"] = "refuse",
    options: Mapping[str, str] | None = None,
    trusted_keys: Sequence[str | Path] | None = None,
) -> ds.Dataset:
    """``name@version`` (or ``name`` for the latest release) → its rows.

    ``root`` is where releases are: a folder or ``s3://bucket/prefix`` (``options``: boto3's, as in gatekeeper.yaml);
    when None, ``GATEKEEPER_RELEASES``, else what gatekeeper.yaml of the current folder says. ``recalled="filter"``
    leaves recalled rows out instead of refusing. ``trusted_keys`` are PEM files of the keys that sign recalls; when
    None, ``GATEKEEPER_TRUSTED_KEYS`` (separated like PATH), else those of gatekeeper.yaml; with any, a recall that none
    of them signed recalls every row. Raises ``Refused`` where the release is recalled or is not what was
    published, ``BadInput`` where there is none, ``Unavailable``.
    """
    store, manifest, gone = _opened(release, root, recalled, options, trusted_keys)
    rows = ds.dataset(part_names(manifest), format="parquet", filesystem=store.files)
    return rows.filter(~pc.field("asset_id").isin(sorted(gone))) if gone else rows


def media(
    release: str,
    *,
    root: str | Path | None = None,
    recalled: Literal["refuse", "filter"] = "refuse",
    options: Mapping[str, str] | None = None,
    trusted_keys: Sequence[str | Path] | None = None,
) -> Callable[[str], bytes]:
    """A release that holds its media → a function from the ``path`` in a row's ``audio`` to the object's bytes.

    Arguments and errors are those of ``load``. The function raises ``Refused`` for bytes that are not what their name
    says and for the media of recalled rows, ``BadInput`` for a path that is no row's shape. Any thread may call it.
    """
    store, manifest, gone = _opened(release, root, recalled, options, trusted_keys)
    if manifest.media is None:
        raise BadInput(f"{manifest.name} holds no media", "its rows name them in media_uri")
    folder = folder_of(manifest.dataset, manifest.version)
    kept, stopped = set[str](), set[str]()
    if gone:
        for line in map(read_line, (store.read(f"{folder}/{INDEX}") or b"").splitlines(keepends=True)):
            (stopped if line.asset_id in gone else kept).add(line.path)

    def read(path: str) -> bytes:
        if (sha256 := sha256_in(path)) is None:
            raise BadInput(f"{path!r} is no media object of a release", "give the path in a row's audio")
        if path in stopped - kept:
            raise Refused(f"{path} is of a recalled row", "leave its row out")
        data = store.read(f"{folder}/{path}")
        if data is None or hashlib.sha256(data).hexdigest() != sha256:
            do = "gatekeeper verify says what differs; use another release or fetch this one again"
            raise Refused(f"{manifest.name}: {path} is not the object that was published", do)
        return data

    return read


def _opened(
    release: str,
    root: str | Path | None,
    recalled: str,
    options: Mapping[str, str] | None,
    trusted_keys: Sequence[str | Path] | None,
) -> tuple[ReleaseStore, Manifest, frozenset[str]]:
    """The store, the manifest, and the recalled assets, where the release may be read."""
    if recalled not in ("refuse", "filter"):
        raise BadInput(f"recalled must be refuse or filter, not {recalled!r}", "leave it out to refuse")
    place, store = _store(root, options)
    manifest = named(store, release)
    if manifest.release is None:
        raise Refused(f"{manifest.name} was never published", "publish it: gatekeeper publish")
    _verify_once(place, store, manifest)
    gone = _gone(store, manifest, trusted_keys)
    if gone is None or (gone and recalled == "refuse"):
        what = "every row may be" if gone is None else f"{len(gone)} of its assets are"
        do = "use a later release" + ("" if gone is None else ', or leave them out with recalled="filter"')
        raise Refused(f"{manifest.name} is recalled: {what} no longer permitted", do)
    return store, manifest, gone


def _store(root: str | Path | None, options: Mapping[str, str] | None) -> tuple[str, ReleaseStore]:
    here, told = Path.cwd(), dict(options or {})
    uri = str(root or os.environ.get(ROOT_VARIABLE) or "")
    if not uri and (here / CONFIG_FILE).is_file():
        place = read_workspace(here).releases
        uri, told = place.uri, dict(place.options) | told
    uri = uri or RELEASES_FOLDER
    return uri, release_store(uri, told, here, lambda: time.time_ns() // 1000)


def _gone(store: ReleaseStore, manifest: Manifest, keys: Sequence[str | Path] | None) -> frozenset[str] | None:
    """Recalled assets; None where every row may be."""
    told = keys if keys is not None else _keys()
    unsealed = _opener([Path(key) for key in told]) if told else None
    recalls = recalls_of(store, manifest, unsealed)
    return None if lost(store.read(FEED), manifest.name, recalls) else recalled_ids(recalls)


def _keys() -> Sequence[str | Path]:
    if named_keys := os.environ.get(KEYS_VARIABLE):
        return named_keys.split(os.pathsep)
    here = Path.cwd()
    if not (here / CONFIG_FILE).is_file():
        return ()
    signing = read_workspace(here).signing
    if signing.private_key is not None and not signing.public_keys:
        do = "name the public key as well: signing.public_keys"
        raise BadInput(f"{CONFIG_FILE} signs recalls, and says nothing of the key that readers trust", do)
    return signing.public_keys


def _opener(keys: Sequence[Path]) -> Unsealed:
    try:
        from gatekeeper.edges.signing import opener  # noqa: PLC0415 (securesystemslib is an extra)
    except ImportError as missing:
        raise BadInput("trusting keys needs securesystemslib", "pip install 'gatekeeper[signing]'") from missing
    return opener(keys).unseal


def _verify_once(place: str, store: ReleaseStore, manifest: Manifest) -> None:
    folder = folder_of(manifest.dataset, manifest.version)
    key = (
        str(Path(place).absolute()) if "://" not in place else place,
        folder,
        store.read(f"{folder}/{MANIFEST}") or b"",
    )
    with _verifying:
        if key in _verified:
            return
        for entry in manifest.files:
            if not entry.path.startswith(f"{DATA}/") and entry.path != INDEX:
                continue
            if store.digest(f"{folder}/{entry.path}") != (entry.sha256, entry.bytes):
                do = "gatekeeper verify says what differs; use another release or fetch this one again"
                raise Refused(f"{manifest.name}: {entry.path} is not the file that was published", do)
        _verified.add(key)

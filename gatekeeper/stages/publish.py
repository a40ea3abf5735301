"""``gatekeeper publish``: a candidate becomes an immutable release, or the answer is no (design §6).

1. Approval and check, each bound to the candidate's manifest. 2. The barrier, and every row decided at the log's end.
3. Files go to their final names, the manifest not yet: nothing is visible. 4. The barrier again; where anything has
moved, every row again. 5. ``manifest.json``, put where none is: that put is the publication. 6. ``latest.json``.

Killed anywhere before 5 it left files that nobody reads, and publishing again takes them as they are: every file but
the manifest is a function of the candidate. Of two publishers of one name the one whose manifest is first wins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

import pyarrow as pa

from gatekeeper.core.croissant import croissant
from gatekeeper.core.data_card import CARD_COLUMNS, Facts, data_card, plots
from gatekeeper.core.manifest import DATA, MANIFEST, Approval, FileEntry, Manifest, Published, manifest_bytes
from gatekeeper.core.media import INDEX, MEDIA, MediaLine
from gatekeeper.core.quality import passed_for
from gatekeeper.core.release_names import CARD, CROISSANT, PLOTS, QUALITY, RESULTS
from gatekeeper.core.times import format_instant
from gatekeeper.errors import Refused, WrongBytes
from gatekeeper.stages.approve import approval_of
from gatekeeper.stages.deciding_now import DecidedNow, DecidesNow
from gatekeeper.stages.latest import folder_of, manifest_of, move_latest
from gatekeeper.stages.media_index import media_lines
from gatekeeper.stages.release_ports import MediaCopying, ReleaseStore
from gatekeeper.stages.side_by_side import side_by_side

FILES_AT_ONCE = 4
"""Files copied side by side: an object store answers many at once, a disk gains little."""
MEDIA_AT_ONCE = 8
"""Media objects copied side by side; each may hold two parts of a multipart upload in memory."""

Given = TypeVar("Given")
Told = Callable[[str, int, int], None]
"""What is being done, how much of how much: for people, nothing rests on it."""
Step = Callable[[str], None]
"""Called with the name of each numbered step before it is taken: where a crash test stops the process."""


class PublishedCandidate(Protocol):
    """As much of a candidate as publication needs."""

    @property
    def name(self) -> str: ...
    def manifest(self) -> tuple[Manifest, bytes]: ...
    def read(self, name: str) -> bytes | None: ...
    def path(self, name: str) -> Path: ...
    def open_lines(self, name: str) -> Iterator[bytes]: ...
    def names(self, folder: str) -> list[str]: ...
    def rows(self, files: Sequence[str], columns: Sequence[str] | None = None) -> Iterator[pa.Table]: ...
    def write_approval(self, data: bytes) -> None: ...


@dataclass(frozen=True)
class Publication:
    """``already``: the release stood before. ``moved_latest``: readers who name no version get it from now on."""

    manifest: Manifest
    already: bool
    moved_latest: bool


@dataclass(frozen=True)
class Hands:
    """What a publication works with."""

    store: ReleaseStore
    media: MediaCopying
    now: DecidesNow
    step: Step = lambda _name: None
    told: Told = lambda _what, _done, _of: None


def publish(candidate: PublishedCandidate, hands: Hands) -> Publication:
    """Publish, or raise ``Refused`` with the reason and what to do."""
    store, now, step = hands.store, hands.now, hands.step
    manifest, data = candidate.manifest()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    if (standing := _standing(store, manifest, digest)) is not None:
        return Publication(standing, True, move_latest(store, standing))
    approval = approval_of(candidate, manifest)
    _require_check(candidate.read(RESULTS), manifest, digest)
    parts = [entry.path for entry in manifest.files if entry.path.startswith(f"{DATA}/")]
    hands.told("deciding", 0, manifest.rows)
    decided = now.decide(manifest, lambda: candidate.rows(parts))
    step("copy")
    quality = _Copying(candidate, hands, manifest, digest).all()
    step("decide_again")
    if now.moved_since(decided):
        decided = now.decide(manifest, lambda: candidate.rows(parts))
    release = replace(manifest, release=_published(digest, decided, quality, approval))
    step("manifest")
    if not store.put_new(f"{folder_of(manifest.dataset, manifest.version)}/{MANIFEST}", manifest_bytes(release)):
        if (standing := _standing(store, manifest, digest)) is None:
            raise Refused(f"{manifest.name} could not be put and is not there", "publish it again")
        return Publication(standing, True, move_latest(store, standing))
    step("latest")
    return Publication(release, False, move_latest(store, release))


def _published(digest: str, decided: DecidedNow, quality: bytes, approval: Approval | None) -> Published:
    return Published(
        candidate=digest,
        rights_position=decided.rights_position,
        policy=decided.policy,
        instant=format_instant(decided.instant_us),
        quality="sha256:" + hashlib.sha256(quality).hexdigest(),
        approval=approval,
    )


def _standing(store: ReleaseStore, manifest: Manifest, digest: str) -> Manifest | None:
    """The release of this very candidate. Raises ``Refused`` where the name is another's."""
    try:
        standing = manifest_of(store, manifest.dataset, manifest.version)
    except ValueError as problem:
        what = f"a release {manifest.name} is there whose manifest cannot be read: {problem}"
        raise Refused(what, "a release is never overwritten: build under another --version") from problem
    if standing is not None and (standing.release is None or standing.release.candidate != digest):
        do = "a release is never overwritten: build under another --version"
        raise Refused(f"{manifest.name} is published already, from another candidate", do)
    return standing


def _require_check(results: bytes | None, manifest: Manifest, digest: str) -> None:
    if not passed_for(results, digest):
        said = "has no check" if results is None else "has no passed check of its present manifest"
        raise Refused(f"{manifest.name} {said}", f"gatekeeper check {manifest.name}")


@dataclass(frozen=True)
class _Copying:
    """Every file of the release but its manifest. Names that are taken must hold the same bytes."""

    candidate: PublishedCandidate
    hands: Hands
    manifest: Manifest
    digest: str

    @property
    def store(self) -> ReleaseStore:
        return self.hands.store

    def all(self) -> bytes:
        """The bytes of the check's result that the release holds."""
        self._all_told("copying files", self._file, self.manifest.files, FILES_AT_ONCE, len(self.manifest.files))
        if self.manifest.media is not None:
            self.hands.step("media")
            lines = media_lines(self.manifest, self.candidate.open_lines(INDEX))
            self._all_told("copying media", self._media, lines, MEDIA_AT_ONCE, self.manifest.media.rows)
        self._require_nothing_else()
        self.hands.step("documents")
        for name, data in self._documents().items():
            self._same(name, data)
        self.hands.step("quality")
        return self._quality()

    def _all_told(
        self, what: str, work: Callable[[Given], None], things: Iterable[Given], at_once: int, count: int
    ) -> None:
        for done, _ in enumerate(side_by_side(work, things, at_once), 1):
            self.hands.told(what, done, count)

    def _name(self, name: str) -> str:
        return f"{folder_of(self.manifest.dataset, self.manifest.version)}/{name}"

    def _file(self, entry: FileEntry) -> None:
        name = self._name(entry.path)
        try:
            if self.store.put_file(name, self.candidate.path(entry.path), entry.sha256):
                return
        except WrongBytes as problem:
            what = f"{self.candidate.path(entry.path)} is not the file its manifest names"
            raise Refused(what, "build the candidate again") from problem
        if self.store.digest(name) != (entry.sha256, entry.bytes):
            raise self._taken(entry.path)

    def _media(self, line: MediaLine) -> None:
        self.hands.step("media_object")
        name = self._name(line.path)
        try:
            if self.hands.media.copy(line.source, name, line.sha256):
                return
        except WrongBytes as problem:
            what = f"{self.manifest.name}: the media of {line.asset_id} are not what was built any more: {problem.what}"
            raise Refused(what, f"build it again: gatekeeper build {self.manifest.dataset}") from problem
        if self.store.held(name) != (line.sha256, line.bytes):
            raise self._taken(line.path)

    def _require_nothing_else(self) -> None:
        """Rows or media that an abandoned candidate of this name left: readers would take them for the release's."""
        listed = {entry.path for entry in self.manifest.files}
        if self.manifest.media is not None:
            listed |= {line.path for line in media_lines(self.manifest, self.candidate.open_lines(INDEX))}
        for folder in (DATA, MEDIA):
            for name in self.store.names(self._name(folder)):
                if f"{folder}/{name}" not in listed:
                    raise self._taken(f"{folder}/{name}")

    def _same(self, name: str, data: bytes) -> None:
        if not self.store.put_new(self._name(name), data) and self.store.read(self._name(name)) != data:
            raise self._taken(name)

    def _documents(self) -> dict[str, bytes]:
        parts = [entry.path for entry in self.manifest.files if entry.path.startswith(f"{DATA}/")]
        facts = Facts()
        for rows in self.candidate.rows(parts, CARD_COLUMNS):
            facts.add(rows)
        drawn = {f"{PLOTS}/{name}": picture for name, picture in plots(self.manifest, facts).items()}
        card = data_card(self.manifest, facts)
        return {**drawn, CARD: card, CROISSANT: croissant(self.manifest)}

    def _quality(self) -> bytes:
        """A check of this candidate that is there already is as good as ours, and stays."""
        ours = self.candidate.read(RESULTS)
        assert ours is not None
        name = self._name(RESULTS)
        if not self.store.put_new(name, ours):
            there = self.store.read(name)
            if there is None or not passed_for(there, self.digest):
                raise self._taken(RESULTS)
            ours = there
        for page in self.candidate.names(QUALITY):
            if page != RESULTS and (data := self.candidate.read(page)) is not None:
                self.store.put_new(self._name(page), data)
        return ours

    def _taken(self, name: str) -> Refused:
        what = f"{self.manifest.name}: {name} is there already, from a publication of another candidate"
        return Refused(what, "build under another --version: what was put is never overwritten")

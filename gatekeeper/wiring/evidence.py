"""Evidence out of files: what they carry, what the readers make of it, and the rights events that say so."""

from __future__ import annotations

import hashlib
import json
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatekeeper.core.times import format_instant
from gatekeeper.edges.xmp_packets import xmp_packet
from gatekeeper.errors import BadInput, Unavailable
from gatekeeper.evidence.finding import Fetch, Signal, signals_in, strongest_tdmrep
from gatekeeper.evidence.readers import read_reservation
from gatekeeper.evidence.reading import DOCUMENT_CHARS_MAX, Readings
from gatekeeper.evidence.robots import is_url
from gatekeeper.wiring.workspace import system_clock_us

SOURCE = "urn:gatekeeper:evidence"
MEDIA = ("audio/", "image/", "video/")


@dataclass(frozen=True)
class Read:
    """One signal of one file, and its readings."""

    file: Path
    signal: Signal
    readings: Readings

    @property
    def reservation(self) -> dict[str, str]:
        """As it stands in a content event's ``reservations``."""
        version = self.signal.vocabulary_version
        named = {"vocabulary": self.signal.vocabulary, "statement": self.signal.statement}
        return named if version is None else {**named, "vocabulary_version": version}


def read_files(files: Sequence[Path], fetch: Fetch) -> list[Read]:
    """Every signal of the files. With a URL they are all about that content, and TDMRep's priority holds between them.

    Raises ``BadInput`` naming a file that carries no signal anybody knows how to find, or a URL that is none.
    """
    if fetch.url is not None and not is_url(fetch.url):
        raise BadInput(f"{fetch.url!r} is no URL", "give the whole of it, such as https://example.org/songs/a.wav")
    found = [(path, signal) for path in files for signal in _signals(path, fetch)]
    if fetch.url is not None:
        counting = strongest_tdmrep([signal for _, signal in found])
        found = [(path, signal) for path, signal in found if signal in counting]
    return [Read(p, s, read_reservation(s.vocabulary, s.vocabulary_version, s.statement)) for p, s in found]


def _signals(path: Path, fetch: Fetch) -> list[Signal]:
    if (mimetypes.guess_type(path.name)[0] or "").startswith(MEDIA):
        return _media_signals(path, fetch)
    with path.open("rb") as file:
        content = file.read(4 * DOCUMENT_CHARS_MAX + 1)
    signals = signals_in(content.decode("utf-8", "replace"), fetch)
    if signals is None:
        kinds = "a robots.txt, response headers, a tdmrep.json, a manifest, an RSL document, a page or media"
        raise BadInput(f"{path} is no file that carries signals", f"give {kinds}")
    return signals


def _media_signals(path: Path, fetch: Fetch) -> list[Signal]:
    """Of the C2PA manifest store, and of the XMP packet beside it."""
    store, packet = _manifest_store(path), xmp_packet(path)
    found = [] if packet is None else signals_in(packet, fetch) or []
    if store is None:
        return found
    return [Signal("cawg" if '"cawg.training-mining' in store else "c2pa", None, store, "embedded"), *found]


def _manifest_store(path: Path) -> str | None:
    try:
        from gatekeeper.edges.c2pa_files import manifest_store_of
    except ImportError as missing:
        raise Unavailable("the C2PA library is not installed", "install gatekeeper[c2pa]") from missing
    return manifest_store_of(path)


def declarations(read: Sequence[Read], subject: str, at_us: int | None) -> list[dict[str, Any]]:
    """``rights.reservation.declared`` for each. What is declared again at another time is another event, so that it
    holds again after it was lifted.
    """
    time = format_instant(system_clock_us() if at_us is None else at_us)
    return [_declaration({"subject": subject, **r.reservation}, time) for r in read]


def _declaration(data: dict[str, str], time: str) -> dict[str, Any]:
    said = json.dumps([time, data], sort_keys=True).encode()
    return {
        "specversion": "1.0",
        "id": hashlib.blake2b(said, digest_size=16).hexdigest(),
        "source": SOURCE,
        "type": "rights.reservation.declared",
        "time": time,
        "data": data,
    }

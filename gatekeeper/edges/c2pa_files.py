"""The C2PA manifest store inside an audio or image file, through the C2PA library.

Rules of this file: the library verifies; nothing is fetched, whatever a file points to; what it could not read comes
back as a text that no reader reads, so that it holds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import c2pa

from gatekeeper.errors import BadInput

KEPT: Final = ("active_manifest", "manifests", "validation_state", "validation_status")
"""Parts of the library's report that a statement keeps: what was said, and whether it is sound."""
STORE_MARK: Final = b"jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
"""How a manifest store begins (C2PA 1.x, JUMBF description box), even where it cannot be found in its place."""
_SETTINGS: Final = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
_UNREADABLE: Final = "the manifest store cannot be read"


def manifest_store_of(path: Path) -> str | None:
    """The store's JSON as the library reports it; None where the file has none. Raises ``BadInput`` for a kind of file
    that the library does not know.
    """
    try:
        with c2pa.Context(settings=c2pa.Settings.from_dict(_SETTINGS)) as context:
            report = json.loads(c2pa.Reader(path, context=context).json())
    except c2pa.C2paError.ManifestNotFound:
        return _broken("found in no place it belongs") if _marked(path) else None
    except c2pa.C2paError.NotSupported as error:
        raise BadInput(f"{path}: {error}", "give audio or image files in a format C2PA knows") from error
    except c2pa.C2paError as error:
        return _broken(str(error))
    return json.dumps({key: report[key] for key in KEPT if key in report}, ensure_ascii=False)


def _marked(path: Path) -> bool:
    return STORE_MARK in path.read_bytes()


def _broken(why: str) -> str:
    document: dict[str, Any] = {"unreadable": _UNREADABLE, "because": why}
    return json.dumps(document)

"""Training-and-data-mining assertions out of C2PA manifests, as JSON in any of the shapes that tools write.

Rules of this file:

1. Shapes: the assertion's data, with or without ``entries`` (the 1.0 schema left it out); an assertion with ``label``
   and ``data``; one manifest, as written or as reported; a whole manifest store as the C2PA libraries report it.
2. In a store every manifest counts, ingredients' too: what an asset was made from is in it.
3. A store that its own validation reports broken is unverified as a whole. A signer nobody has put on a trust list
   alone does not break it: a no needs no trust.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gatekeeper.evidence.json_text import Unparsed, parsed
from gatekeeper.evidence.reading import Unknown

LABELS: Final = ("cawg.training-mining", "c2pa.training-mining")
_UNTRUSTED: Final = frozenset({"signingCredential.untrusted", "timeStamp.untrusted"})
_SOUND: Final = frozenset({"Valid", "Trusted"})


@dataclass(frozen=True)
class Assertion:
    """Entries of one assertion, by key."""

    entries: Mapping[str, Any]


@dataclass(frozen=True)
class NoAssertions:
    """Why there is nothing to read."""

    why: Unknown


def assertions_in(statement: str) -> list[Assertion] | NoAssertions:
    """Every training-and-data-mining assertion of a statement; an empty list where a manifest has none."""
    document = parsed(statement)
    if isinstance(document, Unparsed):
        return NoAssertions(document.why)
    if not isinstance(document, dict) or not document:
        return NoAssertions(Unknown.UNREADABLE)
    if _is_broken(document):
        return NoAssertions(Unknown.UNVERIFIED)
    found = list(_bodies(document))
    assertions = [_assertion(body) for body in found]
    if any(assertion is None for assertion in assertions):
        return NoAssertions(Unknown.UNREADABLE)
    return [assertion for assertion in assertions if assertion is not None]


def _is_broken(store: Mapping[str, Any]) -> bool:
    state = store.get("validation_state")
    if state is not None and state not in _SOUND:
        return True
    status = store.get("validation_status") or []
    if not isinstance(status, list):
        return True
    return any((s.get("code") if isinstance(s, dict) else None) not in _UNTRUSTED for s in status)


def _bodies(document: Mapping[str, Any]) -> Iterator[Any]:
    """What stands where an assertion's data would, whatever it is."""
    if "manifests" in document:
        manifests = document["manifests"]
        listed = manifests.values() if isinstance(manifests, dict) else manifests
        for manifest in listed if isinstance(listed, list) or isinstance(manifests, dict) else [None]:
            yield from _of_manifest(manifest)
    elif "assertions" in document:
        yield from _of_manifest(document)
    elif "label" in document:
        yield from _labelled(document)
    else:
        yield document


def _of_manifest(manifest: Any) -> Iterator[Any]:
    assertions = manifest.get("assertions", []) if isinstance(manifest, dict) else None
    if isinstance(assertions, dict):
        assertions = [{"label": label, "data": data} for label, data in assertions.items()]
    if not isinstance(assertions, list):
        yield None
        return
    for assertion in assertions:
        yield from _labelled(assertion)


def _labelled(assertion: Any) -> Iterator[Any]:
    """Labels of repeated assertions carry a number (``cawg.training-mining__1``)."""
    if not isinstance(assertion, dict) or not isinstance(assertion.get("label"), str):
        yield None
    elif assertion["label"].partition("__")[0] in LABELS:
        yield assertion.get("data")


def _assertion(body: Any) -> Assertion | None:
    entries = body.get("entries", body) if isinstance(body, dict) else None
    if not isinstance(entries, dict):
        return None
    known = {key: value for key, value in entries.items() if key not in ("metadata", "@context")}
    return Assertion(known)

"""How a mapping that cannot be used is refused."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from gatekeeper.errors import BadInput


def bad_mapping(what: str) -> BadInput:
    return BadInput(
        f"mapping: {what}", "mend the mapping file; the shipped ones in gatekeeper/shipped/mappings are examples"
    )


def near(name: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` where one of ``known`` is close, else nothing."""
    found = difflib.get_close_matches(name, list(known), 1)
    return f" (did you mean {found[0]!r}?)" if found else ""


def refuse_unknown(kind: str, names: Iterable[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise bad_mapping(f"unknown {kind} {name!r}" + (near(name, known) or f" (known: {', '.join(known)})"))

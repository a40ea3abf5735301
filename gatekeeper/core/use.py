"""A use: what a dataset wants content for, where, and for which model (design §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatekeeper.core.policy import digest_of
from gatekeeper.core.purposes import Purposes
from gatekeeper.core.subjects import normal_territory
from gatekeeper.errors import BadInput


@dataclass(frozen=True)
class Use:
    """No territory means worldwide; no model means a model nobody has named yet."""

    purpose: str
    territories: frozenset[str] = frozenset()
    model: str | None = None


@dataclass(frozen=True)
class Declaration:
    """One ``datasets/<name>.yaml``, known by its digest."""

    name: str
    use: Use
    digest: str
    document: Mapping[str, Any]


def read_declaration(document: Mapping[str, Any], purposes: Purposes) -> Declaration:
    """A parsed (and schema-valid) declaration → Declaration. Raises ``BadInput`` for a purpose the policy does not
    know.
    """
    purpose = document["purpose"]
    if purpose not in purposes:
        raise BadInput(
            f"dataset {document['name']}: unknown purpose {purpose!r}", f"use one of {', '.join(purposes.names)}"
        )
    territories = frozenset(normal_territory(t) for t in document.get("territories") or ())
    use = Use(purpose, territories, document.get("model") or None)
    return Declaration(document["name"], use, digest_of(document), document)

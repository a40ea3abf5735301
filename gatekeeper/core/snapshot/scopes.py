"""Whether a statement reaches a use, decided once per distinct scope and use.

Rules of this file (design §4): a no reaches a use when it covers the purpose and *any* of the use's territories and
models; a yes only when it covers the purpose, *all* territories and the model. A no covers everything beneath its
purpose, or where it is written ``=purpose`` only the purpose itself; a yes stops at a purpose marked explicit unless
that purpose is itself named. Nothing named means everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gatekeeper.core.purposes import Purposes
from gatekeeper.core.use import Use


class Scope(NamedTuple):
    """What a statement covers. ``is_yes`` tells a permit from a prohibit or an unclear; ``everything`` ignores the
    rest.
    """

    purposes: tuple[str, ...]
    is_yes: bool
    territories: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    everything: bool = False


EVERYTHING = Scope((), is_yes=False, everything=True)


def beneath(named: str, purpose: str) -> bool:
    """Whether a purpose is the named one or lies under it in the tree."""
    return (purpose + ".").startswith(named + ".")


def yes_flows(purposes: Purposes, named: str, purpose: str) -> bool:
    """Whether a yes to ``named`` reaches ``purpose``: no explicit purpose may lie on the way down, its end included."""
    if not beneath(named, purpose):
        return False
    way_down = purpose[len(named) :].split(".")[1:]
    step = named
    for part in way_down:
        step = f"{step}.{part}"
        if purposes.explicit[step]:
            return False
    return True


def reaches(scope: Scope, use: Use, purposes: Purposes) -> bool:
    if scope.everything:
        return True
    return _yes(scope, use, purposes) if scope.is_yes else _no(scope, use)


def _yes(scope: Scope, use: Use, purposes: Purposes) -> bool:
    if not any(yes_flows(purposes, named, use.purpose) for named in scope.purposes):
        return False
    somewhere = bool(use.territories) and use.territories <= scope.territories
    some_model = use.model is not None and use.model in scope.models
    return (not scope.territories or somewhere) and (not scope.models or some_model)


def _no(scope: Scope, use: Use) -> bool:
    if not any(beneath(named, use.purpose) or named == "=" + use.purpose for named in scope.purposes):
        return False
    touches = not scope.territories or not use.territories or not scope.territories.isdisjoint(use.territories)
    same_model = not scope.models or use.model is None or use.model in scope.models
    return touches and same_model


def reach_bits(scopes: Iterable[Scope], uses: Sequence[Use], purposes: Purposes) -> npt.NDArray[np.uint8]:
    """For each scope, one bit per use that it reaches, eight uses to a plane; shape (planes, scopes)."""
    listed = list(scopes)
    table = [[reaches(scope, use, purposes) for scope in listed] for use in uses]
    return pack_uses(np.array(table, np.bool_).reshape(len(uses), len(listed)))


def pack_uses(by_use: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Booleans of shape (uses, n) → bits of shape (planes, n): use ``u`` is bit ``u % 8`` of plane ``u // 8``."""
    return np.packbits(by_use, axis=0, bitorder="little")

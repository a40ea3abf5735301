"""The reasons of design §4 as a table, and the one integer that orders everything that speaks about an interest.

Rules of this file: ``REASONS`` lists every layer's reasons in the order that decides between them (prohibits, then
unclears, then permits). A *finding* packs into an int64 so that the smaller integer is the one that decides:

    layer (3 bits) · tier (3) · code (6) · borne by rights (1) · rights position (50)

Hence ``min`` over findings is the whole precedence: layer, tier, prohibit before unclear before permit, the content's
own statement before the rights log's, then the lowest position.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gatekeeper.core.policy import LAYERS, VOCABULARIES

DENY, HOLD, PERMIT = 0, 1, 2
VERDICTS = ("deny", "hold", "permit")

_CLAIM = (
    ("claim.takedown", DENY),
    ("claim.deletion", DENY),
    ("claim.dispute", DENY),
    ("claim.account_control", DENY),
    ("evidence.unreadable", HOLD),
    ("evidence.conflicting", HOLD),
)
_AGREEMENT = (("agreement.prohibit", DENY), ("agreement.permit", PERMIT))
_WISHES = (
    ("consent.withdrawn", DENY),
    ("reservation.no_ai_tag", DENY),
    *((f"reservation.{vocabulary}", DENY) for vocabulary in VOCABULARIES),
    ("evidence.unreadable", HOLD),
    ("evidence.unsupported", HOLD),
    ("evidence.unverified", HOLD),
    ("evidence.constrained", HOLD),
    ("evidence.conflicting", HOLD),
    ("evidence.stale", HOLD),
    ("consent.opt_in", PERMIT),
)
_LICENCE = (("licence.prohibit", DENY), ("licence.permit", PERMIT))
_TERMS = (
    ("terms.prohibit", DENY),
    ("terms.opt_in_required", DENY),
    ("terms.unclear", HOLD),
    ("terms.permit", PERMIT),
)
_BY_LAYER = {"claim": _CLAIM, "agreement": _AGREEMENT, "wishes": _WISHES, "licence": _LICENCE, "terms": _TERMS}

REASONS: tuple[tuple[str, str, int], ...] = (
    *((layer, reason, verdict) for layer in LAYERS for reason, verdict in _BY_LAYER[layer]),
    ("none", "no_permission", DENY),
    ("title", "title.missing_role", HOLD),
)
"""(layer, reason, verdict); the index is the reason's code."""

CODES = {(layer, reason): code for code, (layer, reason, _) in enumerate(REASONS)}
CODE_NONE = CODES["none", "no_permission"]
CODE_TITLE = CODES["title", "title.missing_role"]
CONSENTS = (CODES["wishes", "consent.opt_in"], CODES["wishes", "consent.withdrawn"])

CODE_ACCEPTED, CODE_MARK, CODE_PAIRED, CODE_COLLIDED = 60, 61, 62, 63
"""Rows of a snapshot that are no findings: terms accepted; a known speaker; see pair rows; see the exact side table."""

BORNE_BITS, CODE_BITS, TIER_BITS = 50, 51, 57
_LAYER_BITS = 60
POSITION_MASK = (1 << BORNE_BITS) - 1
BY_RIGHTS = 1 << BORNE_BITS
NOTHING = (7 << _LAYER_BITS) | (CODE_NONE << CODE_BITS) | BY_RIGHTS
"""The finding of a layer that does not exist: what is left where nobody spoke."""

Ints = npt.NDArray[np.int64]


def code_ranks(layers: Sequence[str], tier: int) -> Ints:
    """For each code, the high bits of a rights-borne finding at this wishes tier; shape (64,). Order of layers is
    policy.
    """
    ranks = np.full(64, NOTHING, np.int64)
    for code, (layer, _, _) in enumerate(REASONS):
        if layer in layers:
            at_tier = tier if layer == "wishes" else 0
            ranks[code] = (
                (layers.index(layer) << _LAYER_BITS) | (at_tier << TIER_BITS) | (code << CODE_BITS) | BY_RIGHTS
            )
    return ranks


def final_order(layers: Sequence[str]) -> Ints:
    """For each code, its place when interests are combined: verdict, then layer; shape (64,).

    Between interests that the same layer decides with the same verdict, the one declared first is reported.
    """
    order = np.full(64, np.iinfo(np.int32).max, np.int64)
    for code, (layer, _, verdict) in enumerate(REASONS):
        place = layers.index(layer) if layer in layers else 7
        order[code] = (verdict << 8) | place
    return order


def code_of(finding: Ints) -> Ints:
    return (finding >> CODE_BITS) & 63

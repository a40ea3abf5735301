"""Answers as columns: verdict, reason, holder and evidence of one use.

Rules of this file: nothing is chosen here; a finding, its reason's code and the seat it is from become text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.kernel.content import Content, Named
from gatekeeper.core.kernel.evidence_text import SPECIAL, evidence_texts
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.snapshot.keys import Rows
from gatekeeper.core.snapshot.reasons import (
    BY_RIGHTS,
    CODE_NONE,
    CODE_TITLE,
    CODES,
    POSITION_MASK,
    REASONS,
    VERDICTS,
    Ints,
)

VERDICT_OF = np.array([verdict for _, _, verdict in REASONS], np.int8)
"""By code."""
_VERDICT_NAMES = pa.array(VERDICTS)
_REASON_NAMES = pa.array(list(dict.fromkeys(reason for _, reason, _ in REASONS)))
_REASON_OF = np.array([_REASON_NAMES.index(reason).as_py() for _, reason, _ in REASONS], np.int8)
_LICENCE = np.array([layer == "licence" for layer, _, _ in REASONS])
_DELETION = CODES["claim", "claim.deletion"]
_FIXED_TEXTS = pa.array(["none", "policy:required_roles"])
"""Evidence of ``CODE_NONE`` and of ``CODE_TITLE``."""


@dataclass(frozen=True)
class Decided:
    """One use's answers, a row each: ``verdict`` and ``reason`` dictionary-encoded, ``holder`` (null: nobody) and
    ``evidence`` plain.
    """

    verdict: pa.Array
    reason: pa.Array
    holder: pa.Array
    evidence: pa.Array

    def __len__(self) -> int:
        return len(self.verdict)


def answers(
    batch: pa.RecordBatch, content: Content, snapshot: Snapshot, licences: Named, finding: Ints, seat: Rows, code: Ints
) -> Decided:
    """What was found about each asset, from which seat, reported under which code; shapes (n,)."""
    return Decided(
        verdict=_encoded(VERDICT_OF.take(code), _VERDICT_NAMES),
        reason=_encoded(_REASON_OF.take(code), _REASON_NAMES),
        holder=_holders(content, seat, code),
        evidence=_evidence(batch, snapshot, licences, finding, code),
    )


def joined(parts: Sequence[Decided]) -> Decided:
    """Answers about pieces of a batch, one after another."""
    return Decided(
        *(pa.concat_arrays([getattr(p, f) for p in parts]) for f in ("verdict", "reason", "holder", "evidence"))
    )


def _evidence(batch: pa.RecordBatch, snapshot: Snapshot, licences: Named, finding: Ints, code: Ints) -> pa.Array:
    """The deciding statements as text; n strings."""
    statements = finding & POSITION_MASK
    texts = [_FIXED_TEXTS]
    filled = len(_FIXED_TEXTS)
    licensed = np.flatnonzero(_LICENCE.take(code))
    if len(licensed):
        statements[licensed] += SPECIAL + filled
        texts.append(pc.binary_join_element_wise("licence:", licences.names, ""))
        filled += len(licences.names)
    borne = np.flatnonzero((finding & BY_RIGHTS) == 0)
    removed = code.take(borne) == _DELETION
    for rows, column in ((borne.compress(removed), "removed_by"), (borne.compress(~removed), "offset")):
        if len(rows):
            statements[rows] = np.arange(SPECIAL + filled, SPECIAL + filled + len(rows))
            texts.append(_content_texts(batch, rows, column))
            filled += len(rows)
    statements[code == CODE_NONE] = SPECIAL
    statements[code == CODE_TITLE] = SPECIAL + 1
    return evidence_texts(statements, pa.concat_arrays(texts), snapshot.position, snapshot.policy.short_digest)


def _content_texts(batch: pa.RecordBatch, rows: Rows, offset_column: str) -> pa.Array:
    at = pa.array(rows)
    partition = batch.column("partition").take(at).cast(pa.string())
    return pc.binary_join_element_wise(
        "content", partition, batch.column(offset_column).take(at).cast(pa.string()), ":"
    )


def _holders(content: Content, seat: Rows, code: Ints) -> pa.Array:
    """Whose interest decided, as holders are written; null where roles are missing."""
    party, alone = content.party[seat], content.without_interests
    nobody = code == CODE_TITLE
    parties = _prefixed("party:", content.parties, party, nobody | (content.counts == 0))
    if len(alone) == 0:
        return parties
    accounts = _prefixed("account:", content.accounts.names, content.accounts.which[alone], nobody[alone])
    which = np.arange(content.rows)
    which[alone] = content.rows + np.arange(len(alone))
    return pa.concat_arrays([parties, accounts]).take(pa.array(which))


def _prefixed(prefix: str, names: pa.Array, which: Rows, absent: npt.NDArray[np.bool_]) -> pa.Array:
    chosen = names.take(pa.array(which, mask=absent))
    return pc.binary_replace_slice(chosen, start=0, stop=0, replacement=prefix).cast(pa.string())


def _encoded(indices: npt.NDArray[np.int8], names: pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(indices), names)

"""The verdict: the least finding per seat, then over the seats of each asset (design §4).

Rules of this file: a seat's finding is the least of what counts for every interest and what its own holder says; over
the seats any deny, else any hold, else permit, then the highest layer, then its order, then the first as declared.
Missing roles make a hold of whatever is not a deny. Nothing else in the kernel chooses a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.kernel.content import Content, Named, named, read_content
from gatekeeper.core.kernel.content_says import content_says, licences_say
from gatekeeper.core.kernel.evidence_text import SPECIAL, evidence_texts
from gatekeeper.core.kernel.hearing import Heard, Hearing
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.snapshot.keys import Rows
from gatekeeper.core.snapshot.reasons import (
    BY_RIGHTS,
    CODE_NONE,
    CODE_TITLE,
    CODES,
    DENY,
    NOTHING,
    POSITION_MASK,
    REASONS,
    VERDICTS,
    Ints,
    code_of,
)
from gatekeeper.core.snapshot.scopes import beneath
from gatekeeper.core.use import Use

PIECE_ROWS = 65_536
"""Rows decided together: enough to spread the cost of each step, few enough to stay near the processor."""

_VERDICT_NAMES = pa.array(VERDICTS)
_REASON_NAMES = pa.array(list(dict.fromkeys(reason for _, reason, _ in REASONS)))
_REASON_OF = np.array([_REASON_NAMES.index(reason).as_py() for _, reason, _ in REASONS], np.int8)
_VERDICT_OF = np.array([verdict for _, _, verdict in REASONS], np.int8)
_LICENCE = np.array([layer == "licence" for layer, _, _ in REASONS])
_DELETION = CODES["claim", "claim.deletion"]
_FIXED_TEXTS = pa.array(["none", "policy:required_roles"])
"""Evidence of ``CODE_NONE`` and of ``CODE_TITLE``."""

Codes = npt.NDArray[np.int64]


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


def decide(batch: pa.RecordBatch, snapshot: Snapshot) -> dict[str, Decided]:
    """Content columns (design §3, plus ``removed_by`` and ``conflicting``) → for each of the snapshot's uses, by name,
    an answer per row.

    Decides at the snapshot's position and instant. Raises ``KeyError`` when a column is missing.
    """
    pieces = [
        _decide_piece(batch.slice(at, PIECE_ROWS), snapshot) for at in range(0, max(1, batch.num_rows), PIECE_ROWS)
    ]
    whole = pieces[0] if len(pieces) == 1 else [_joined(parts) for parts in zip(*pieces, strict=True)]
    number = {use: u for u, use in enumerate(snapshot.distinct_uses)}
    return {name: whole[number[use]] for name, use in snapshot.uses.items()}


def _joined(parts: tuple[Decided, ...]) -> Decided:
    return Decided(
        *(pa.concat_arrays([getattr(p, f) for p in parts]) for f in ("verdict", "reason", "holder", "evidence"))
    )


def _decide_piece(batch: pa.RecordBatch, snapshot: Snapshot) -> list[Decided]:
    content = read_content(batch)
    hearing = Hearing(content, snapshot)
    heard = hearing.all()
    content_says(batch, snapshot, heard.shared)
    licences = named(batch.column("licence"))
    licence_findings = licences_say(licences, snapshot)
    decided = []
    for u, use in enumerate(snapshot.distinct_uses):
        shared = _shared(u, content, heard, hearing.terms.findings, licence_findings, licences)
        finding, seat = _over_the_seats(content, _per_seat(u, content, heard, shared), snapshot.order)
        code = code_of(finding)
        code[_missing_roles(content, use, snapshot.policy.required_roles) & (_VERDICT_OF.take(code) != DENY)] = (
            CODE_TITLE
        )
        decided.append(
            Decided(
                verdict=_encoded(_VERDICT_OF.take(code), _VERDICT_NAMES),
                reason=_encoded(_REASON_OF.take(code), _REASON_NAMES),
                holder=_holders(content, seat, code),
                evidence=_evidence(batch, snapshot, licences, finding, code),
            )
        )
    return decided


def _shared(u: int, content: Content, heard: Heard, terms: Ints, licence_findings: Ints, licences: Named) -> Ints:
    """What counts for every interest of each asset; shape (n,)."""
    by_account = np.minimum(heard.by_account.least[u], terms[u][heard.terms_place])
    shared = np.minimum(heard.shared.least[u], by_account[content.accounts.which])
    if (licence_findings[u] != NOTHING).any():
        np.minimum(shared, licence_findings[u][licences.which], out=shared)
    if heard.by_party_shared.any:
        np.minimum.at(shared, content.seat_asset, heard.by_party_shared.least[u][content.party])
    if heard.by_account_holding.any:
        alone = content.without_interests
        shared[alone] = np.minimum(shared[alone], heard.by_account_holding.least[u][content.accounts.which[alone]])
    return shared


def _per_seat(u: int, content: Content, heard: Heard, shared: Ints) -> Ints:
    """The finding that decides each seat; shape (s,)."""
    seats = shared[content.seat_asset]
    if heard.own.any:
        np.minimum(seats, heard.own.least[u], out=seats)
    if heard.by_party.any:
        np.minimum(seats, heard.by_party.least[u][content.party], out=seats)
    return seats


def _over_the_seats(content: Content, seats: Ints, order: Ints) -> tuple[Ints, Rows]:
    """The finding that is reported for each asset and the seat it is from; shapes (n,), (n,)."""
    key = (order[code_of(seats)] << 32) | np.arange(len(seats))
    winner = _least_per_asset(content, key) & 0xFFFFFFFF
    return seats[winner], winner


def _least_per_asset(content: Content, key: Ints) -> Ints:
    most = int(content.counts.max(initial=1))
    if most <= 1:
        return key
    last = np.append(content.seat_starts[1:], len(key)) - 1
    least: Ints = key[content.seat_starts]
    for nth in range(1, most):
        np.minimum(least, key[np.minimum(content.seat_starts + nth, last)], out=least)
    return least


def _missing_roles(content: Content, use: Use, required: Mapping[str, tuple[str, ...]]) -> npt.NDArray[np.bool_]:
    """Assets that declare interests, but not in every role that the use's purpose needs; shape (n,)."""
    missing = np.zeros(content.rows, np.bool_)
    needed = [role for purpose, roles in required.items() if beneath(purpose, use.purpose) for role in roles]
    for role in dict.fromkeys(needed):
        lacks = content.counts > 0
        held = pc.fill_null(pc.equal(content.roles, role), False).to_numpy(zero_copy_only=False)
        lacks[content.role_asset[held]] = False
        missing |= lacks
    return missing


def _evidence(batch: pa.RecordBatch, snapshot: Snapshot, licences: Named, finding: Ints, code: Codes) -> pa.Array:
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


def _holders(content: Content, seat: Rows, code: Codes) -> pa.Array:
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

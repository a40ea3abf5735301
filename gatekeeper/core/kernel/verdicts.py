"""The verdict: the least finding per seat, then over the seats of each asset (design §4).

Rules of this file: a seat's finding is the least of what counts for every interest and what its own holder says; over
the seats any deny, else any hold, else permit, then the highest layer, then the first as declared.
Missing roles make a hold of whatever is not a deny. Nothing else in the kernel chooses a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.kernel.answers import VERDICT_OF, Decided, answers, joined
from gatekeeper.core.kernel.content import Content, Named, named, read_content
from gatekeeper.core.kernel.content_says import content_says, licences_say
from gatekeeper.core.kernel.hearing import Heard, Hearing
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.snapshot.keys import Rows
from gatekeeper.core.snapshot.reasons import CODE_TITLE, DENY, NOTHING, Ints, code_of
from gatekeeper.core.snapshot.scopes import beneath
from gatekeeper.core.use import Use

PIECE_ROWS = 65_536
"""Rows decided together: enough to spread the cost of each step, few enough to stay near the processor."""


def decide(batch: pa.RecordBatch, snapshot: Snapshot) -> dict[str, Decided]:
    """Content columns (design §3, plus ``removed_by`` and ``conflicting``) → for each of the snapshot's uses, by name,
    an answer per row.

    Decides at the snapshot's position and instant. Raises ``KeyError`` when a column is missing.
    """
    pieces = [
        _decide_piece(batch.slice(at, PIECE_ROWS), snapshot) for at in range(0, max(1, batch.num_rows), PIECE_ROWS)
    ]
    whole = pieces[0] if len(pieces) == 1 else [joined(parts) for parts in zip(*pieces, strict=True)]
    number = {use: u for u, use in enumerate(snapshot.distinct_uses)}
    return {name: whole[number[use]] for name, use in snapshot.uses.items()}


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
        missing = _missing_roles(content, use, snapshot.policy.required_roles)
        code[missing & (VERDICT_OF.take(code) != DENY)] = CODE_TITLE
        decided.append(answers(batch, content, snapshot, licences, finding, seat, code))
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

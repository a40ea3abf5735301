"""The same decisions as a DuckDB join: statements in tables by kind of subject, each already specialised for the uses.

DuckDB is given what a snapshot has worked out beforehand (which statement speaks to which use now), so that only the
look-ups, who counts, and the precedence are left: the same work, from the same strings to the same four columns.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekeeper.core.kernel.content import named
from gatekeeper.core.kernel.content_says import licences_say
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.snapshot.keys import slots_in
from gatekeeper.core.snapshot.level import CODE, Level
from gatekeeper.core.snapshot.reasons import BY_RIGHTS, CODE_ACCEPTED, CODE_BITS, CODES, NOTHING, REASONS, VERDICTS
from gatekeeper.core.snapshot.rows import KIND_OF, NOBODY
from gatekeeper.core.snapshot.scopes import Scope, reaches

KINDS = ("asset", "isrc", "sha256", "catalog", "account", "party")
_BOUND = ("asset", "isrc", "sha256", "catalog")


def open_duckdb(snapshot: Snapshot, batch: pa.RecordBatch) -> duckdb.DuckDBPyConnection:
    """One thread, tables filled, the batch registered under ``batch``."""
    connection = duckdb.connect(config={"threads": 1})
    for kind in KINDS:
        statements = statements_of(snapshot, snapshot.levels[0], kind)
        least = _each("min(f{u}) AS f{u}", range(len(snapshot.distinct_uses)))  # where ids of the catalogue coincide
        connection.register("made", statements)
        connection.execute(
            f"CREATE TABLE s_{kind} AS SELECT key, speaker, bool_or(accepted) AS accepted, {least} "
            "FROM made GROUP BY ALL"
        )
        connection.unregister("made")
    for name, rows in (("licences", _licences(snapshot, batch)), ("codes", _codes(snapshot))):
        connection.register("made", rows)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM made")
        connection.unregister("made")
    connection.register("batch", pa.Table.from_batches([batch]))
    return connection


def statements_of(snapshot: Snapshot, level: Level, kind: str) -> pa.Table:
    """One kind's statements: ``key``, ``speaker`` (null: for all), ``accepted``, a finding per use (null: silent)."""
    rows = np.arange(int(level.starts[KIND_OF[kind]]), int(level.starts[KIND_OF[kind] + 1]))
    code = (level.code[rows] & CODE).astype(np.int64)
    accepted = code == CODE_ACCEPTED
    finding = snapshot.ranks[KIND_OF[kind]][code] | level.position[rows].astype(np.int64)
    speaker = level.speaker[rows].astype(np.int64)
    columns = {
        "key": _keys(level, rows),
        "speaker": pa.array(speaker, mask=speaker == NOBODY),
        "accepted": pa.array(accepted & np.logical_or.reduce([plane[rows] != 0 for plane in level.planes])),
    }
    for u in range(len(snapshot.distinct_uses)):
        speaks = (level.planes[u >> 3][rows] >> np.uint8(u & 7)) & 1
        columns[f"f{u}"] = pa.array(finding, mask=(speaks == 0) | accepted)
    return pa.table(columns)


def _keys(level: Level, rows: np.ndarray) -> pa.Array:
    at = level.key_at[rows].astype(np.int64)
    if not len(at):
        return pa.array([], pa.string())
    slots = int(slots_in(level.keys._lengths(at)).max())
    words = np.concatenate([level.keys._slots(at + nth) for nth in range(slots)], axis=1)[:, 1:]
    padded = pa.py_buffer(np.ascontiguousarray(words))
    fixed = pa.Array.from_buffers(pa.binary(words.shape[1] * 8), len(rows), [None, padded])
    return pc.ascii_rtrim(fixed.cast(pa.binary()).cast(pa.string()), characters="\0")


def _licences(snapshot: Snapshot, batch: pa.RecordBatch) -> pa.Table:
    licences = named(batch.column("licence"))
    findings = licences_say(licences, snapshot)
    columns = {f"f{u}": pa.array(found, mask=found == NOTHING) for u, found in enumerate(findings)}
    return pa.table({"key": licences.names, **columns})


def _codes(snapshot: Snapshot) -> pa.Table:
    codes = range(len(REASONS))
    return pa.table(
        {
            "code": pa.array(codes, pa.int64()),
            "place": pa.array(snapshot.order[: len(REASONS)]),
            "layer": [REASONS[code][0] for code in codes],
            "reason": [REASONS[code][1] for code in codes],
            "verdict": [VERDICTS[REASONS[code][2]] for code in codes],
        }
    )


def decide_in_duckdb(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> dict[str, pa.Table]:
    """For each use the four columns of an answer, a row per row of the batch."""
    rows = connection.sql(_query(snapshot)).to_arrow_table()
    number = {use: u for u, use in enumerate(snapshot.distinct_uses)}
    return {
        name: rows.select([f"{column}{number[use]}" for column in _ANSWER]).rename_columns(_ANSWER)
        for name, use in snapshot.uses.items()
    }


_ANSWER = ["verdict", "reason", "holder", "evidence"]


def _query(snapshot: Snapshot) -> str:
    uses = range(len(snapshot.distinct_uses))
    joins = " ".join(f"LEFT JOIN s_{kind} {kind} ON {kind}.key = a.{kind}" for kind in KINDS if kind != "party")
    shared = ", ".join(f"least({', '.join(_shared(snapshot, u))}) AS f{u}" for u in uses)
    bound = ", ".join(
        f"{kind}.speaker AS {kind}_by, {_each(f'{kind}.f{{u}} AS {kind}_f{{u}}', uses)}" for kind in _BOUND
    )
    own = ", ".join(f"least(h.f{u}, p.f{u}, {', '.join(_own(u))}) AS f{u}" for u in uses)
    key = f"((SELECT list(place ORDER BY code) FROM codes)[((f{{u}} >> {CODE_BITS}) & 63) + 1] << 32) | nth"
    least = _each(f"arg_min({{{{'f': f{{u}}, 'party': party}}}}, {key}) AS d{{u}}", uses)
    told = _each(_TOLD.format(snapshot.position, snapshot.policy.short_digest, u="{u}"), uses)
    coded = " ".join(f"JOIN codes c{u} ON c{u}.code = (d{u}.f >> {CODE_BITS}) & 63" for u in uses)
    return f"""
        WITH a AS (
            SELECT "offset" AS row, asset_id AS asset, account_id AS account, identifiers.isrc AS isrc,
                identifiers.content_sha256 AS sha256, catalogs[1] AS catalog, licence, len(tags) > 0 AS tagged,
                interests
            FROM batch),
        h AS (SELECT a.row, a.interests, a.licence, {shared}, {bound}
            FROM a {joins} LEFT JOIN licences ON licences.key = a.licence),
        seats AS (SELECT *, unnest(interests).party_id AS party, generate_subscripts(interests, 1) - 1 AS nth FROM h),
        heard AS (SELECT h.row, h.licence, h.party, h.nth, {own} FROM seats h LEFT JOIN s_party p ON p.key = h.party),
        decided AS (SELECT row, any_value(licence) AS licence, {least} FROM heard GROUP BY row)
        SELECT {told} FROM decided {coded} ORDER BY row"""


_TOLD = (
    "c{u}.verdict AS verdict{u}, c{u}.reason AS reason{u}, 'party:' || d{u}.party AS holder{u}, "
    f"CASE WHEN c{{u}}.layer = 'none' THEN 'none' WHEN c{{u}}.layer = 'licence' THEN 'licence:' || licence "
    f"WHEN d{{u}}.f & {BY_RIGHTS} = 0 THEN 'content:0:' || row ELSE 'rights:' || (d{{u}}.f & {BY_RIGHTS - 1}) END "
    "|| '@{0}#{1}' AS evidence{u}"
)


def _each(template: str, uses: range) -> str:
    return ", ".join(template.format(u=u) for u in uses)


def _shared(snapshot: Snapshot, u: int) -> Iterator[str]:
    """What counts for every interest: unbound statements, the account's, the licence, the tag, the terms."""
    yield str(NOTHING)
    yield from (f"CASE WHEN {kind}.speaker IS NULL THEN {kind}.f{u} END" for kind in _BOUND)
    yield from (f"account.f{u}", f"licences.f{u}")
    policy, use = snapshot.policy, snapshot.distinct_uses[u]
    if reaches(Scope(tuple(policy.reservations["no_ai_tag"]), is_yes=False), use, policy.purposes):
        tag = int(snapshot.ranks[KIND_OF["asset"]][CODES["wishes", "reservation.no_ai_tag"]]) & ~BY_RIGHTS
        yield f"CASE WHEN tagged THEN {tag} END"
    terms = snapshot.terms_in_force()
    accepted, default = (int(terms.findings[u][place]) for place in (terms.places[1], terms.by_default))
    yield f"CASE WHEN account.accepted THEN {accepted} ELSE {default} END"


def _own(u: int) -> Iterator[str]:
    yield from (f"CASE WHEN h.{kind}_by = p.speaker THEN h.{kind}_f{u} END" for kind in _BOUND)

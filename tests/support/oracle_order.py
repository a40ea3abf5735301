"""What must be true along the versions of tables: transactions only grow, decisions never go back in rights or time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.support.lake_log import Row
from tests.support.truth import SINGLE, LakeNow, Truth

MAY_GO_BACK = {"sweep-next"}
"""The instant at which a statement next begins or ends: an event may bring an earlier one."""


def order(lake: LakeNow, truth: Truth) -> Iterator[str]:
    """Every violation, one line each."""
    yield from _transactions(lake)
    yield from _never_back(lake, "rights_position", lambda row: row["rights_position"])
    yield from _never_back(lake, "decided_at", lambda row: row["decided_at"])
    yield from _said_by_the_rows_themselves(lake)
    yield from _not_before_a_sweep(lake)
    yield from _fresh(lake, truth)
    yield from _policy(lake, truth)


def _transactions(lake: LakeNow) -> Iterator[str]:
    for name in SINGLE:
        reached: dict[str, int] = {}
        for version in lake.tables[name]:
            sweep = "sweep" in version.txns
            for app, at in version.txns.items():
                before = reached.get(app, -1)
                if app in MAY_GO_BACK:
                    continue
                # a sweep restates the content partitions where they stand
                if at < before or (at == before and app.startswith("content/") and not sweep):
                    yield f"{name} version {version.number}: {app} goes from {before} to {at}"
                reached[app] = at


def _never_back(lake: LakeNow, what: str, value: Callable[[Row], int]) -> Iterator[str]:
    """Along the versions nothing decided on an asset in a partition is older than what was decided on it before, and no
    gate's decision on a partition older than a gate's before it. (A sweep keeps its moment when it tries again, and
    leaves out the assets that were decided meanwhile; an asset in two partitions is decided by two gates.)
    """
    before: dict[str, int] = {}
    for version in lake.tables["decisions"]:
        of: dict[str, list[int]] = {}
        for row in version.rows:
            mine = f"asset {row['asset_id']} of partition {row['partition']} in {row['dataset']}"
            of.setdefault(mine, []).append(value(row))
            if row["driver"] == "gate":
                of.setdefault(f"partition {row['partition']}", []).append(value(row))
        for whose, values in of.items():
            if whose in before and min(values) < before[whose]:
                found = f"{min(values)} after {before[whose]}"
                yield f"decisions version {version.number}: {what} of {whose} is {found}"
            before[whose] = max(*values, before.get(whose, values[0]))


def _said_by_the_rows_themselves(lake: LakeNow) -> Iterator[str]:
    """Of an asset in one partition the columns tell the order of commits: whoever looks an asset up in merged files,
    and whoever compares with the last decision, relies on it.
    """
    of: dict[tuple[str, str], list[Row]] = {}
    for version in lake.tables["decisions"]:
        for row in sorted(version.rows, key=lambda r: r["offset"]):
            of.setdefault((row["asset_id"], row["dataset"]), []).append(row)
    for (asset, dataset), rows in of.items():
        if len({row["partition"] for row in rows}) == 1:
            told = [(r["offset"], r["driver"] == "sweep", r["rights_position"], r["decided_at"]) for r in rows]
            if told != sorted(told):
                yield f"decisions on {asset} for {dataset} were committed in another order than they say: {told}"


def _not_before_a_sweep(lake: LakeNow) -> Iterator[str]:
    swept = -1
    for version in lake.tables["decisions"]:
        oldest = min((row["rights_position"] for row in version.rows), default=swept)
        if oldest < swept:
            yield f"decisions version {version.number}: decided at {oldest} after a sweep to {swept}"
        swept = max(swept, version.txns.get("sweep", -1))


def _fresh(lake: LakeNow, truth: Truth) -> Iterator[str]:
    """P2: rights that were acknowledged before an event was sent are in every decision on it."""
    for row in lake.rows("decisions"):
        needed = truth.fresh_from.get((row["partition"], row["offset"]), 0)
        if row["rights_position"] < needed:
            place = f"{row['partition']}:{row['offset']} for {row['dataset']}"
            yield f"{place} is decided at {row['rights_position']}, rights ended at {needed} when it was sent"


def _policy(lake: LakeNow, truth: Truth) -> Iterator[str]:
    """Every decision names the policy that is active at its position."""
    seen = {(row["rights_position"], row["policy"]) for row in lake.rows("decisions")}
    active = {position: truth.policy_at(position) for position, _ in seen}
    yield from (
        f"decided at {at} under {policy}, active is {active[at]}" for at, policy in seen if policy != active[at]
    )

"""A candidate's rows decided at the end of the rights log, as publication needs it (design §5, §6).

Refused are: rights events nobody can read that hold nobody, another active policy or declaration than the candidate's,
and any row that is not permitted now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import pyarrow as pa

from gatekeeper.core.manifest import Manifest
from gatekeeper.core.media import copied, copies
from gatekeeper.errors import NotApplied, Refused
from gatekeeper.stages.columnar import ColumnarKernel
from gatekeeper.stages.gate.barrier import RightsFollower
from gatekeeper.stages.gate.values import Moment
from gatekeeper.stages.row_decisions import CatalogTable, RowRefused, refused_rows

SHOWN_MAX = 5
"""Refused rows that the error names; ``check`` lists more."""

Rows = Callable[[], Iterable[pa.Table]]


@dataclass(frozen=True)
class DecidedNow:
    """Every row was permitted here. ``catalog`` is the table's version; from ``until_us`` on (None: never) time alone
    may give another answer.
    """

    rights_position: int
    instant_us: int
    policy: str
    catalog: int
    until_us: int | None


class DecidesNow(Protocol):
    """Decides a candidate's rows at the log's end, as often as it is asked."""

    def decide(self, manifest: Manifest, rows: Rows) -> DecidedNow:
        """Raises ``Refused`` with the reason; ``Unavailable``, ``UnsafeLog``: nothing was decided."""

    def moved_since(self, decided: DecidedNow) -> bool:
        """Whether rights, time or the catalogue could give another answer than then."""


class AtTheLogsEnd:
    """Belongs to one thread. ``follower`` reads the rights log to its end before anything is decided."""

    def __init__(self, follower: RightsFollower, catalog: CatalogTable) -> None:
        self._follower = follower
        self._catalog = catalog

    def decide(self, manifest: Manifest, rows: Rows) -> DecidedNow:
        moment = self._catch_up()
        self._require_same_rules(manifest)
        self._require_answers()
        kernel = self._follower.kernel
        assert kernel is not None
        released = copied if copies(manifest.declaration) else None
        refused = refused_rows(self._catalog, kernel, manifest.dataset, rows(), released)
        first = list(islice(refused, SHOWN_MAX))
        if first:
            raise _not_permitted(manifest, first, sum(1 for _ in refused))
        until_us = kernel.snapshot.next_change_us if isinstance(kernel, ColumnarKernel) else moment.instant_us
        policy = self._follower.rules.policy.digest
        return DecidedNow(moment.position, moment.instant_us, policy, self._catalog.version, until_us)

    def moved_since(self, decided: DecidedNow) -> bool:
        moment = self._catch_up()
        in_time = decided.until_us is None or moment.instant_us < decided.until_us
        return not in_time or (moment.position, self._catalog.version) != (decided.rights_position, decided.catalog)

    def _catch_up(self) -> Moment:
        try:
            moment = self._follower.catch_up()
        except NotApplied as changed:
            raise Refused(f"nothing can be published: {changed.what}", changed.do) from changed
        self._catalog.refresh()
        return moment

    def _require_same_rules(self, manifest: Manifest) -> None:
        rules, do = self._follower.rules, f"build it again: gatekeeper build {manifest.dataset}"
        if rules.policy.digest != manifest.basis.policy:
            raise Refused(f"{manifest.name} was built under another policy than the active one", do)
        active = {declaration.name: declaration.digest for declaration in rules.declarations}
        if active.get(manifest.dataset) != manifest.declaration_digest:
            raise Refused(f"{manifest.name} was built from another declaration than the active one", do)

    def _require_answers(self) -> None:
        unknown = [record for record in self._follower.register.unanswered if record.subject is None]
        if unknown:
            first = unknown[0]
            what = f"{len(unknown)} rights event(s) cannot be read and may be about anybody: position {first.position}"
            do = f"read it (`gatekeeper status`), then `gatekeeper rights resolve {first.position} --because ...`"
            raise Refused(f"{what} ({first.reason})", do)


def _not_permitted(manifest: Manifest, first: Sequence[RowRefused], more: int) -> Refused:
    named = "; ".join(f"{row.asset_id}: {row.reason}" + (f" ({row.holder})" if row.holder else "") for row in first)
    what = f"{len(first) + more} row(s) of {manifest.name} are not permitted now: {named}" + ("; ..." if more else "")
    return Refused(what, f"build it again without them: gatekeeper build {manifest.dataset}")

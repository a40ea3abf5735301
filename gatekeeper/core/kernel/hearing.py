"""Who says what about which asset, seat by seat (design §4, "Who counts").

Rules of this file: claims and reservations count for every interest; a party's consents and agreements for its own
seats; the account's no for every interest, its yes only where no interests are declared. Everything the rights log says
arrives here; what the content event itself says is in ``content_says``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gatekeeper.core.kernel.content import Content, Owned
from gatekeeper.core.kernel.findings import Spoken, Tally, chains
from gatekeeper.core.kernel.lookups import heads, paired, spoken_apart
from gatekeeper.core.snapshot import Snapshot
from gatekeeper.core.snapshot.keys import Rows
from gatekeeper.core.snapshot.level import Found, Level
from gatekeeper.core.snapshot.reasons import CODE_ACCEPTED, CODES
from gatekeeper.core.snapshot.rows import ACCOUNT, KIND_OF, NOBODY, PARTY

UNKNOWN = -1
"""Speaker of a party or account that the rights log never named."""


def _flags(*codes: int) -> npt.NDArray[np.bool_]:
    flags = np.zeros(64, np.bool_)
    flags[list(codes)] = True
    return flags


_YES = _flags(CODES["wishes", "consent.opt_in"])
_OWN = _flags(
    *(code for (layer, reason), code in CODES.items() if layer == "agreement" or reason.startswith("consent."))
)
_ACCEPTED = _flags(CODE_ACCEPTED)


@dataclass
class Heard:
    """Tallies by place: assets, seats, distinct parties (one more for "no party") and distinct accounts."""

    shared: Tally
    own: Tally
    by_party: Tally
    by_party_shared: Tally
    by_account: Tally
    by_account_holding: Tally
    terms_place: Rows


class Hearing:
    """One batch heard against one snapshot."""

    def __init__(self, content: Content, snapshot: Snapshot) -> None:
        uses = len(snapshot.distinct_uses)
        self.content, self.snapshot, self.levels = content, snapshot, snapshot.tables()
        self.ranks = snapshot.ranks
        self.terms = snapshot.terms_in_force()
        parties, accounts = len(content.parties), len(content.accounts.names)
        self.party_speaker = np.full(parties + 1, UNKNOWN, np.int64)
        self.account_speaker = np.full(accounts, UNKNOWN, np.int64)
        self.heard = Heard(
            shared=Tally(uses, content.rows),
            own=Tally(uses, len(content.party)),
            by_party=Tally(uses, parties + 1),
            by_party_shared=Tally(uses, parties + 1),
            by_account=Tally(uses, accounts),
            by_account_holding=Tally(uses, accounts),
            terms_place=np.full(accounts, self.terms.by_default, np.int64),
        )

    def all(self) -> Heard:
        self._parties()
        self._accounts()
        content = self.content
        self._subjects("asset", content.assets)
        self._subjects("isrc", content.isrcs)
        self._subjects("sha256", content.hashes)
        self._catalogs()
        return self.heard

    def _parties(self) -> None:
        for level, found in heads(self.snapshot, self.levels, PARTY, self.content.parties):
            self.party_speaker[found.asked] = found.records["speaker"]
            for spoken in chains(level, found):
                own = _OWN.take(spoken.codes)
                self._add(self.heard.by_party, PARTY, spoken.where(own))
                self._add(self.heard.by_party_shared, PARTY, spoken.where(~own))

    def _accounts(self) -> None:
        for level, found in heads(self.snapshot, self.levels, ACCOUNT, self.content.accounts.names):
            self.account_speaker[found.asked] = found.records["speaker"]
            for spoken in chains(level, found):
                accepted, yes = _ACCEPTED.take(spoken.codes), _YES.take(spoken.codes)
                self._accept(spoken.where(accepted))
                self._add(self.heard.by_account, ACCOUNT, spoken.where(~yes & ~accepted))
                self._add(self.heard.by_account_holding, ACCOUNT, spoken.where(yes))

    def _accept(self, spoken: Spoken) -> None:
        places = self.terms.places.take(spoken.positions)
        np.maximum.at(self.heard.terms_place, spoken.places, places)

    def _subjects(self, name: str, owned: Owned) -> None:
        kind = KIND_OF[name]
        for level, found in heads(self.snapshot, self.levels, kind, owned.strings):
            self._about(
                kind, level, found if owned.asset is None else replace(found, asked=owned.asset.take(found.asked))
            )

    def _catalogs(self) -> None:
        kind, catalogs = KIND_OF["catalog"], self.content.catalogs
        for level, found in heads(self.snapshot, self.levels, kind, catalogs.names):
            number = np.full(len(catalogs.names), UNKNOWN, np.int64)
            number[found.asked] = np.arange(len(found.asked))
            number = number.take(catalogs.which)
            listed = np.flatnonzero(number != UNKNOWN)
            at = number.take(listed)
            self._about(
                kind, level, Found(self.content.catalog_asset.take(listed), found.rows.take(at), found.records.take(at))
            )

    def _about(self, kind: int, level: Level, found: Found) -> None:
        """What is said about subjects of assets: ``found.asked`` are the assets that answer to them."""
        for spoken in chains(level, found):
            bound = spoken.speakers != NOBODY
            if not bound.any():
                self._add(self.heard.shared, kind, spoken)
                continue
            self._add(self.heard.shared, kind, spoken.where(~bound))
            self._spoken_by(kind, spoken.where(bound))
        apart = paired(found)
        if len(apart.rows):
            self._apart(kind, level, apart.rows, apart.asked)

    def _spoken_by(self, kind: int, spoken: Spoken) -> None:
        """Rows bound to a speaker: only the asset's own account and its interests' parties count."""
        content, speakers = self.content, spoken.speakers.astype(np.int64)
        account = self.account_speaker.take(content.accounts.which.take(spoken.places))
        self._account_says(kind, spoken.where(account == speakers))
        nth = 0
        while len(spoken.places):
            seats = content.seat_starts.take(spoken.places) + nth
            mine = self.party_speaker.take(content.party.take(seats)) == speakers
            self._add(self.heard.own, kind, replace(spoken, places=seats).where(mine))
            nth += 1
            further = content.counts.take(spoken.places) > nth
            spoken, speakers = spoken.where(further), speakers.compress(further)

    def _account_says(self, kind: int, spoken: Spoken) -> None:
        holds = self.content.counts.take(spoken.places) == 0
        self._add(self.heard.shared, kind, spoken.where(~_YES.take(spoken.codes) | holds))

    def _apart(self, kind: int, level: Level, rows: Rows, assets: Rows) -> None:
        """The same for subjects whose speakers are too many to go through: each asset's own speakers are looked up."""
        content = self.content
        self._account_says(
            kind, spoken_apart(level, rows, assets, self.account_speaker[content.accounts.which[assets]])
        )
        counts = content.counts[assets]
        seats = np.repeat(content.seat_starts[assets] - (np.cumsum(counts) - counts), counts) + np.arange(
            int(counts.sum())
        )
        speakers = self.party_speaker[content.party[seats]]
        self._add(self.heard.own, kind, spoken_apart(level, np.repeat(rows, counts), seats, speakers))

    def _add(self, tally: Tally, kind: int, spoken: Spoken) -> None:
        tally.hear(spoken, self.ranks[kind])

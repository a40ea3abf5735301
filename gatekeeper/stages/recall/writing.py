"""How a recall comes to stand next to its release: put once, never changed, exactly once however often it is tried.

1. ``envelope``  where a key is configured: ``0001.dsse``, which holds the recall's very bytes and their signature
2. ``recall``    ``0001.json``

Both are put where nothing is. Whoever finds an envelope without its recall puts the recall, so that a kill between the
two leaves no doubt, and of two recallers who choose one number the second begins again from what the first has put.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gatekeeper.core.manifest import Manifest, manifest_digest
from gatekeeper.core.recalls import Recall, Written, grouped
from gatekeeper.core.release_names import RECALLS, envelope_name, envelope_number, recall_name, recall_number
from gatekeeper.core.times import format_instant
from gatekeeper.errors import Refused, Unavailable
from gatekeeper.stages.gate.values import Moment
from gatekeeper.stages.latest import folder_of
from gatekeeper.stages.recall.uses import uses_of
from gatekeeper.stages.release_ports import ReleaseStore
from gatekeeper.stages.release_reading import recalls_of

ASSETS_MAX = 100_000
"""Assets in one file: what bounds a recaller's memory, and what a reader of a file must hold."""
TRIES_MAX = 20
"""Others that put the very number before one gives up."""

Step = Callable[[str], None]
Row = Mapping[str, Any]


class Seals(Protocol):
    """The key of whoever recalls."""

    def seal(self, data: bytes) -> bytes:
        """Bytes → an envelope with them and their signature; the same bytes give the same envelope."""

    def unseal(self, envelope: bytes) -> bytes | None:
        """The signed bytes, None where no trusted key signed them."""


@dataclass
class Recaller:
    """Of one release. ``add`` its refused rows by asset id, then ``finish``."""

    store: ReleaseStore
    manifest: Manifest
    moment: Moment
    policy: str
    tool: str
    seals: Seals | None
    step: Step
    already: frozenset[str] = frozenset()
    written: list[Recall] = field(default_factory=list)
    _waiting: dict[str, Row] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        return f"{folder_of(self.manifest.dataset, self.manifest.version)}/{RECALLS}"

    def open(self, *, complete: bool) -> Sequence[Recall]:
        """What is recalled already; ``complete`` first puts what somebody began."""
        if complete:
            self._complete()
        found = recalls_of(self.store, self.manifest)
        self.already = frozenset().union(*(recall.asset_ids or () for recall in found))
        return found

    def add(self, rows: Mapping[str, Row]) -> None:
        """Refused rows by asset id; those that are recalled already change nothing."""
        self._waiting |= {asset: row for asset, row in rows.items() if asset not in self.already}
        while len(self._waiting) >= ASSETS_MAX:
            self._put(sorted(self._waiting)[:ASSETS_MAX])

    def finish(self) -> None:
        if self._waiting:
            self._put(sorted(self._waiting))

    def _put(self, assets: Sequence[str]) -> None:
        for _ in range(TRIES_MAX):
            assets = [asset for asset in assets if asset in self._waiting]
            if not assets:
                return
            number = self._next_number()
            data = self._recall(number, assets).to_bytes()
            if self._stands(number, data):
                self._learn(number)
                return
            self._complete()
            for recall in recalls_of(self.store, self.manifest):
                self._forget(recall.asset_ids or frozenset())
        raise Unavailable(f"recalls of {self.manifest.name} are put all the time", "recall again")

    def _stands(self, number: int, data: bytes) -> bool:
        """Whether the recall of that number is ours."""
        recall = f"{self.folder}/{recall_name(number)}"
        if self.seals is not None:
            self.step("envelope")
            if not self.store.put_new(f"{self.folder}/{envelope_name(number)}", self.seals.seal(data)):
                return False
        self.step("recall")
        if self.store.put_new(recall, data):
            return True
        if self.seals is None or self.store.read(recall) == data:
            return self.seals is not None
        raise Refused(
            f"{recall} is there already, unsigned, and signed is another: somebody recalls without the key",
            "configure `signing` for everybody who recalls; the loader refuses the whole release meanwhile",
        )

    def _complete(self) -> None:
        """Put the recalls whose envelopes stand alone."""
        names = set(self.store.names(self.folder))
        for number in sorted(n for name in names if (n := envelope_number(name)) is not None):
            if recall_name(number) in names:
                continue
            envelope = self.store.read(f"{self.folder}/{envelope_name(number)}") or b""
            data = self.seals.unseal(envelope) if self.seals is not None else None
            if data is None:
                do = "configure the key that signed it (`signing` in gatekeeper.yaml), or find out who put it there"
                raise Refused(f"{self.folder}/{envelope_name(number)} is signed by no key that is trusted here", do)
            self.store.put_new(f"{self.folder}/{recall_name(number)}", data)

    def _next_number(self) -> int:
        names = self.store.names(self.folder)
        taken = [n for name in names for n in (recall_number(name), envelope_number(name)) if n is not None]
        return max(taken, default=0) + 1

    def _recall(self, number: int, assets: Sequence[str]) -> Written:
        return Written(
            release=self.manifest.name,
            manifest=manifest_digest(self.manifest),
            number=number,
            because=grouped(self._waiting[asset] for asset in assets),
            rights_position=self.moment.position,
            policy=self.policy,
            instant=format_instant(self.moment.instant_us),
            uses=tuple({"model": use.model, "holder": use.holder} for use in uses_of(self.store, self.manifest)),
            tool=self.tool,
        )

    def _learn(self, number: int) -> None:
        for recall in recalls_of(self.store, self.manifest):
            if recall.name == recall_name(number):
                self.written.append(recall)
                self._forget(recall.asset_ids or frozenset())

    def _forget(self, assets: frozenset[str]) -> None:
        self.already |= assets
        self._waiting = {asset: row for asset, row in self._waiting.items() if asset not in assets}

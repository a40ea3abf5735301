"""Whatever happens in whatever order: rows are what is permitted, nothing is lost, nothing is there twice (P1 to P4).

Content, updates, removals, rights, rules and time, gates and sweeps step by step beside each other, crashes, merges,
releases and recalls, chosen by Hypothesis. A few short histories here; ``make crash`` runs many long ones.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.stages.histories import History

LONG = os.environ.get("GATEKEEPER_CRASH_FULL") == "1"
STEPS = [f"{table}.{step}" for table in ("catalog", "decisions", "rights") for step in ("write", "commit", "committed")]
STEPS += ["dead_letters.committed", "datasets/radio.commit", "datasets/radio.committed"]

kinds = st.sampled_from(["published", "updated"])
assets = st.sampled_from(["a", "b", "c", "d"])
accounts = st.sampled_from(["nina", "tom"])
parties = st.sampled_from(["label", "house"])
purposes = st.sampled_from(["service", "training", "training.analytical", "service.recommendation"])
isrcs = st.sampled_from(["NLA122500001", "nl-a12-25-00001", "NLA122500002"])
digests = st.sampled_from(["ab" * 32, "AB" * 32])
minutes = st.sampled_from([1, 4, 30])
meanwhile = st.sampled_from(["other", "withdrawal", "merge"])


class Histories(RuleBasedStateMachine):
    """One workspace."""

    @initialize()
    def begin(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="history-"))
        self.world = History(self._folder / "ws")
        for n, asset in enumerate("abcd"):
            isrc = {"isrc": f"NLA12250000{n % 2}"}
            self.world.content("published", asset, ("nina", "tom")[n // 2], identifiers=isrc)
        self.world.gate()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.world.settled()
                self.world.recall()
            finally:
                shutil.rmtree(self._folder, ignore_errors=True)

    # content

    @rule(
        asset=assets, account=accounts, isrc=isrcs, tagged=st.booleans(), kind=st.sampled_from(["published", "updated"])
    )
    def of_an_account(self, asset: str, account: str, isrc: str, kind: str, *, tagged: bool) -> None:
        self.world.content(kind, asset, account, identifiers={"isrc": isrc}, tags=["No AI"] if tagged else ["ambient"])

    @rule(asset=assets, party=parties, digest=digests)
    def of_a_party(self, asset: str, party: str, digest: str) -> None:
        interests = [{"party_id": party, "role": "recording"}]
        self.world.content(
            "updated", asset, "nina", interests=interests, catalogs=["c"], identifiers={"content_sha256": digest}
        )

    @rule(asset=assets)
    def removed(self, asset: str) -> None:
        self.world.content("removed", asset, "nina")

    @rule()
    def no_event(self) -> None:
        self.world.runs.content(b"{ no event")

    # rights

    @rule(account=accounts, purpose=purposes, yes=st.booleans(), until=st.one_of(st.none(), minutes))
    def consent(self, account: str, purpose: str, until: int | None, *, yes: bool) -> None:
        who, ends = f"account:{account}", {} if until is None else {"valid_until": self.world.in_minutes(until)}
        what = "granted" if yes else "withdrawn"
        self.world.rights(f"rights.consent.{what}", speaker=who, subject=who, purposes=[purpose], **ends)

    @rule(party=parties, asset=assets, starts=minutes)
    def consent_to_come(self, party: str, asset: str, starts: int) -> None:
        who, begins = f"party:{party}", self.world.in_minutes(starts)
        said = {"speaker": who, "subject": f"asset:{asset}", "purposes": ["training"], "valid_from": begins}
        self.world.rights("rights.consent.withdrawn", **said)

    @rule(which=st.sampled_from(["isrc:nl-a12-25-00001", "asset:b", f"sha256:{'Ab' * 32}", "catalog:c"]))
    def claim(self, which: str) -> None:
        self.world.rights("rights.claim.opened", claim_id=which, kind="takedown", subject=which)

    @rule(which=st.sampled_from(["isrc:nl-a12-25-00001", "asset:b", f"sha256:{'Ab' * 32}", "catalog:c"]))
    def claim_ends(self, which: str) -> None:
        self.world.rights("rights.claim.resolved", claim_id=which, kind="takedown", subject=which)

    @rule(party=parties, yes=st.booleans(), until=st.one_of(st.none(), minutes))
    def agreement(self, party: str, until: int | None, *, yes: bool) -> None:
        ends = {} if until is None else {"valid_until": self.world.in_minutes(until)}
        said = {"permits": ["training"] if yes else [], "prohibits": [] if yes else ["service"]}
        fields = {"agreement_id": party, "party_id": party, "scope": {"catalogs": ["c"]}, **said}
        self.world.rights("rights.agreement.signed", **fields, valid_from="2024-01-01T00:00:00Z", **ends)

    @rule(party=parties)
    def terminated(self, party: str) -> None:
        self.world.rights("rights.agreement.terminated", agreement_id=party, effective_from=self.world.runs.now)

    @rule(asset=assets)
    def unreadable(self, asset: str) -> None:
        said = {"speaker": "account:nina", "subject": f"asset:{asset}", "purposes": ["a purpose nobody knows"]}
        self.world.rights("rights.consent.withdrawn", **said)

    @rule(yes=st.booleans(), starts=st.sampled_from([-1, 4]))
    def terms(self, starts: int, *, yes: bool) -> None:
        grants = {"service": "permit", "training.analytical": "permit" if yes else "prohibit"}
        said = {"terms_id": f"t{self.world.serial}", "effective_from": self.world.in_minutes(starts), "grants": grants}
        self.world.rights("rights.terms.published", **said, acceptance="continued_use")

    # rules and time

    @rule()
    def policy(self) -> None:
        self.world.runs.new_policy()
        self.world.runs.apply()

    @rule(purpose=st.sampled_from(["service.search", "training.analytical"]))
    def declared(self, purpose: str) -> None:
        self.world.runs.declare("search", purpose)
        self.world.runs.apply()

    @precondition(lambda self: "search" in self.world.datasets)
    @rule()
    def retired(self) -> None:
        self.world.clean = False  # the oracle knows declared datasets only
        self.world.runs.retire("search")
        self.world.runs.apply()

    @rule(minutes=minutes)
    def time_passes(self, minutes: int) -> None:
        self.world.later(minutes)

    # stages

    @rule()
    def gate(self) -> None:
        self.world.gate()

    @rule()
    def sweep(self) -> None:
        self.world.sweep()

    @rule(at=st.sampled_from(STEPS), which=st.sampled_from(["drain", "sweep"]))
    def killed(self, at: str, which: str) -> None:
        self.world.killed(getattr(self.world.runs, which), at)

    @rule(
        at=st.sampled_from(["decisions.write", "decisions.commit"]),
        other=meanwhile,
    )
    def beside_a_sweep(self, at: str, other: str) -> None:
        self.world.beside(self.world.runs.sweep, at, self._meanwhile(other, self.world.gate))

    @rule(
        at=st.sampled_from(["catalog.commit", "decisions.commit"]),
        other=meanwhile,
    )
    def beside_a_gate(self, at: str, other: str) -> None:
        self.world.beside(self.world.runs.drain, at, self._meanwhile(other, self.world.sweep))

    def _meanwhile(self, what: str, other: Callable[[], None]) -> Callable[[], None]:
        said = {"speaker": "account:nina", "subject": "account:nina", "purposes": ["service"]}
        withdrawal = lambda: self.world.rights("rights.consent.withdrawn", **said)  # noqa: E731
        return {"other": other, "merge": self.world.maintain, "withdrawal": withdrawal}[what]

    @rule()
    def merge(self) -> None:
        self.world.maintain()

    @precondition(lambda self: self.world.truth.content)
    @rule(dataset=st.sampled_from(["radio", "models"]))
    def publish(self, dataset: str) -> None:
        self.world.gate()
        self.world.publish(dataset)

    @rule()
    def recall(self) -> None:
        self.world.recall()

    @rule(dataset=st.sampled_from(["radio", "models"]), account=accounts, gone=st.booleans())
    def publish_and_regret(self, dataset: str, account: str, *, gone: bool) -> None:
        self.publish(dataset)
        if gone:
            self.removed("a")
        else:
            self.consent(account, "service" if dataset == "radio" else "training", None, yes=False)
        self.world.recall()

    @precondition(lambda self: self.world.truth.content)
    @rule()
    def settle(self) -> None:
        self.world.settled()

    @invariant()
    def one_row_an_asset(self) -> None:
        if hasattr(self, "world"):
            self.world.permits_stand()


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=150 if LONG else 5,
    stateful_step_count=40 if LONG else 14,
    deadline=None,
    phases=list(Phase) if LONG else [Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes minutes
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)

"""Gates and sweeps, one after the other or beside each other, in this process."""

from __future__ import annotations

from typing import Any

from gatekeeper.stages.sweep.sweeping import Swept
from gatekeeper.wiring.gate import GateOptions
from gatekeeper.wiring.sweeping import SweepOptions, SweptWorkspace, sweep
from tests.support.gate_runs import Runs, Step

NOTHING: dict[str, dict[str, int]] = {}


class SweepRuns(Runs):
    """An embedded workspace with gates and sweeps."""

    def swept(self, step: Step = lambda _name: None, *, full: bool = False, **how: Any) -> SweptWorkspace:
        everything = "a test asked for it" if full else None
        return sweep(self.opened, SweepOptions(everything, gate=GateOptions(step=step), **how))

    def sweep(self, step: Step = lambda _name: None, **how: Any) -> Swept:
        return self.swept(step, **how).swept

    def sweep_in_full(self) -> Swept:
        return self.swept(full=True).swept

    @staticmethod
    def decided(swept: Swept) -> dict[str, dict[str, int]]:
        """Dataset → verdict → decisions appended."""
        found: dict[str, dict[str, int]] = {}
        for (dataset, verdict, _), count in swept.tally.decided.items():
            of = found.setdefault(dataset, {})
            of[verdict] = of.get(verdict, 0) + count
        return found

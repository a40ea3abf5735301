"""The columnar kernel: design §4 over record batches (``decide``).

It reads a ``Snapshot`` and content columns and must agree with the reference (``gatekeeper.core.decision``) on every
world; the two share vocabulary and policy data, no matching and no interval code.
"""

from gatekeeper.core.kernel.answers import Decided
from gatekeeper.core.kernel.verdicts import decide

__all__ = ["Decided", "decide"]

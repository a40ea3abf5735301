"""The rights state at a position, specialised for the uses that datasets declare (design §4, "The columnar kernel").

Rights events become statement rows (``intake``, ``rows``); rows become sorted, memory-mappable arrays (``build``,
``level``); a ``Snapshot`` holds a few such levels, moves forward with new events and to other instants, and is what
``gatekeeper.core.kernel`` decides with.
"""

from gatekeeper.core.snapshot.snapshot import Limits, Snapshot

__all__ = ["Limits", "Snapshot"]

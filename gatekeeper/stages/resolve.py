"""``gatekeeper rights resolve``: a person answers a rights event that nobody could read (design §3)."""

from __future__ import annotations

from typing import Any

from gatekeeper.core.policy import canonical_json
from gatekeeper.core.register import Register
from gatekeeper.core.times import format_instant
from gatekeeper.errors import BadInput
from gatekeeper.ports import LogWriter

SOURCE = "gatekeeper/rights-resolve"


def resolve(position: int, because: str, register: Register, log: LogWriter, now_us: int) -> dict[str, Any]:
    """Append the answer; it. Raises ``BadInput`` for a position that is not unreadable, or answered already."""
    unanswered = sorted(record.position for record in register.unanswered)
    listed = ", ".join(map(str, unanswered)) or "none"
    if position in register.answered:
        raise BadInput(f"rights event {position} is answered already", f"unanswered: {listed}")
    if position not in unanswered:
        raise BadInput(f"rights event {position} is not an unreadable one", f"unanswered: {listed}")
    if not because.strip():
        raise BadInput("an answer needs a reason", "say with --because what was found and done")
    event = {
        "specversion": "1.0",
        "id": f"rights.unreadable.answered/{position}@{register.position}",
        "source": SOURCE,
        "type": "rights.unreadable.answered",
        "time": format_instant(now_us),
        "data": {"position": position, "because": because},
    }
    log.append([(None, canonical_json(event))])
    return event

"""Opening the caller's workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.cli.caller import Caller

if TYPE_CHECKING:
    from gatekeeper.wiring import OpenWorkspace


def opened(caller: Caller) -> OpenWorkspace:
    """The workspace the caller asked for, or the current folder's. Raises ``BadInput``."""
    from gatekeeper import wiring

    return wiring.open_workspace(caller.workspace, Path.cwd(), caller.clock_us or wiring.system_clock_us)

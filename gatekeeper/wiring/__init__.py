"""The only place that pairs stages with edges, and the only one that makes a clock.

``workspace`` opens logs, tables and rules of a workspace; ``verbs`` are the commands that change it, ``questions``,
``explaining`` and ``reports`` those that do not; ``letters`` are the dead ones; ``gate`` is the stream worker.
"""

from gatekeeper.wiring.explaining import Explained, explain_now, explain_recorded
from gatekeeper.wiring.letters import dead_letters, replay
from gatekeeper.wiring.questions import Asked, decide, history_of
from gatekeeper.wiring.reports import holds, status
from gatekeeper.wiring.verbs import apply, new_workspace, plan, rights_judge
from gatekeeper.wiring.workspace import OpenWorkspace, RightsSoFar, open_workspace, system_clock_us

__all__ = [
    "Asked",
    "Explained",
    "OpenWorkspace",
    "RightsSoFar",
    "apply",
    "dead_letters",
    "decide",
    "explain_now",
    "explain_recorded",
    "history_of",
    "holds",
    "new_workspace",
    "open_workspace",
    "plan",
    "replay",
    "rights_judge",
    "status",
    "system_clock_us",
]

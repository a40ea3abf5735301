"""What may go wrong, split by who must act.

An ordinary refusal (a verdict, a dead letter) is a value and never an exception. Each error renders one line that
says what happened and, after it, what to do; the command line maps its class to the exit code of design §7.
"""

from __future__ import annotations


class GatekeeperError(Exception):
    """Base of everything gatekeeper raises on purpose. ``exit_code`` is the process exit code of design §7."""

    exit_code = 3

    def __init__(self, what: str, do: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.do = do

    def __str__(self) -> str:
        return f"{self.what}\n  what to do: {self.do}" if self.do else self.what


class BadInput(GatekeeperError):
    """The caller gave something wrong (an argument, a file, a line); the caller mends it."""

    exit_code = 2


class NotApplied(BadInput):
    """The workspace's files differ from what the rights log says is active; run ``gatekeeper apply``."""


class Refused(GatekeeperError):
    """The answer is no: a check, a release or a verification did not pass."""

    exit_code = 1


class WrongBytes(Refused):
    """What was to be put is not what was promised; nothing was put."""


class Unavailable(GatekeeperError):
    """A system that is needed cannot be reached or answers wrongly; an operator waits or repairs, then retries."""

    exit_code = 3


class UnsafeLog(GatekeeperError):
    """A log does not keep the promises that decisions rest on (partitions, retention, identity, gaps); an operator
    decides.
    """

    exit_code = 3


class Bug(GatekeeperError):
    """A broken invariant of our own; please report it. Nothing is committed after it."""

    exit_code = 3

"""One ``gatekeeper`` command as the body of a task.

The command runs in a process of its own, as from a shell: its progress goes to the task's log, its last line is the
answer, its exit code (design §7) becomes an exception that says whether trying again can help.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

log = logging.getLogger(__name__)

WORKSPACE = "GATEKEEPER_WORKSPACE"
RETRIES = 3
RETRY_DELAY = timedelta(minutes=1)
NO, WRONG_USE = 1, 2


class CommandFailed(Exception):
    """The command did not do what it was asked. Says what, and what to do next."""


class AnswerIsNo(CommandFailed):
    """Blocked, not verified, not permitted: exit code 1. Trying again gives the same answer."""


class WrongUse(CommandFailed):
    """A wrong argument, declaration or file: exit code 2. A person must mend it."""


class SystemAway(CommandFailed):
    """A broker, a store or the lake is away, or answers wrongly: exit code 3; or the process ended without an answer.
    Waiting may help.
    """


RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(AnswerIsNo, RetryAction.FAIL, reason="the answer is no, and asking again does not change it"),
        RetryRule(WrongUse, RetryAction.FAIL, reason="a person must mend what the message names"),
        RetryRule(SystemAway, RetryAction.RETRY, retry_delay=RETRY_DELAY, reason="a system is away and may come back"),
    ]
)
"""Retries only for what may pass."""


def run_command(*arguments: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """``gatekeeper <arguments> --json`` in the workspace that GATEKEEPER_WORKSPACE names → its answer.

    Raises ``AnswerIsNo``, ``WrongUse`` or ``SystemAway`` with the command's own words.
    """
    given = dict(os.environ if environment is None else environment)
    if not given.get(WORKSPACE):
        raise WrongUse(f"no workspace: set {WORKSPACE} in the environment of Airflow's workers")
    command = [sys.executable, "-m", "gatekeeper", "--json", *arguments]
    log.info("running: gatekeeper %s", " ".join(arguments))
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    for line in done.stderr.splitlines():
        log.info(line)
    answer = _answer(done.stdout)
    if done.returncode:
        raise _failure(done.returncode, arguments, answer)
    log.info("answer: %s", json.dumps(answer)[:2000])
    return answer


def _answer(output: str) -> dict[str, Any]:
    """The last line, where it is a JSON object; else nothing."""
    lines = output.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _failure(code: int, arguments: tuple[str, ...], answer: Mapping[str, Any]) -> CommandFailed:
    # a process that dies, or whose package is broken, ends with 1 as well: only an answer can say no
    kind = {NO: AnswerIsNo, WRONG_USE: WrongUse}.get(code, SystemAway) if answer else SystemAway
    what = answer.get("error") or (json.dumps(answer)[:2000] if answer else "it said nothing: read the lines above")
    do = answer.get("what_to_do")
    text = f"gatekeeper {' '.join(arguments)}: {what}" + (f"\nwhat to do: {do}" if do else "")
    return kind(text)

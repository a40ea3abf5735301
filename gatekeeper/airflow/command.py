"""One ``gatekeeper`` command as the body of a task.

The command runs in a process of its own, as from a shell: what it tells goes to the task's log as it is told, its last
line is the answer, its exit code (design §7) becomes an exception that says whether trying again can help.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

log = logging.getLogger(__name__)

WORKSPACE = "GATEKEEPER_WORKSPACE"
RETRIES = 3
RETRY_DELAY = timedelta(minutes=1)
NO, WRONG_USE = 1, 2
OFFENDING_SHOWN_MAX = 10
"""Rows of one expectation in a message; the check's own page has more."""


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
    """``gatekeeper --json <arguments>`` in the workspace that GATEKEEPER_WORKSPACE names → its answer.

    Raises ``AnswerIsNo``, ``WrongUse`` or ``SystemAway`` with the command's own words, what to do, how to repeat it.
    """
    given = dict(os.environ if environment is None else environment)
    if not given.get(WORKSPACE):
        raise WrongUse(f"no workspace: set {WORKSPACE} in the environment of Airflow's workers")
    command = [sys.executable, "-m", "gatekeeper", "--json", *arguments]
    log.info("running: gatekeeper %s", shlex.join(arguments))
    with subprocess.Popen(command, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        telling = threading.Thread(target=_tell, args=(process.stderr,), daemon=True)
        telling.start()
        try:
            output = process.stdout.read()
        except BaseException:
            process.kill()  # Airflow ends the task: what it started ends with it
            raise
        telling.join()
    answer = _answer(output)
    if process.returncode:
        raise _failure(process.returncode, arguments, answer, given[WORKSPACE])
    log.info("answer: %s", json.dumps(answer)[:2000])
    return answer


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        log.info(line.rstrip())


def _answer(output: str) -> dict[str, Any]:
    """The last line, where it is a JSON object; else nothing."""
    lines = output.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _failure(code: int, arguments: tuple[str, ...], answer: Mapping[str, Any], workspace: str) -> CommandFailed:
    # a process that dies, or whose package is broken, ends with 1 as well: only an answer can say no
    kind = {NO: AnswerIsNo, WRONG_USE: WrongUse}.get(code, SystemAway) if answer else SystemAway
    text = f"gatekeeper {shlex.join(arguments)}: {_what(answer)}"
    if do := answer.get("what_to_do"):
        text += f"\nwhat to do: {do}"
    return kind(f"{text}\nto see it again: gatekeeper --workspace {shlex.quote(workspace)} {shlex.join(arguments)}")


def _what(answer: Mapping[str, Any]) -> str:
    if answer.get("error"):
        return str(answer["error"])
    failed = [met for met in answer.get("expectations", ()) if met.get("passed") is not True]
    if failed:
        return "\n".join(["blocked", *(line for met in failed for line in _unmet(met))])
    return json.dumps(answer)[:2000] if answer else "it said nothing: read the lines above"


def _unmet(met: Mapping[str, Any]) -> Iterator[str]:
    """An expectation that was not met, with the rows that did not meet it."""
    yield f"{met.get('name')}: {met.get('what')}"
    for row in met.get("offending", ())[:OFFENDING_SHOWN_MAX]:
        yield f"  {row.get('asset_id') or 'the candidate'}: {row.get('reason')}"
    yield f"  {met.get('offending_count')} in all. what to do: {met.get('do')}"

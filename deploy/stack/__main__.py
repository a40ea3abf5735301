"""Start Kafka, S3, Airflow and a workspace on this machine, say where they are, and stop everything on Ctrl-C.

    python -m deploy.stack                 (make stack)

What happened stays in the folder: starting again goes on there. Remove the folder to begin anew.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from deploy.stack.demo import tell_demo
from deploy.stack.processes import NotStarted
from deploy.stack.stack import USERS, Ports, Stack
from deploy.stack.workspace import LAKE, RELEASES

ROOT = Path(__file__).resolve().parents[2]
WATCH_S = 0.5
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked us to stop."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "stack", help="where everything is kept")
    parser.add_argument("--free-ports", action="store_true", help="any free ports, not 9092, 7070 and 8080")
    parser.add_argument("--bare", action="store_true", help="empty logs: no terms, datasets and recordings of the demo")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output when it is ready")
    parser.add_argument(
        "--setting", action="append", default=[], metavar="NAME=VALUE", help="for Airflow's environment"
    )
    chosen = parser.parse_args(arguments)
    for number in STOPPING:
        signal.signal(number, _stop)
    try:
        return run(chosen)
    except NotStarted as problem:
        print(f"not started: {problem}", file=sys.stderr)
        return 3
    except Stopped:
        return 0


def run(chosen: argparse.Namespace) -> int:
    ports = Ports.free() if chosen.free_ports else Ports.usual()
    settings = dict(setting.split("=", 1) for setting in chosen.setting)
    stack = Stack(chosen.folder.absolute(), ports, _told, settings, bare=chosen.bare)
    try:
        with stack:
            if not chosen.bare:
                tell_demo(stack.workspace)
            print(json.dumps(facts(stack)) if chosen.json else welcome(stack), flush=True)
            while not (gone := stack.gone()):
                time.sleep(WATCH_S)
            print(
                f"{', '.join(gone)} ended by itself: stopping the rest; the logs are in {stack.folder}", file=sys.stderr
            )
            return 3
    finally:
        _told("stopped; nothing is left running")


def facts(stack: Stack) -> dict[str, object]:
    """Where everything is, for programs."""
    return {
        "folder": str(stack.folder),
        "workspace": str(stack.workspace),
        "kafka": stack.broker.servers,
        "s3": {**stack.s3.options, "lake": LAKE, "releases": RELEASES},
        "airflow": stack.airflow.url,
        "users": stack.airflow.passwords,
        "processes": stack.pids(),
    }


def welcome(stack: Stack) -> str:
    """Where everything is and what to try, for people."""
    airflow, s3 = stack.airflow, stack.s3
    program = Path(sys.executable).with_name("gatekeeper")
    users = "\n".join(f"    {name:<9} {airflow.passwords[name]:<14} {role}" for name, role in USERS.items())
    return f"""
Everything runs.

  Airflow   {airflow.url}
{users}
  Kafka     {stack.broker.servers}      topics content, rights
  S3        {s3.endpoint}      buckets {LAKE}, {RELEASES}      key {s3.access}, secret {s3.secret}
  logs      {stack.folder}

What to try

  1. Log in to Airflow as reviewer. The gate wakes when events wait on the topic; what it admits starts the datasets'
     own DAGs. A minute later gatekeeper_dataset_analytical-training waits under "Required Actions".
  2. Open that run and its tab "Rights review": what came in, what was refused and why. Approve it, with a reason.
  3. In another shell:

     export GATEKEEPER_WORKSPACE={shlex.quote(str(stack.workspace))}
     {program} status
     {program} releases list
     {program} holds

Ctrl-C stops everything; what happened stays in {stack.folder}.
"""


def _told(what: str) -> None:
    print(f"stack: {what}", file=sys.stderr, flush=True)


def _stop(number: int, frame: FrameType | None) -> None:
    del frame
    for each in STOPPING:  # a second Ctrl-C must not leave half of it running
        signal.signal(each, signal.SIG_IGN)
    _told(f"{signal.Signals(number).name}: stopping")
    raise Stopped


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())

"""``gatekeeper gate``: run the stream worker, or drain the log."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from gatekeeper.cli.caller import Caller, with_caller
from gatekeeper.cli.gate_watch import Watch


@click.command()
@click.option(
    "--drain", is_flag=True, help="Stop at the end of the log as it stood at the start, with everything folded."
)
@click.option("--metrics-port", type=int, help="Answer Prometheus on this port of the loopback interface.")
@with_caller
def gate(caller: Caller, drain: bool, metrics_port: int | None) -> None:
    """Decide content events as they come, and keep the dataset tables following.

    Without --drain it runs until it is stopped (Ctrl-C or SIGTERM); what is being committed is finished, the rest is
    read again by whoever comes next. Several workers may run on one Kafka topic; an embedded workspace has one.
    """
    from gatekeeper.wiring import open_workspace, system_clock_us
    from gatekeeper.wiring.gate import GateOptions, gate_worker

    opened = open_workspace(caller.workspace, Path.cwd(), system_clock_us)
    watch = Watch(caller)
    if metrics_port is not None:
        watch.metrics.serve(metrics_port)
    with watch, gate_worker(opened, GateOptions(drain=drain), watch) as worker:
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: worker.stop())
        worker.run(None)
    caller.answer(watch.summary(), watch.table)

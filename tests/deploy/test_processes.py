"""Servers that are started and ended: whatever happens, nothing of them stays."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from deploy.stack.processes import NotStarted, Server, free_ports, is_free, listens, members, port_near

_FAMILY = """
import os, signal, subprocess, sys, time
if sys.argv[1] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
apart = "import os, time; os.setpgid(0, 0); print(flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", apart], stdout=subprocess.PIPE)
child.stdout.readline()
open("ready", "w").close()
time.sleep(600)
"""
"""A server whose child makes a group of its own, as the tasks of Airflow do."""


def family(folder: Path, how: str = "obedient") -> Server:
    return Server("family", [sys.executable, "-c", _FAMILY, how], folder)


@pytest.mark.parametrize("how", ["obedient", "deaf"])
def test_a_server_ends_with_everything_it_started(tmp_path: Path, how: str) -> None:
    """In order where it listens, by force where it does not; its children in groups of their own as well."""
    server = family(tmp_path, how)
    server.start((tmp_path / "ready").exists, 60)
    session = server.pid
    assert len(members(session)) == 2
    server.stop(patience_s=1)
    assert members(session) == []
    assert not server.running


def test_a_server_that_ends_by_itself_is_not_started(tmp_path: Path) -> None:
    """What it said last is in the message."""
    server = Server("broken", [sys.executable, "-c", "raise SystemExit('no such port')"], tmp_path)
    with pytest.raises(NotStarted, match="no such port"):
        server.start(lambda: False, 60)
    assert not server.running


def test_a_server_that_never_answers_is_ended(tmp_path: Path) -> None:
    """Nothing of it is left, and the message says how long it was waited for."""
    server = family(tmp_path)
    server.launch()
    while not (tmp_path / "ready").exists():
        time.sleep(0.05)
    session = server.pid
    with pytest.raises(NotStarted, match="did not answer within 0 s"):
        server.wait(lambda: False, 0.1)
    assert members(session) == []


def test_whoever_interrupts_a_start_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C while it starts."""
    server = family(tmp_path)

    def interrupted() -> bool:
        if (tmp_path / "ready").exists():
            raise KeyboardInterrupt
        return False

    server.launch()
    session = server.pid
    with pytest.raises(KeyboardInterrupt):
        server.wait(interrupted, 60)
    assert members(session) == []


def test_ports_are_free_and_each_its_own() -> None:
    """And the port people expect is given up where somebody has it."""
    import socket

    ports = free_ports(20)
    assert len(set(ports)) == 20
    with socket.create_server(("127.0.0.1", ports[0])):
        assert listens(ports[0])
        assert not is_free(ports[0])
        assert port_near(ports[0]) != ports[0]
    assert port_near(ports[0]) == ports[0]

"""Queues bounded in bytes, and the switch that ends every wait."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from gatekeeper.stages.gate.queues import ByteQueue, Stopping, Switch


def outcome(body: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Run in a thread; what it returned or raised."""
    found: list[object] = []

    def run() -> None:
        try:
            found.append(body())
        except BaseException as error:  # noqa: BLE001 - it is what the test looks at
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, found


def test_nobody_waits_once_the_switch_is_off() -> None:
    """``get`` raises at once; a ``put`` that waits for room raises, too, and what it held is dropped."""
    switch = Switch()
    queue: ByteQueue[str] = ByteQueue(10, switch)
    queue.put("first", 10)
    waiting, found = outcome(lambda: queue.put("second", 1))
    switch.turn_off()
    waiting.join(10)
    assert isinstance(found[0], Stopping)
    with pytest.raises(Stopping):
        queue.get()
    assert len(queue) == 1


def test_the_first_error_is_the_workers_error() -> None:
    """Errors that follow from it, or that come after an orderly stop, do not replace it."""
    first, second = ValueError("first"), ValueError("second")
    switch = Switch()
    switch.turn_off(first)
    switch.turn_off(second)
    assert switch.error is first
    stopped = Switch()
    stopped.turn_off()
    stopped.turn_off(second)
    assert (stopped.error, stopped.is_off) == (None, True)


def test_put_waits_for_room() -> None:
    """What does not fit comes in when something was taken out, and not before."""
    queue: ByteQueue[str] = ByteQueue(10, Switch())
    queue.put("first", 6)
    waiting, _ = outcome(lambda: queue.put("second", 6))
    assert len(queue) == 1
    assert queue.get() == "first"
    waiting.join(10)
    assert not waiting.is_alive()
    assert queue.get() == "second"


def test_one_item_always_fits() -> None:
    """A block larger than the bound is no deadlock; behind it the queue is full."""
    queue: ByteQueue[str] = ByteQueue(10, Switch())
    queue.put("huge", 10**9)
    assert queue.is_full
    assert queue.get() == "huge"
    assert not queue.is_full


def test_first_in_first_out() -> None:
    """The order of the log is the order of the queue."""
    queue: ByteQueue[int] = ByteQueue(1000, Switch())
    for number in range(20):
        queue.put(number, 1)
    assert [queue.get() for _ in range(20)] == list(range(20))


def test_nothing_there() -> None:
    """None after the time given, at once where none is; the bytes of what was taken are free again."""
    queue: ByteQueue[int] = ByteQueue(2, Switch())
    assert queue.get_nowait() is None
    assert queue.get(0.0) is None
    queue.put(1, 2)
    assert (queue.is_full, queue.get_nowait(), queue.is_full, len(queue)) == (True, 1, False, 0)


def test_only_what_is_wanted_is_taken() -> None:
    """The next item stays where it is, and nothing behind it is taken instead."""
    queue: ByteQueue[str] = ByteQueue(10, Switch())
    queue.put("slow", 1)
    queue.put("quick", 1)
    assert queue.get_nowait(lambda item: item == "quick") is None
    assert queue.get_nowait(lambda item: item == "slow") == "slow"

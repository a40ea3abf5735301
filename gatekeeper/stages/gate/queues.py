"""Queues bounded in bytes, and the switch that stops every thread of a worker with its first error."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

WAIT_S = 0.2
"""How long a thread sleeps before it looks whether it should stop."""


class Stopping(Exception):
    """The worker stops; unwinds a thread that waits."""


class Switch:
    """Off once and for all. The first error that turned it off is the worker's error."""

    def __init__(self) -> None:
        self._off = threading.Event()
        self._lock = threading.Lock()
        self.error: BaseException | None = None

    def turn_off(self, error: BaseException | None = None) -> None:
        with self._lock:
            if self.error is None and error is not None and not self._off.is_set():
                self.error = error
            self._off.set()

    @property
    def is_off(self) -> bool:
        return self._off.is_set()

    def check(self) -> None:
        """Raises ``Stopping`` once the worker stops."""
        if self._off.is_set():
            raise Stopping


class ByteQueue(Generic[T]):
    """First in, first out; ``put`` waits while more than ``bytes_max`` would wait, but one item always fits."""

    def __init__(self, bytes_max: int, switch: Switch) -> None:
        self._items: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._bytes_max = bytes_max
        self._changed = threading.Condition()
        self._switch = switch

    @property
    def is_full(self) -> bool:
        return self._bytes >= self._bytes_max

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T, nbytes: int) -> None:
        """Raises ``Stopping`` where the worker stops meanwhile."""
        with self._changed:
            while self._items and self._bytes + nbytes > self._bytes_max:
                self._switch.check()
                self._changed.wait(WAIT_S)
            self._items.append((item, nbytes))
            self._bytes += nbytes
            self._changed.notify_all()

    def get(self, timeout_s: float = WAIT_S) -> T | None:
        """The next item, or None where none came in time. Raises ``Stopping`` where the worker stops."""
        with self._changed:
            self._switch.check()
            if not self._items:
                self._changed.wait(timeout_s)
            return self._take()

    def get_nowait(self, wanted: Callable[[T], bool] = lambda _item: True) -> T | None:
        """The next item, if there is one and it is wanted."""
        with self._changed:
            return self._take() if self._items and wanted(self._items[0][0]) else None

    def _take(self) -> T | None:
        if not self._items:
            return None
        item, nbytes = self._items.popleft()
        self._bytes -= nbytes
        self._changed.notify_all()
        return item

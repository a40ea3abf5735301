"""A gate in a thread of this process, and somebody who watches nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from gatekeeper.stages.gate.worker import Worker
from tests.support.gate_process import wait_until


class Silent:
    """Watches nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return _nothing


def _nothing(*_told: object) -> None:
    pass


class Running:
    """A gate in a thread. ``error`` is what ended it."""

    def __init__(self, worker: Worker) -> None:
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, args=(worker,), daemon=True)
        self.thread.start()

    def _run(self, worker: Worker) -> None:
        try:
            worker.run(None)
        except BaseException as error:  # noqa: BLE001 - the test asks for it
            self.error = error

    def until(self, true: Callable[[], Any], what: str) -> None:
        """Wait until it is true, or the gate has ended."""
        wait_until(lambda: not self.thread.is_alive() or true(), what)
        if self.error is not None:
            raise self.error

    def ended(self) -> BaseException | None:
        """Wait until the gate ends by itself; what ended it."""
        wait_until(lambda: not self.thread.is_alive(), "the gate ends")
        return self.error

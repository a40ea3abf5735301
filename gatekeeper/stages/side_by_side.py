"""Work on many things at once, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

AHEAD = 4
"""Things begun for each thread: one that takes long holds up the others only so far."""
Given = TypeVar("Given")
Made = TypeVar("Made")


def side_by_side(work: Callable[[Given], Made], things: Iterable[Given], at_once: int) -> Iterator[Made]:
    """What ``work`` makes of each thing, in order. The first thing that fails raises, and no new one is begun."""
    with ThreadPoolExecutor(at_once) as pool:
        begun: deque[Future[Made]] = deque()
        try:
            for thing in things:
                begun.append(pool.submit(work, thing))
                if len(begun) >= AHEAD * at_once:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()

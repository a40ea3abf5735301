"""What deltalake and its file systems raise → our errors. No vendor exception leaves the delta edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from deltalake.exceptions import DeltaError, DeltaProtocolError

from gatekeeper.errors import Unavailable


@contextmanager
def mapped(doing: str) -> Iterator[None]:
    """Raises ``Unavailable`` for everything a store can do wrong; our own mistakes pass through."""
    try:
        yield
    except DeltaProtocolError as problem:
        raise Unavailable(f"{doing}: {_line(problem)}", "use the release that made the lake") from problem
    except Exception as problem:
        if not of_the_store(problem):
            raise
        what = f"{doing}: {_line(problem)}"
        raise Unavailable(what, "check that the lake can be reached and is not damaged, then retry") from problem


def of_the_store(problem: Exception) -> bool:
    """Whether a store may be behind it. What crosses the Arrow C interface is exactly ``Exception``, its type lost."""
    return isinstance(problem, DeltaError | OSError | pa.ArrowException) or type(problem) is Exception


def _line(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:500]

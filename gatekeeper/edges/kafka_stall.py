"""A fetcher that has stopped fetching says nothing; this notices (design §5). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.errors import Unavailable


class StallWatch:
    """Compares positions with the ends of their partitions, as seen every now and then.

    An end is the last stable offset, so an open transaction is no stall; a position passes over control and aborted
    records by itself. Time is time spent polling: a worker that was busy elsewhere has not waited.
    """

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._since: dict[int, tuple[int, float]] = {}

    def observe(self, polled_s: float, seen: Mapping[int, tuple[int, int]]) -> None:
        """``seen``: partition → (position, end) of those that are fetched now. Raises Unavailable on a stall."""
        since: dict[int, tuple[int, float]] = {}
        for partition, (position, end) in seen.items():
            before = self._since.get(partition)
            if position >= end:
                continue
            since[partition] = before if before is not None and before[0] == position else (position, polled_s)
        self._since = since
        for partition, (position, first_s) in since.items():
            if polled_s - first_s > self._stall_s:
                raise Unavailable(
                    f"Kafka: partition {partition} has stood still at {position} for {polled_s - first_s:.0f} s of "
                    f"polling while records wait up to {seen[partition][1]}",
                    "restart this worker; if it stands still again, look at the partition's leader",
                )

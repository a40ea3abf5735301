"""Which logs a lake was made from, pinned at first use (design §5)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.edges.pinned_logs import pin
from gatekeeper.errors import Unavailable, UnsafeLog
from gatekeeper.ports import TopicIdentity

IDENTITY = TopicIdentity("cluster", "content", "id", 3)


@pytest.mark.parametrize(
    "change",
    [{"cluster_id": "another"}, {"topic": "another"}, {"topic_id": "anew"}, {"partitions": 4}],
    ids=lambda change: next(iter(change)),
)
def test_another_log_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    """Another cluster, topic, topic id or partition count; the message names what changed, the pin stays."""
    pin(tmp_path, "content", IDENTITY)
    [name] = change
    with pytest.raises(UnsafeLog, match=f"{name} was {getattr(IDENTITY, name)!r}, is {change[name]!r}"):
        pin(tmp_path, "content", replace(IDENTITY, **change))  # type: ignore[arg-type]
    pin(tmp_path, "content", IDENTITY)


def test_a_pin_that_cannot_be_read_is_not_written_anew(tmp_path: Path) -> None:
    """Damaged is not missing: nobody decides on a log that nobody knows to be the right one."""
    pin(tmp_path, "content", IDENTITY)
    [file] = tmp_path.rglob("content.json")
    file.write_bytes(b"{}")
    with pytest.raises(UnsafeLog):
        pin(tmp_path, "content", IDENTITY)
    assert file.read_bytes() == b"{}"


def test_a_lake_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    """Not a crash with the vendor's words."""
    (tmp_path / "lake").write_text("a file")
    with pytest.raises(Unavailable):
        pin(tmp_path / "lake", "content", IDENTITY)


def test_each_log_and_each_lake_has_a_pin_of_its_own(tmp_path: Path) -> None:
    """Content and rights, and two lakes of one log, do not know of each other."""
    pin(tmp_path / "one", "content", IDENTITY)
    pin(tmp_path / "one", "rights", replace(IDENTITY, topic="rights", topic_id="other", partitions=1))
    pin(tmp_path / "two", "content", replace(IDENTITY, topic_id="anew"))
    pin(tmp_path / "one", "content", IDENTITY)

"""The readers' version: what a version makes of a text never changes under its number."""

from __future__ import annotations

from pathlib import Path

import yaml

from gatekeeper.evidence.readers import READER_OF, TERMS, read_reservation
from gatekeeper.evidence.reading import READERS

RECORDED = yaml.safe_load((Path(__file__).parents[1] / "cases" / "readings.yaml").read_text())


def test_a_reading_changes_only_with_the_version() -> None:
    """Every recorded statement is read as it was recorded; a change needs a new version and a new record."""
    assert RECORDED["readers"] == READERS
    for said in RECORDED["readings"]:
        found = read_reservation(said["vocabulary"], said["version"], said["statement"])
        assert [f"{r.says} {r.term} {r.reason}" for r in found] == said["read"], said


def test_the_record_shows_every_vocabulary_a_no_and_every_way_of_not_knowing() -> None:
    """The guard above is not empty."""
    words = [text.split() for said in RECORDED["readings"] for text in said["read"]]
    assert {said["vocabulary"] for said in RECORDED["readings"]} == set(READER_OF) - {"tag"}
    assert {reason for says, _, reason in words if says == "unclear"} == {
        f"evidence.{why}" for why in ("unreadable", "unsupported", "unverified", "constrained", "conflicting", "stale")
    }
    assert {term for _, term, _ in words} <= {*TERMS, "unsupported"}


def test_before_there_were_readers_only_the_tag_was_read() -> None:
    """Version 0 holds for every other vocabulary, whatever it says."""
    for said in RECORDED["readings"]:
        (reading,) = read_reservation(said["vocabulary"], said["version"], said["statement"], readers=0)
        assert (str(reading.says), reading.reason) == ("unclear", "evidence.unsupported")
    assert read_reservation("tag", None, "No AI", readers=0) == read_reservation("tag", None, "No AI")

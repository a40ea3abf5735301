"""The data card's picture of verdicts over time: no number is told by colour alone."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

from gatekeeper.core.data_card import OVER_TIME, SERIES_MAX, Facts, data_card, plots
from gatekeeper.core.manifest import Manifest, manifest_bytes, read_manifest
from gatekeeper.core.periods import OverTime, over_time
from tests.core.test_manifest import example

JANUARY = 2025 * 12


def manifest(counted: OverTime | None) -> Manifest:
    return replace(read_manifest(example("candidate")), over_time=counted)


def test_a_candidate_that_counted_nothing_has_no_such_picture() -> None:
    """Built before this was counted, or of an empty table."""
    for counted in (None, over_time({})):
        assert OVER_TIME not in plots(manifest(counted), Facts())
        assert b"over time" not in data_card(manifest(counted), Facts())


def test_a_reason_with_markup_stays_text() -> None:
    """In the picture and in the table."""
    made = manifest(over_time({(JANUARY, "deny", "<script>|"): 1}))
    assert b"<script" not in plots(made, Facts())[OVER_TIME] + data_card(made, Facts())


def test_every_number_stands_in_the_table_and_every_part_in_the_legend() -> None:
    """The rarest are summed; periods ascend; the picture has its alternative text."""
    counts = {(JANUARY + i % 3, "deny", f"reason.{i:02d}"): 100 + i for i in range(SERIES_MAX + 3)}
    made = manifest(over_time(counts))
    card = data_card(made, Facts()).decode()
    alt = re.search(rf"!\[([^]]+)\]\(plots/{OVER_TIME}\)", card)
    assert alt is not None
    assert "by month" in alt[1]
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in card.splitlines() if line.startswith("| 2025-")
    ]
    assert [line[0] for line in cells] == ["2025-01", "2025-02", "2025-03"]
    assert sum(int(cell) for line in cells for cell in line[1:]) == sum(counts.values())
    drawn = ET.fromstring(plots(made, Facts())[OVER_TIME])
    texts = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert [*texts[-2:]] == [str(SERIES_MAX + 1), "(others)"]
    assert f"deny: reason.{SERIES_MAX + 2:02d}" in texts
    assert "deny: reason.00" not in texts


def test_it_is_written_and_read_with_the_manifest() -> None:
    """The same bytes from counts in another order."""
    counts = {(JANUARY, "deny", "x"): 1, (None, "hold", "y"): 2, (JANUARY, "permit", "z"): 3}
    made = manifest(over_time(counts))
    assert read_manifest(manifest_bytes(made)) == made
    assert manifest_bytes(manifest(over_time(dict(reversed(counts.items()))))) == manifest_bytes(made)

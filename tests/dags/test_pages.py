"""The pages of the rights review, from real answers of real commands, one of them about a hostile title."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gatekeeper.airflow.pages import explain_page, message_page, review_page
from gatekeeper.airflow.shares import flow
from tests.cli.conftest import Desk, lines, published
from tests.support.candidates import Candidate

DAG, RUN = "gatekeeper_dataset_music", "manual__2026-11-25T11:00:00+00:00"
HOSTILE = "<img src=x onerror=alert(1)>\"'&</a><script>alert(2)</script>"
HOSTILE_ID = '"><svg onload=alert(3)>&asset=other#?'


class Page(HTMLParser):
    """Tags with their attributes, and the text, as a browser would read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def links(self) -> list[str]:
        return [attributes["href"] or "" for tag, attributes in self.tags if tag == "a"]


@pytest.fixture
def world(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "w")
    assert desk.run("init", desk.root, workspace=False).code == 0
    desk.dataset("music", "training.analytical", approval="required")
    desk.ok("apply")
    tracks = [
        *(published(f"song-{n}", account=f"a{n}", title=f"Song {n}") for n in range(3)),
        published(HOSTILE_ID, account="<b>eve</b>", title=HOSTILE, artists=["<i>Eve</i>"], tags=["no ai"]),
    ]
    desk.ok("content", "append", "-", stdin=lines(*tracks))
    desk.ok("gate", "--drain")
    Candidate(desk.root, "music", "1", desk.now).check()
    return desk


def answer(desk: Desk, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = desk.ok("--json", *arguments).json
    return found


def review(desk: Desk) -> str:
    return review_page(answer(desk, "review", "music@1"), "/gatekeeper", DAG, RUN)


def without_threats(html: str) -> Page:
    """Nothing on the page is run, loaded from elsewhere or styled in place."""
    page = Page(html)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img", "iframe", "object", "b", "i", "style"})
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        for name in ("href", "src", "action"):
            value = attributes.get(name) or ""
            assert value.startswith(("/gatekeeper/", "#")) or not value, (tag, attributes)
    return page


def test_a_hostile_title_is_text(world: Desk) -> None:
    """Title, artist, account and id are shown as they are, and are markup nowhere."""
    page = without_threats(review(world))
    assert HOSTILE in page.text
    assert "<i>Eve</i>" in page.text
    assert "account:<b>eve</b>" in page.text


def test_every_example_is_one_click_from_its_explanation(world: Desk) -> None:
    """Whatever its id holds, the link asks about exactly that asset."""
    asked = [parse_qs(urlsplit(link).query).get("asset") for link in Page(review(world)).links() if "explain" in link]
    assert [HOSTILE_ID] in asked


def test_an_explanation_is_text_as_well(world: Desk) -> None:
    """The decision, what would change it, and every statement, with the event as it stands on the log."""
    told = answer(world, "explain", "--dataset", "music", "--", HOSTILE_ID)
    page = without_threats(explain_page(told, "/gatekeeper", "/gatekeeper/review/d/r"))
    assert HOSTILE in page.text
    assert "✕ refused" in page.text
    assert "reservation.no_ai_tag" in page.text
    assert "What would change it" in page.text


def test_what_a_colour_says_a_word_says_too(world: Desk) -> None:
    """Verdicts, the gate's result and the state of the approval can be read in black and white, and be heard."""
    page = Page(review(world))
    for words in ("✕ refused", "quality gate passed", "waiting for a person", "in this candidate"):
        assert words in page.text, words
    pictures = [attributes for tag, attributes in page.tags if tag == "svg" and attributes.get("aria-hidden") != "true"]
    assert pictures
    assert all(attributes.get("role") == "img" and attributes.get("aria-label") for attributes in pictures)
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))


def test_a_blocked_candidate_says_so_first_and_names_the_rows(world: Desk) -> None:
    """Nobody has to scroll or to open anything to learn that it must not be published."""
    told = answer(world, "review", "music@1")
    met = told["facts"]["quality"]["expectations"][0]
    met |= {"passed": False, "offending": [{"asset_id": "song-1", "reason": "claim.takedown"}], "offending_count": 1}
    told["facts"]["quality"]["passed"] = False
    page = Page(review_page(told, "/gatekeeper", DAG, RUN))
    assert page.text.index("blocked by the quality gate") < page.text.index("What came in")
    assert "claim.takedown" in page.text
    assert "song-1" in page.text


@pytest.mark.parametrize(
    ("approval", "said"),
    [
        ({"approved": True, "by": "mia", "because": "fine"}, "✓ approved by mia: fine"),
        ({"approved": False, "by": "mia", "because": "no"}, "✕ rejected by mia: no"),
        ({"approved": "yes", "by": "mia", "because": "no"}, "✕ rejected by mia: no"),
    ],
)
def test_an_answer_is_shown_with_its_giver(world: Desk, approval: dict[str, Any], said: str) -> None:
    """Only an explicit yes is shown as one."""
    told = answer(world, "review", "music@1")
    told["facts"]["approval"] = approval
    assert said in Page(review_page(told, "/gatekeeper", DAG, RUN)).text


def test_where_nothing_can_be_shown_the_message_is_text() -> None:
    """Also where it repeats what somebody sent."""
    without_threats(message_page("This could not be shown", HOSTILE, "/gatekeeper", HOSTILE, [("build", "failed")]))


@pytest.mark.parametrize("rows", [0, 1, 3, 10**9])
def test_the_parts_of_the_bar_are_all_that_came_in(rows: int) -> None:
    """They fill it, none is too narrow to be seen, and each says its number."""
    parts = flow(rows, {"consent.withdrawn": 2, "not_selected": 1}, {"verdicts": {"permit": 9, "deny": 5, "hold": 1}})
    assert sum(part.width for part in parts) == pytest.approx(100, abs=0.01)
    assert all(part.width > 0.5 for part in parts)
    assert sum(part.count for part in parts) == rows + 2 + 1 + 5 + 1
    assert flow(rows, {}, None) == []

"""The readers against what the standards themselves print, and against vectors that nobody here wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gatekeeper.core.policy import read_policy
from gatekeeper.evidence.aipref import Preference, preferences
from gatekeeper.evidence.readers import read_reservation
from gatekeeper.evidence.reading import Says
from gatekeeper.evidence.tdmrep import Reservation, reservation_of, rule_for, strongest
from tests.core.comparing import shipped_policy
from tests.support.shared_data import shared

Y, N, UNKNOWN = Preference.ALLOWED, Preference.DISALLOWED, Preference.UNKNOWN
DRAFT_07 = "draft-ietf-aipref-vocab-07"


def said(vocabulary: str, version: str | None, statement: str) -> set[tuple[str, str]]:
    return {(str(r.says), r.reason) for r in read_reservation(vocabulary, version, statement)}


def vectors(name: str) -> Iterator[dict[str, Any]]:
    yield from json.loads(shared("vectors", "structured-fields", f"{name}.json").read_text())


def as_dictionary(vector: dict[str, Any]) -> str:
    """A dictionary as it is; an item as the value of the one key that is read."""
    raw = ", ".join(vector["raw"])
    return raw if vector["header_type"] == "dictionary" else f"train-ai={raw}"


@pytest.mark.parametrize("name", ["dictionary", "item", "boolean", "token", "examples"])
def test_a_structured_field_that_must_fail_holds(name: str) -> None:
    """Every case that must fail is unreadable, and no case of the suite is a no or raises."""
    must_fail = 0
    for vector in vectors(name):
        text = as_dictionary(vector)
        found = said("aipref", DRAFT_07, text)
        assert all(says == Says.UNCLEAR for says, _ in found), text
        if vector.get("must_fail"):
            must_fail += 1
            assert found == {("unclear", "evidence.unreadable")}, text
    assert must_fail or name in ("token", "examples")


def test_a_structured_field_that_parses_gives_its_keys() -> None:
    """Of the dictionary cases that may not fail, every expected key is found."""
    for vector in vectors("dictionary"):
        if not vector.get("must_fail") and not vector.get("can_fail"):
            found = preferences(as_dictionary(vector))
            assert found is not None
            assert list(found) == [key for key, _ in vector["expected"]]


@pytest.mark.parametrize(
    ("value", "train", "search"),
    [
        ("train-ai=y, search=n", Y, N),
        ('train-ai=y, train-ai, search=n, search="n"', UNKNOWN, UNKNOWN),
        ("train-ai;allow=n, train-ai=y", Y, None),
        ("search=n;why=?1", None, N),
        ("train-ai=Y", UNKNOWN, None),
        ("other=n", None, None),
    ],
)
def test_examples_printed_in_the_preference_drafts(
    value: str, train: Preference | None, search: Preference | None
) -> None:
    """Last duplicate wins, parameters are ignored, what is neither y nor n is unknown."""
    found = preferences(value)
    assert found is not None
    assert (found.get("train-ai"), found.get("search")) == (train, search)


@pytest.mark.parametrize("value", ['train-ai;has;parameters="?";', "Train-AI=n", "train-ai=n,", "train-ai=ｎ"])
def test_a_parse_failure_makes_everything_unknown(value: str) -> None:
    """And what is unknown because it is malformed holds."""
    assert preferences(value) is None
    assert said("aipref", DRAFT_07, value) == {("unclear", "evidence.unreadable")}


@pytest.mark.parametrize(
    ("draft", "denied", "analysis_unclear"),
    [
        ("02", ("training", "training.analytical", "training.generative", "external.training"), False),
        ("03", ("training", "training.analytical", "training.generative", "external.training"), False),
        ("04", (), True),
        ("05", (), True),
        ("06", ("training.generative",), False),
        ("07", ("training.generative",), False),
    ],
)
def test_every_draft_has_its_own_train_ai(draft: str, denied: tuple[str, ...], analysis_unclear: bool) -> None:
    """Any training, a foundation model, a model that generates: the same token is another term in each draft."""
    (reading,) = read_reservation("aipref", f"draft-ietf-aipref-vocab-{draft}", "train-ai=n")
    signals = read_policy(shipped_policy()).signals
    assert signals.denies[reading.term] == denied
    assert ("=training.analytical" in signals.clouds[reading.term]) is analysis_unclear


ROBOTS = """\
User-Agent: *
Allow: /
Disallow: /never/
Content-Usage: train-ai=n
Content-Usage: /ai-ok/ train-ai=y

User-Agent: ExampleBot
Allow: /
Content-Usage: train-ai=y
"""


@pytest.mark.parametrize(
    ("path", "agent", "expected"),
    [
        ("/test", "*", {("prohibit", "reservation.aipref")}),
        ("/ai-ok/test", "*", set()),
        ("/test", "ExampleBot", set()),
        ("/never/test", "ExampleBot", set()),
        ("/test", "OtherBot", {("prohibit", "reservation.aipref")}),
    ],
)
def test_the_robots_example_of_the_attach_draft(path: str, agent: str, expected: set[tuple[str, str]]) -> None:
    """Longest path, the agent's own group."""
    record = {"robots_txt": ROBOTS, "url": f"https://example.org{path}", "agent": agent}
    assert said("aipref", DRAFT_07, json.dumps(record)) == expected


def test_what_may_not_be_crawled_and_is_here_is_conflicting() -> None:
    """The draft says that no preference applies there; that the content is here contradicts the file."""
    record = {"robots_txt": ROBOTS, "url": "https://example.org/never/test"}
    assert ("unclear", "evidence.conflicting") in said("aipref", DRAFT_07, json.dumps(record))


def test_equal_paths_are_combined_restrictively() -> None:
    """Unlike Allow and Disallow: of two rules of the same path the no stands."""
    text = "User-agent: *\nContent-Usage: /a train-ai=y\nContent-Usage: /a train-ai=n\nContent-Usage: / train-ai=y\n"
    record = {"robots_txt": text, "url": "https://example.org/a/b"}
    assert said("aipref", DRAFT_07, json.dumps(record)) == {("prohibit", "reservation.aipref")}


def test_a_real_list_of_crawlers_with_a_signal_is_matched_by_group() -> None:
    """A signal after 166 crawlers' names is for them, and for nobody else."""
    text = shared("reservations", "ai.robots.txt", "robots.txt").read_text()
    text = text.replace("Disallow: /", "Allow: /\nContent-Signal: ai-train=no") + "\nUser-agent: *\nAllow: /\n"
    for agent, expected in (("GPTBot", {("prohibit", "reservation.content-signal")}), ("gatekeeper", set())):
        record = {"robots_txt": text, "url": "https://example.org/a", "agent": agent}
        assert said("content-signal", None, json.dumps(record)) == expected, agent


def test_the_examples_of_the_tdm_reservation_protocol() -> None:
    """Of the 19 that the specification prints: reservations are a no, rules that disagree conflict, policies are no
    reservation and hold.
    """
    examples = json.loads(shared("reservations", "tdmrep", "spec_examples.json").read_text())
    found = [said("tdmrep", None, text) for text in examples]
    no, conflict = {("prohibit", "reservation.tdmrep")}, {("unclear", "evidence.conflicting")}
    assert found[:8] == [no, conflict, *[no] * 6]
    assert len(found) == 19
    assert all(f <= {("unclear", "evidence.unreadable"), ("unclear", "evidence.constrained")} and f for f in found[8:])


@pytest.mark.parametrize(
    ("path", "reserved"),
    [
        ("/directory-a/song.mp3", 1),
        ("/directory-b/html/page.html", 1),
        ("/directory-b/images/a.jpg", 0),
        ("/directory-b/images/a.png", None),
        ("/elsewhere", None),
    ],
)
def test_the_first_rule_whose_location_matches_counts(path: str, reserved: int | None) -> None:
    """The specification's second example, asked for URLs."""
    examples = json.loads(shared("reservations", "tdmrep", "spec_examples.json").read_text())
    rule = rule_for(json.loads(examples[1]), f"https://provider.com{path}")
    assert (None if rule is None else rule["tdm-reservation"]) == reserved


def test_embedded_stands_over_header_over_file_and_absence_resets_nothing() -> None:
    """The protocol's priority; an odd value is unset and resets nothing."""
    r, n, odd, unset = Reservation.RESERVED, Reservation.NOT_RESERVED, Reservation.ODD, Reservation.UNSET
    assert strongest(r, n, unset) is n
    assert strongest(n, n, r) is r
    assert strongest(r, unset, unset) is r
    assert strongest(r, odd, odd) is r
    assert strongest(unset, odd, unset) is odd
    assert strongest(unset, unset, unset) is unset
    assert [reservation_of(v) for v in (1, "1", " 0 ", 2, True, "yes", None, 1.0)] == [
        r,
        r,
        n,
        odd,
        odd,
        odd,
        unset,
        odd,
    ]


def test_a_real_manifest_definition_is_a_no_four_times() -> None:
    """The definition that an image was signed with."""
    text = shared("reservations", "c2pa", "do_not_train.json").read_text()
    assert said("c2pa", None, text) == {("prohibit", "reservation.c2pa")}
    assert len(read_reservation("c2pa", None, text)) == 4


RSL_NO, RSL_MAYBE = {("prohibit", "reservation.rsl")}, {("unclear", "evidence.constrained")}


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("<prohibits type='usage'>ai-train</prohibits>", RSL_NO),
        ("<prohibits type='usage'>search ai-index</prohibits>", RSL_NO),
        (
            "<permits type='usage'>all</permits><prohibits type='usage'>ai-all</prohibits>",
            RSL_NO,
        ),
        (
            "<prohibits type='geo'>US</prohibits>",
            RSL_MAYBE,
        ),
        ("<permits type='usage'>search</permits>", RSL_MAYBE),
        ("<permits type='user'>education</permits>", RSL_MAYBE),
        (
            "<permits type='usage'>ai-train</permits><payment type='attribution'/>",
            RSL_MAYBE,
        ),
        ("<permits type='usage'>ai-train</permits><payment type='free'/>", set()),
        ("<prohibits type='usage'>ai-dream</prohibits>", {("unclear", "evidence.unsupported")}),
        ("", set()),
    ],
)
def test_rsl_licences(licence: str, expected: set[tuple[str, str]]) -> None:
    """Prohibits beat permits; conditions, other uses and places are constrained; free for all grants nothing. A part of
    a document says what it says in the whole.
    """
    document = '<rsl xmlns="https://rslstandard.org/rsl"><content url="/">{}</content></rsl>'
    assert said("rsl", "RSL-SPEC-1.0", document.format(f"<license>{licence}</license>")) == expected
    assert said("rsl", None, f"<license>{licence}</license>") == expected


ENTRY = {"cawg.ai_training": {"use": "notAllowed"}}


@pytest.mark.parametrize(
    "document",
    [
        {"entries": ENTRY},
        ENTRY,
        {"entries": ENTRY, "metadata": {"dateTime": "2025-01-01T00:00:00Z"}},
        {"label": "cawg.training-mining", "data": {"entries": ENTRY}},
        {"label": "cawg.training-mining__2", "data": ENTRY},
        {"assertions": [{"label": "stds.schema-org", "data": {}}, {"label": "cawg.training-mining", "data": ENTRY}]},
        {"manifests": {"m": {"assertions": [{"label": "cawg.training-mining", "data": {"entries": ENTRY}}]}}},
        {"manifests": {"m": {"assertions": []}, "i": {"assertions": {"cawg.training-mining": {"entries": ENTRY}}}}},
    ],
    ids="+".join,
)
def test_every_shape_of_the_assertion_is_read(document: dict[str, Any]) -> None:
    """With and without ``entries``, in an assertion, a manifest, a store, an ingredient."""
    assert said("cawg", "1.1", json.dumps(document)) == {("prohibit", "reservation.cawg")}


@pytest.mark.parametrize(
    ("information", "expected"),
    [
        ({}, ("prohibit", "reservation.cawg")),
        ({"constraint_info": ""}, ("prohibit", "reservation.cawg")),
        ({"constraint_info": None}, ("prohibit", "reservation.cawg")),
        ({"constraint_info": "CC-BY-4.0"}, ("unclear", "evidence.constrained")),
        ({"constraints_info": "https://example.org"}, ("unclear", "evidence.constrained")),
    ],
)
def test_constrained_without_information_is_not_allowed(information: dict[str, Any], expected: tuple[str, str]) -> None:
    """CAWG 1.1; the prose's other spelling of the field counts as information too."""
    entry = {"cawg.ai_training": {"use": "constrained", **information}}
    assert said("cawg", "1.1", json.dumps({"entries": entry})) == {expected}

"""Hostile input: no reader raises, permits, or takes memory or time that grows faster than the text."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.asset import Asset
from gatekeeper.core.decision import Verdict, decide
from gatekeeper.core.policy import Policy, read_policy
from gatekeeper.core.rights import RightsState
from gatekeeper.core.use import Use
from gatekeeper.evidence.finding import Fetch, signals_in
from gatekeeper.evidence.readers import READER_OF, TERMS, read_reservation
from gatekeeper.evidence.reading import DOCUMENT_CHARS_MAX, Reading
from tests.core.comparing import shipped_policy
from tests.support.shared_data import shared
from tests.world_cast import SIGNALS

VERSIONED = {"aipref": "draft-ietf-aipref-vocab-07"}
MEGABYTE = 1 << 20
RSL = '<rsl xmlns="https://rslstandard.org/rsl">'


@cache
def policy() -> Policy:
    return read_policy(shipped_policy())


def readings(vocabulary: str, statement: str) -> tuple[Reading, ...]:
    """What the reader itself says, without the net under it."""
    return READER_OF[vocabulary](VERSIONED.get(vocabulary), statement)


def check(vocabulary: str, statement: str) -> None:
    """Whatever the text, readings are restrictions about known terms, and a recording that CC0 and nothing else permits
    is permitted only where the signal says nothing of the use.
    """
    found = readings(vocabulary, statement)
    assert all(r.term in TERMS or r.term in policy().reservations for r in found)
    asset = Asset("a", "k", licence="CC0-1.0", reservations=((vocabulary, VERSIONED.get(vocabulary), statement),))
    decision = decide(asset, Use("training.generative"), RightsState(), policy(), 0)
    assert decision.verdict is not Verdict.PERMIT or decision.reason == "licence.permit"
    if any(r.term == "unsupported" for r in found):
        assert decision.verdict is not Verdict.PERMIT


@settings(max_examples=120)
@given(st.sampled_from(sorted(READER_OF)), st.text(max_size=300))
def test_any_text(vocabulary: str, statement: str) -> None:
    """Texts from anywhere, half surrogates included."""
    check(vocabulary, statement)


@settings(max_examples=400)
@given(st.sampled_from(SIGNALS), st.integers(0, 2**32))
def test_real_signals_with_a_few_characters_changed(signal: tuple[str, str | None, str], seed: int) -> None:
    """Cut, doubled, swapped, with a foreign character put in, and given to every reader."""
    rng = random.Random(seed)
    text = list(signal[2])
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        change = rng.choice(["cut", "double", "put", "drop", "case"])
        if change == "cut":
            text = text[:at]
        elif change == "double":
            text[at:at] = text[max(0, at - 12) : at]
        elif change == "put":
            text.insert(at, rng.choice('\x00\ud800\u202e\ufeffİß"{}[]<>&;=,:#\n\r\t '))
        elif change == "drop":
            del text[at : at + rng.randint(1, 9)]
        else:
            text[at:] = "".join(text[at:]).swapcase()
    for vocabulary in READER_OF:
        check(vocabulary, "".join(text))


@settings(max_examples=150)
@given(st.sampled_from(SIGNALS), st.text(max_size=60), st.booleans())
def test_files_that_hold_anything(signal: tuple[str, str | None, str], other: str, first: bool) -> None:
    """Whatever a file's text is, looking for signals in it raises nothing, and what is found is for readers to read."""
    text = other + signal[2] if first else signal[2] + other
    for url in (None, "https://example.org/a/b?c=d#e"):
        for found in signals_in(text, Fetch(url)) or ():
            check(found.vocabulary, found.statement)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 20))
BOMBS = {
    "billion laughs": f'<?xml version="1.0"?><!DOCTYPE rsl [<!ENTITY l0 "lol">{LAUGHS}]>{RSL}&l19;</rsl>',
    "entity from a file": f'<!DOCTYPE rsl [<!ENTITY x SYSTEM "file:///etc/passwd">]>{RSL}&x;</rsl>',
    "lists": "[" * 100_000,
    "objects": '{"a":' * 100_000,
    "closed lists": "[" * 100_000 + "]" * 100_000,
    "elements": RSL + "<content>" * 100_000,
    "many licences": RSL + "<license/>" * 100_000 + "</rsl>",
    "an attribute of 50 MB": f'{RSL}<content url="{"a" * (50 * MEGABYTE)}"/></rsl>',
    "a meta element of 50 MB": f'<meta name="tdm-reservation" content="{"1" * (50 * MEGABYTE)}">',
    "a value of 50 MB": "train-ai=" + "n" * (50 * MEGABYTE),
    "a key of 1 MB": json.dumps({"a" * MEGABYTE: {"use": "allowed"}}),
    "open tags": "<a " * 80_000,
    "open comments": "<!--" * 60_000,
    "ampersands": "&" * 200_000,
    "spaces": " " * 60_000 + "x",
    "groups": "User-agent: *\n" * 70_000,
    "rules": "User-agent: *\n" + "Content-Signal: ai-train=yes\n" * 30_000,
    "stars": json.dumps({"robots_txt": "User-agent: *\nDisallow: /" + "*a" * 9_000 + "$", "url": "https://e.org/a"}),
    "digits": '{"entries": ' + "1" * 100_000 + "}",
    "utf-16": '<?xml version="1.0" encoding="utf-16"?>' + RSL + "</rsl>",
    "bytes as latin-1": "tdm-reservation: 1".encode("utf-16").decode("latin-1"),
    "NUL": "User-agent: *\0\nContent-Signal: ai-train=yes",
}


@pytest.mark.parametrize("vocabulary", sorted(READER_OF))
def test_bombs(vocabulary: str) -> None:
    """Each goes off in every reader's hands: nothing is raised, and memory stays near the bound of a document."""
    for name, bomb in BOMBS.items():
        tracemalloc.start()
        try:
            readings(vocabulary, bomb)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 64 * DOCUMENT_CHARS_MAX, (name, peak)
    assert readings("rsl", BOMBS["billion laughs"])
    assert readings("rsl", BOMBS["utf-16"]) == ()


def hostile_texts() -> Iterator[str]:
    for path in sorted(shared("hostile", "JSONTestSuite").rglob("*.json")):
        yield path.read_bytes().decode("utf-8", "surrogateescape")
        yield path.read_bytes().decode("latin-1")
    yield from json.loads(shared("hostile", "blns.json").read_text())
    for path in sorted(shared("hostile", "json-schema-formats").rglob("*.json")):
        for group in json.loads(path.read_text()):
            yield from (str(test["data"]) for test in group["tests"])


def test_files_made_to_break_parsers() -> None:
    """Hundreds of JSON files and naughty strings, as the statement of every vocabulary."""
    count = 0
    for text in hostile_texts():
        for vocabulary in READER_OF:
            check(vocabulary, text)
        count += 1
    assert count > 500


def test_a_library_that_raises_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a parser raises that nobody expected is unreadable, whatever it is."""

    def broken(*_: object, **__: object) -> object:
        raise RecursionError("too deep")

    monkeypatch.setattr("gatekeeper.evidence.aipref.http_sf.parse", broken)
    (reading,) = read_reservation("aipref", "draft-ietf-aipref-vocab-07", "train-ai=n, nobody-else-writes-this=1")
    assert reading.reason == "evidence.unreadable"

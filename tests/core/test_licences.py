"""Spellings of licences: each of a real catalogue's has its id, and nothing unknown becomes public domain."""

from __future__ import annotations

import csv
import gzip
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.asset import Asset
from gatekeeper.core.decision import decide
from gatekeeper.core.licences import licence_id, licence_names
from gatekeeper.core.policy import Policy, read_policy
from gatekeeper.core.rights import RightsState
from gatekeeper.core.use import Use
from tests.core.comparing import shipped_policy
from tests.support.catalogues import FREEMUSICC, needs

INTENDED: dict[str, str] = yaml.safe_load((Path(__file__).parents[1] / "cases" / "licence_spellings.yaml").read_text())
PUBLIC_DOMAIN = ("CC0-1.0", "CC-PDM-1.0")


@cache
def policy() -> Policy:
    return read_policy(shipped_policy())


def test_every_spelling_written_down_has_the_intended_id() -> None:
    """With either scheme, with and without ``www.``, the last slash and the page that shows it."""
    assert len(INTENDED) == 99
    for address, intended in INTENDED.items():
        for spelling in (
            f"http://{address}/",
            f"https://{address}",
            f"https://www.{address}/deed.fr",
            f"http://{address}/legalcode",
        ):
            assert licence_id(spelling, policy().spellings) == intended, spelling


def test_the_real_catalogue_has_no_other_spelling() -> None:
    """Its hundred distinct values are the 99 written down and nothing at all."""
    needs(FREEMUSICC)
    values = distinct_licences()
    assert len(values) == 100
    assert {licence_id(value, policy().spellings) for value in values - {""}} == set(INTENDED.values())
    assert {value.partition("://")[2].rstrip("/") for value in values - {""}} == set(INTENDED)


def distinct_licences() -> set[str]:
    with gzip.open(FREEMUSICC, "rt", encoding="utf-8") as file:
        return {row["licenseurl"] for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    "spelling",
    [
        "",
        "CC0",
        "cc0-1.0",
        "public domain",
        "http://creativecommons.org/licenses/publicdomain/",
        "http://creativecommons.org/publicdomain/zero/2.0/",
        "http://creativecommons.org/publicdomain/zero/1.0/x",
        "http://creativecommons.org/publicdomain/zero/1.0/?a=b",
        "http://creativecommons.org.example.org/publicdomain/zero/1.0/",
        "http://example.org/creativecommons.org/publicdomain/zero/1.0/",
        "http://creativecommons.org@example.org/publicdomain/zero/1.0/",
        "ftp://creativecommons.org/publicdomain/zero/1.0/",
        "http://creativecommons.org/publicdomain/zero/1.0 /",
        "http://creativecommons.org/PublicDomain/zero/1.0/",
        "http://creativecommons.org/licenses/zero/1.0/",
        "http://creativecommons.org/licenses/by/9.0/",
        "http://creativecommons.org/licenses/by/3.0/atlantis/",
        "http://creativecommons.org/licenses/by/3.0/de/extra/",
        "http://creativecommons.org/licenses/by-ai/3.0/",
    ],
)
def test_what_no_list_knows_is_not_public_domain(spelling: str) -> None:
    """Near misses and disguises have no id that permits anything."""
    assert licence_id(spelling, policy().spellings) not in PUBLIC_DOMAIN


PIECES = (
    *(
        "http://",
        "https://",
        "www.",
        "creativecommons.org",
        "example.org",
        "/publicdomain",
        "/licenses",
        "/zero",
        "/mark",
    ),
    *("/by", "/1.0", "/3.0", "/de", "/deed", "/legalcode", "/", ".", "?", "#", "@", " ", "\n", "%2F"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_only_the_listed_addresses_are_public_domain(spelling: str) -> None:
    """Whatever is put together, an id of the public domain comes only from its own address."""
    found = licence_id(spelling, policy().spellings)
    if found in PUBLIC_DOMAIN:
        address = spelling.partition("://")[2].removeprefix("www.").rstrip("/")
        address = address.removesuffix("/legalcode").removesuffix("/deed").rstrip("/")
        assert INTENDED[address] == found


def test_a_row_may_name_a_spelling_an_id_every_port_or_every_version() -> None:
    """From the narrowest name to the widest."""
    names = licence_names("http://creativecommons.org/licenses/by-nd-nc/1.0/fi/", policy().spellings)
    assert names[1:] == ("CC-BY-NC-ND-1.0-FI", "CC-BY-NC-ND-1.0", "CC-BY-NC-ND")


def test_a_policy_without_spellings_compares_exactly() -> None:
    """What was decided before there were spellings is decided so again."""
    document: dict[str, Any] = {**shipped_policy(), "licence_spellings": None}
    asset = Asset("a", "k", licence="https://creativecommons.org/publicdomain/zero/1.0/deed.de")
    use = Use("training.generative")
    assert decide(asset, use, RightsState(), read_policy(document), 0).reason == "no_permission"
    assert decide(asset, use, RightsState(), policy(), 0).reason == "licence.permit"

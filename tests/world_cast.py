"""Who and what generated worlds are about, when things happen in them, and how each may be spelled.

Rules of this file: casts are small so that statements meet; instants are few so that boundaries are hit; spellings vary
wherever the design says they compare equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from gatekeeper.core.times import format_instant, parse_instant

T = TypeVar("T")
Json = dict[str, Any]

MINUTE_US = 60_000_000
AHEAD_US = 5 * MINUTE_US
DAY_US = 24 * 60 * MINUTE_US
START_US = parse_instant("2025-05-12T00:00:00Z")
GRID_US = tuple(START_US + day * DAY_US for day in range(6))
"""The few instants at which anything begins, ends or is asked."""
PAST_US = (*GRID_US, *GRID_US[:3] * 3)
"""The grid, with its beginning more likely, so that more is in force when it is asked about."""
PRESENT_US = GRID_US[-1] + DAY_US

SERVICE = ("service", "service.recommendation", "service.search", "service.playlisting", "service.content_organisation",
           "service.fraud_prevention", "service.customer_support", "service.talent_discovery")  # fmt: skip
TRAINING = ("training", "training.analytical", "training.generative", "training.generative.replication")
EXTERNAL = ("external", "external.training")
PURPOSES = (*SERVICE, *TRAINING, *EXTERNAL)
OFTEN_PURPOSES = (*PURPOSES, *TRAINING * 4, *EXTERNAL * 2)

TERRITORIES = ("DE", "FR", "NO")
MODELS = ("voice-1", "tagger-1")
VOCABULARIES = ("tag", "tag", "tag", "aipref", "cawg", "c2pa", "tdmrep", "rsl", "content-signal", "x-robots-tag",
                "tdmai", "plus")  # fmt: skip
TAGS = ("no-ai", "No AI", "NOAI", "no_ai", "lofi", "nodeai", "ai")
LICENCES = (*[None] * 8, "CC0-1.0", "CC-BY-NC-4.0", "ARR", "CC-BY-4.0", "cc0-1.0",
            "https://creativecommons.org/licenses/by-nc/4.0/", "http://www.creativecommons.org/licenses/by-nc/3.0/de/",
            "https://creativecommons.org/publicdomain/zero/1.0/deed.fr")  # fmt: skip
LICENCE_ROWS = [
    {"names": ["CC-BY-NC-4.0"], "permits": ["training.analytical"], "prohibits": ["training.generative", "external"]},
    {"names": ["CC-BY-NC"], "permits": ["training.generative", "external.training"], "prohibits": []},
    {"names": ["CC-BY-NC-3.0"], "permits": [], "prohibits": ["external"]},
    {"names": ["ARR"], "permits": ["service"], "prohibits": ["training"]},
]
"""Rows to add to the shipped licence table, so that a generated licence may also forbid."""


class Choices(Protocol):
    """Where a generator's decisions come from: Hypothesis, or a seeded random number generator."""

    def pick(self, options: Sequence[T]) -> T: ...


@dataclass(frozen=True)
class Cast:
    """Everything that can be named. Few names make collisions likely."""

    assets: tuple[str, ...] = ("a0", "a1", "a2", "a3")
    accounts: tuple[str, ...] = ("k0", "k1", "k2")
    parties: tuple[str, ...] = ("p0", "p1", "p2")
    isrcs: tuple[str, ...] = ("NLA122500001", "NLA122500002")
    sha256s: tuple[str, ...] = ("ab" * 32, "cd" * 32)
    catalogs: tuple[str, ...] = ("c0", "c1")
    claims: tuple[str, ...] = ("claim-0", "claim-1")
    agreements: tuple[str, ...] = ("g0", "g1", "g2", "g3")
    terms: tuple[str, ...] = ("t0", "t1")

    @classmethod
    def of_size(cls, assets: int) -> Cast:
        """A cast for worlds of many assets, about four of them to a party and as many to everything else."""
        few = range(max(3, assets // 4))
        return cls(
            assets=tuple(f"a{i}" for i in range(assets)),
            accounts=tuple(f"k{i}" for i in few),
            parties=tuple(f"p{i}" for i in few),
            isrcs=tuple(f"NLA12{i:07d}" for i in few),
            sha256s=tuple(f"{i:062x}ab" for i in few),
            catalogs=tuple(f"c{i}" for i in few),
            claims=tuple(f"claim-{i}" for i in few),
            agreements=tuple(f"g{i}" for i in few),
            terms=("t0", "t1", "t2"),
        )


def written_instant(c: Choices, instant_us: int) -> str:
    """One instant in one of the spellings RFC 3339 allows."""
    text = format_instant(instant_us)
    spelling = c.pick(["plain", "plain", "plain", "offset", "digits", "lower"])
    if spelling == "offset":
        return format_instant(instant_us + 330 * MINUTE_US)[:-1] + "+05:30"
    if spelling == "digits":
        return text[:-1] + ("000Z" if "." in text else ".000000999Z")
    return text.lower() if spelling == "lower" else text


def a_subject(c: Choices, cast: Cast) -> str:
    """A subject of any kind, in one of its spellings."""
    kind = c.pick(["asset", "asset", "asset", "isrc", "sha256", "catalog", "party", "account"])
    return f"{kind}:{_SUBJECT_VALUES[kind](c, cast)}"


def an_isrc(c: Choices, cast: Cast) -> str:
    code = c.pick(cast.isrcs)
    return c.pick([code, code.lower(), f"{code[:2]}-{code[2:5]}-{code[5:7]}-{code[7:]}"])


def a_sha256(c: Choices, cast: Cast) -> str:
    digest = c.pick(cast.sha256s)
    return c.pick([digest, digest.upper()])


_SUBJECT_VALUES: Mapping[str, Callable[[Choices, Cast], str]] = {
    "asset": lambda c, cast: c.pick(cast.assets),
    "isrc": an_isrc,
    "sha256": a_sha256,
    "catalog": lambda c, cast: c.pick(cast.catalogs),
    "party": lambda c, cast: c.pick(cast.parties),
    "account": lambda c, cast: c.pick(cast.accounts),
}


def some(c: Choices, options: Sequence[T], most: int) -> list[T]:
    return [c.pick(options) for _ in range(c.pick(range(most + 1)))]


def narrowing(c: Choices) -> Json:
    """Territories and models of a statement: usually none, absent in each way the design knows."""
    found: Json = {}
    for name, options in (("territories", (*TERRITORIES, "de")), ("models", MODELS)):
        written = c.pick(["absent"] * 10 + ["empty", "null", "some", "some", "some"])
        if written != "absent":
            found[name] = {"empty": [], "null": None}.get(written, [c.pick(options), *some(c, options, 1)])
    return found


def dates(c: Choices) -> Json:
    found: Json = {}
    for name, odds in (("valid_from", ["no"] * 3 + ["yes"]), ("valid_until", ["no"] * 4 + ["yes"])):
        if c.pick(odds) == "yes":
            found[name] = written_instant(c, c.pick(GRID_US))
    return found


_STALE = (
    '{"robots_txt": "User-agent: *\\nContent-Signal: ai-train=yes", "url": "https://example.org/a", '
    '"robots_fetched_at": "2025-05-01T00:00:00Z", "content_fetched_at": "2025-05-09T00:00:00Z"}'
)
_RSL = '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>{}</license></content></rsl>'
SIGNALS: tuple[tuple[str, str | None, str], ...] = (
    *(("aipref", f"draft-ietf-aipref-vocab-{d}", "train-ai=n") for d in ("02", "03", "04", "05", "06", "07", "08")),
    ("aipref", None, "train-ai=n"),
    ("aipref", "draft-ietf-aipref-vocab-07", "train-ai=y"),
    ("aipref", "draft-ietf-aipref-vocab-07", "Train-AI=n"),
    ("aipref", "draft-ietf-aipref-vocab-02", "train-genai=n, search=n"),
    *(("cawg", "1.1", f'{{"entries": {{"cawg.{e}": {{"use": "notAllowed"}}}}}}')
      for e in ("data_mining", "ai_inference", "ai_training", "ai_generative_training")),
    ("cawg", "1.1", '{"cawg.ai_training": {"use": "constrained", "constraint_info": "CC-BY-4.0"}}'),
    ("c2pa", None, '{"entries": {"c2pa.ai_generative_training": {"use": "constrained"}}}'),
    ("c2pa", None, '{"entries": {"c2pa.ai_training": {"use": "allowed"}}}'),
    *[("c2pa", None, '{"manifests": {}, "validation_state": "Invalid"}')] * 6,
    ("tdmrep", None, "tdm-reservation: 1"),
    ("tdmrep", None, "tdm-reservation: 0"),
    ("tdmrep", None, '[{"location": "/a", "tdm-reservation": 1}, {"location": "/b", "tdm-reservation": 0}]'),
    ("rsl", "1.0", _RSL.format("<prohibits type='usage'>ai-train</prohibits>")),
    ("rsl", "1.0", _RSL.format("<payment type='training'/>")),
    ("content-signal", None, "search=yes, ai-train=no"),
    ("content-signal", None, "ai-train=yes, ai-train=no"),
    *[("content-signal", None, _STALE)] * 6,
    ("x-robots-tag", None, "otherbot: NoML"),
    ("tdmai", None, '{"iscc": "ISCC:KAC", "AiTraining": "usageReservation"}'),
    ("plus", None, "DMI-PROHIBITED-GENAIMLTRAINING"),
    ("plus", None, "DMI-PROHIBITED-SEECONSTRAINT"),
)  # fmt: skip
"""Signals as the world writes them: a no of every vocabulary, every reason not to know, and what takes no position."""


def a_reservation(c: Choices) -> Json:
    """``vocabulary``, ``statement`` and sometimes a version; half of them as the world writes them."""
    if c.pick(["written", "anything"]) == "written":
        vocabulary, version, statement = c.pick(SIGNALS)
        versioned = {} if version is None else {"vocabulary_version": version}
        return {"vocabulary": vocabulary, "statement": statement, **versioned}
    vocabulary = c.pick(VOCABULARIES)
    statement = c.pick(TAGS) if vocabulary == "tag" else c.pick(["train-ai=n", "1", "noai"])
    return {"vocabulary": vocabulary, "statement": statement, **c.pick([{}, {"vocabulary_version": "1"}])}

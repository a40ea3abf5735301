"""Decision cases as data → values (``tests/cases/README.md`` says how a case is written).

Rules of this file: a misspelled key is an error that names its case, since a case nobody reads proves nothing; what a
case leaves out has one stated default; bytes are what a log would hold, so every reader of logs can be shown the cases.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gatekeeper.core.times import parse_instant

DECISIONS = Path(__file__).parent.parent / "cases" / "decisions"
FIXTURES = "fixtures.yaml"

_CASE_KEYS = {"name", "because", "rights", "content", "use", "at", "rights_at", "policy", "expect"}
_CASE_MUST = {"name", "because", "rights", "content", "use", "at", "expect"}
_USE_KEYS = {"purpose", "territories", "model"}
_EXPECT_KEYS = {"verdict", "reason", "holder", "evidence_statement", "index"}
_EVENT_KEYS = {"like", "type", "time", "data", "source", "id"}
_RIGHTS_KEYS = _EVENT_KEYS | {"arrived", "raw"}
_CONTENT_KEYS = _EVENT_KEYS | {"partition", "offset"}


@dataclass(frozen=True)
class RightsRecord:
    """One record of the rights log; its position is its index. ``arrived_us``: instant of arrival, microseconds."""

    value: bytes
    arrived_us: int


@dataclass(frozen=True)
class ContentRecord:
    """One record of the content log: its place and its CloudEvent."""

    partition: int
    offset: int
    event: Mapping[str, Any]

    @property
    def value(self) -> bytes:
        return json.dumps(self.event).encode()


@dataclass(frozen=True)
class Expectation:
    """What must be answered about ``content[index]``. ``evidence_statement`` is ``None`` where a case states none."""

    verdict: str
    reason: str
    holder: str | None
    evidence_statement: str | None
    index: int


@dataclass(frozen=True)
class Case:
    """One decision case. ``content[: expect.index + 1]`` is what was known when the event asked about was decided."""

    theme: str
    name: str
    because: str
    rights: tuple[RightsRecord, ...]
    content: tuple[ContentRecord, ...]
    purpose: str
    territories: tuple[str, ...]
    model: str | None
    at_us: int
    rights_at: int
    expect: Expectation
    policy: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.theme}: {self.name}"

    def policy_document(self, shipped: Mapping[str, Any]) -> dict[str, Any]:
        """The shipped policy with this case's laid over it: licence rows are added, other tables replaced."""
        added = [*shipped.get("licences", []), *self.policy.get("licences", [])]
        return {**shipped, **self.policy, "licences": added}


class CasesLoader(yaml.SafeLoader):
    """YAML as a lawyer writes it: times stay text, and only true and false are booleans (NO is Norway)."""


CasesLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":bool"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
CasesLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


def load_cases(folder: Path = DECISIONS) -> list[Case]:
    """Every case of every file of the folder, in order. Raises ``ValueError`` naming the case that is ill written."""
    fixtures = _read(folder / FIXTURES)
    files = sorted(path for path in folder.glob("*.yaml") if path.name != FIXTURES)
    return [case for path in files for case in _cases(path, fixtures)]


def _read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=CasesLoader)


def _cases(path: Path, fixtures: Mapping[str, Any]) -> Iterator[Case]:
    for written in _read(path):
        where = f"{path.name}: {written.get('name', written)}"
        try:
            yield _case(path.stem, written, fixtures)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"{where}: {error}") from error


def _case(theme: str, written: Mapping[str, Any], fixtures: Mapping[str, Any]) -> Case:
    _only(written, _CASE_KEYS, _CASE_MUST)
    use = _only(written["use"], _USE_KEYS, {"purpose"})
    at_us = parse_instant(written["at"])
    events = [_filled(e, fixtures["rights"], _RIGHTS_KEYS) for e in written["rights"]]
    content = _content([_filled(e, fixtures["content"], _CONTENT_KEYS) for e in written["content"]])
    return Case(
        theme=theme,
        name=written["name"],
        because=written["because"],
        rights=tuple(_rights(position, event, at_us) for position, event in enumerate(events)),
        content=content,
        purpose=use["purpose"],
        territories=tuple(use.get("territories") or ()),
        model=use.get("model"),
        at_us=at_us,
        rights_at=written.get("rights_at", len(events)),
        expect=_expectation(written["expect"], len(content) - 1),
        policy=written.get("policy") or {},
    )


def _only(mapping: Mapping[str, Any], known: set[str], must: set[str]) -> Mapping[str, Any]:
    if unknown := set(mapping) - known:
        raise ValueError(f"unknown {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    if missing := must - set(mapping):
        raise ValueError(f"missing {', '.join(sorted(missing))}")
    return mapping


def _filled(written: Any, fixtures: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    """An event as written → with its fixture underneath. ``data`` keys replace the fixture's; null leaves one out."""
    own: dict[str, Any] = {"like": written} if isinstance(written, str) else dict(_only(written, known, set()))
    if "like" not in own:
        return own
    base = fixtures[own.pop("like")]
    data = {**base["data"], **own.pop("data", {})}
    return {**base, **own, "data": {key: value for key, value in data.items() if value is not None}}


def _rights(position: int, event: Mapping[str, Any], at_us: int) -> RightsRecord:
    """``raw`` is bytes, one character each; everything else becomes a CloudEvent that arrived at its own time."""
    arrived = event.get("arrived") or event.get("time")
    arrived_us = at_us if arrived is None else parse_instant(arrived)
    if "raw" in event:
        return RightsRecord(event["raw"].encode("latin-1"), arrived_us)
    return RightsRecord(json.dumps(_cloudevent(event, "//cases/rights", f"rights-{position}")).encode(), arrived_us)


def _content(events: list[dict[str, Any]]) -> tuple[ContentRecord, ...]:
    records = []
    for index, event in enumerate(events):
        partition, offset = event.get("partition", 0), event.get("offset", index)
        written = _cloudevent(event, "//cases/content", f"content-{partition}-{offset}")
        records.append(ContentRecord(partition, offset, written))
    return tuple(records)


def _cloudevent(event: Mapping[str, Any], source: str, event_id: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event.get("id", event_id),
        "source": event.get("source", source),
        "type": event["type"],
        "time": event["time"],
        "data": event["data"],
    }


def _expectation(written: Mapping[str, Any], last: int) -> Expectation:
    _only(written, _EXPECT_KEYS, {"verdict", "reason", "holder"})
    return Expectation(
        verdict=written["verdict"],
        reason=written["reason"],
        holder=written["holder"],
        evidence_statement=written.get("evidence_statement"),
        index=written.get("index", last),
    )

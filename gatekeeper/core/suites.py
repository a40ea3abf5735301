"""Suites of expectations, as data: what ships in ``schemas/expectations`` and what a workspace adds to it.

Rules of this file: a suite without an expectation is refused; a workspace adds, and changes only bounds and severity of
what is marked adjustable, so that no file can talk a candidate past a rule of the house; a key nobody knows is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gatekeeper.core.quality import CRITICAL, SEVERITIES
from gatekeeper.errors import BadInput

FORMAT = 1
FRAMES = ("rows", "columns", "files", "refused", "candidate")
_BOUNDS = frozenset({"min_value", "max_value"})
_KEYS = frozenset({"name", "what", "do", "over", "type", "kwargs", "severity", "adjustable", "if_column"})


@dataclass(frozen=True)
class Expectation:
    """``type`` and ``kwargs`` are Great Expectations' own, looked at over one of ``FRAMES``."""

    name: str
    what: str
    do: str
    over: str
    type: str
    kwargs: Mapping[str, Any]
    severity: str = CRITICAL
    adjustable: bool = False
    if_column: str | None = None


@dataclass(frozen=True)
class Screening:
    """RE2 patterns, without case: column and attribute ``names``, and ``values`` by what they look like."""

    names: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Suite:
    expectations: tuple[Expectation, ...]
    screening: Screening


def read_suite(document: Any, name: str) -> Suite:
    """A parsed suite file called ``name`` → Suite. Raises ``BadInput`` naming the entry to mend."""
    top = _mapping(document, name, {"format", "expectations", "screening"})
    if top.get("format") != FORMAT:
        raise _bad(name, f"format must be {FORMAT}")
    found = tuple(_expectation(entry, name) for entry in _list(top.get("expectations"), name, "expectations"))
    if not found:
        raise _bad(name, "there is no expectation")
    _no_name_twice(found, name)
    return Suite(found, _screening(top.get("screening"), name))


def extended(shipped: Suite, document: Any, name: str) -> Suite:
    """The shipped suite with what a workspace's file says: ``expectations`` and ``screening`` are added, ``adjust``
    maps the name of an adjustable expectation to ``min_value``, ``max_value``, ``severity``. Raises ``BadInput``.
    """
    top = _mapping(document, name, {"format", "expectations", "screening", "adjust"})
    if top.get("format") != FORMAT:
        raise _bad(name, f"format must be {FORMAT}")
    adjust = _mapping(top.get("adjust") or {}, name)
    known = {e.name: e for e in shipped.expectations}
    for which in adjust:
        if which not in known or not known[which].adjustable:
            may = ", ".join(e.name for e in shipped.expectations if e.adjustable)
            raise _bad(name, f"{which!r} cannot be adjusted (these can: {may})")
    kept = tuple(_adjusted(e, adjust[e.name], name) if e.name in adjust else e for e in shipped.expectations)
    own = tuple(_expectation(entry, name) for entry in _list(top.get("expectations") or [], name, "expectations"))
    _no_name_twice((*kept, *own), name)
    more = _screening(top.get("screening"), name)
    if taken := more.values.keys() & shipped.screening.values.keys():
        raise _bad(name, f"screening: {min(taken)!r} is shipped already; choose another name")
    names = (*shipped.screening.names, *more.names)
    return Suite((*kept, *own), Screening(names, {**shipped.screening.values, **more.values}))


def _adjusted(shipped: Expectation, change: Any, name: str) -> Expectation:
    given = _mapping(change, name, {*_BOUNDS, "severity"})
    bounds = {key: given[key] for key in _BOUNDS & given.keys()}
    if any(value is not None and type(value) not in (int, float) for value in bounds.values()):
        raise _bad(name, f"adjust: bounds of {shipped.name!r} must be numbers, or null for none")
    severity = _severity(given.get("severity", shipped.severity), name)
    return replace(shipped, kwargs={**shipped.kwargs, **bounds}, severity=severity)


def _expectation(entry: Any, name: str) -> Expectation:
    given = _mapping(entry, name, _KEYS)
    for key in ("name", "what", "type", "over"):
        if not isinstance(given.get(key), str) or not given[key]:
            raise _bad(name, f"an expectation lacks `{key}`: {given.get('name') or 'the first without a name'}")
    if given["over"] not in FRAMES:
        raise _bad(name, f"{given['name']}: over must be one of {', '.join(FRAMES)}")
    return Expectation(
        name=given["name"],
        what=given["what"],
        do=given.get("do") or "ask the owner of the dataset",
        over=given["over"],
        type=given["type"],
        kwargs=_mapping(given.get("kwargs") or {}, name),
        severity=_severity(given.get("severity", CRITICAL), name),
        adjustable=given.get("adjustable") is True,
        if_column=given.get("if_column"),
    )


def _screening(section: Any, name: str) -> Screening:
    given = _mapping(section or {}, name, {"names", "values"})
    names, values = _list(given.get("names") or [], name, "names"), _mapping(given.get("values") or {}, name)
    if not all(isinstance(text, str) and text for text in (*names, *values.values())):
        raise _bad(name, "screening: every pattern is a text")
    return Screening(tuple(names), values)


def _no_name_twice(expectations: Sequence[Expectation], name: str) -> None:
    names = [e.name for e in expectations]
    if len(set(names)) < len(names):
        raise _bad(name, f"the name {next(n for n in names if names.count(n) > 1)!r} stands twice")


def _severity(value: Any, name: str) -> str:
    if value not in SEVERITIES:
        raise _bad(name, f"severity must be {' or '.join(SEVERITIES)}, not {value!r}")
    return str(value)


def _mapping(value: Any, name: str, known: set[str] | frozenset[str] | None = None) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _bad(name, f"expected `name: value` lines, not {type(value).__name__}")
    if known is not None and (unknown := sorted(value.keys() - known)):
        raise _bad(name, f"unknown key {unknown[0]!r} (known: {', '.join(sorted(known))})")
    return value


def _list(value: Any, name: str, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise _bad(name, f"{what} must be a list")
    return value


def _bad(name: str, what: str) -> BadInput:
    return BadInput(f"{name}: {what}", "mend the file; compare it with the shipped release.1.suite.yaml")

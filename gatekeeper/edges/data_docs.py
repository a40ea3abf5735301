"""Great Expectations' own page of results (Data Docs), as one file that loads nothing: ``quality/docs/index.html``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape
from typing import Any

from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView

from gatekeeper.core.quality import Met, Results
from gatekeeper.core.suites import Expectation
from gatekeeper.edges.expectations import WITHOUT_FINDING, made

_LOADS = re.compile(
    r"<script\b.*?</script\s*>|<link\b[^>]*>|<iframe\b.*?</iframe\s*>|<img\b[^>]*>|<form\b.*?</form\s*>"
    r"|<footer\b.*?</footer\s*>|@import[^;]*;|url\([^)]*://[^)]*\)",
    re.IGNORECASE | re.DOTALL,
)
_HEAD = """<head>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; width: 100% } td, th { border: 1px solid #ccc; padding: .4rem .6rem }
td, th { text-align: left; vertical-align: top; overflow-wrap: anywhere } .modal, .navbar, .cooltip { display: none }
</style>"""


def page(results: Results, expectations: Sequence[Expectation]) -> bytes:
    """Results of these expectations as HTML: counts, and for what failed the ids and reasons that ``results`` show."""
    by_name = {e.name: e for e in expectations}
    found = ExpectationSuiteValidationResult(
        success=results.passed,
        results=[_result(met, by_name[met.name]) for met in results.expectations],
        suite_name=results.build,
        statistics={
            "evaluated_expectations": len(results.expectations),
            "successful_expectations": len(results.expectations) - len(results.failed),
            "unsuccessful_expectations": len(results.failed),
            "success_percent": 100 * (1 - len(results.failed) / max(1, len(results.expectations))),
        },
        meta={"run_id": {"run_name": results.manifest, "run_time": results.at}},
    )
    html = DefaultJinjaPageView().render(ValidationResultsPageRenderer(run_info_at_end=True).render(found))
    return _LOADS.sub("", html).replace("<head>", _HEAD, 1).encode()


def _result(met: Met, expectation: Expectation) -> ExpectationValidationResult:
    """A section by the expectation's name: the sentence it stands for, then Great Expectations' own words."""
    kwargs = ", ".join(f"{name}={value}" for name, value in expectation.kwargs.items())
    says = f"{expectation.what} [{expectation.type}({kwargs})]"
    shown = replace(expectation, type=WITHOUT_FINDING, kwargs={"column": expectation.name}, what=escape(says))
    configured = made(shown).configuration
    counted: dict[str, Any] = {
        "element_count": met.looked_at,
        "unexpected_count": met.offending_count,
        "unexpected_percent": 100 * met.offending_count / max(1, met.looked_at),
        "partial_unexpected_list": list(_offending(met)),
    }
    nothing = {"raised_exception": False, "exception_traceback": None, "exception_message": None}
    return ExpectationValidationResult(
        success=met.passed, expectation_config=configured, result=counted, exception_info=nothing, meta={}
    )


def _offending(met: Met) -> Iterator[str]:
    if not met.passed:
        yield from (escape(f"{row.asset_id}: {row.reason}" if row.asset_id else row.reason) for row in met.offending)
        yield escape(f"what to do: {met.do}")

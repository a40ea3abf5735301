"""Great Expectations: expectations held against frames, and the page that shows how they were met.

Nothing of it leaves this process: no analytics, an ephemeral context that writes no file, a page that loads nothing. It
is given the columns it needs and asked for row numbers only, so that no content stands in a result.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa

from gatekeeper.core.suites import Expectation
from gatekeeper.core.tallies import Look
from gatekeeper.errors import BadInput, Unavailable

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when it is imported

try:
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations import expectation as kinds
    from great_expectations.expectations.metrics import map_metric_provider as metrics
    from great_expectations.expectations.registry import get_expectation_impl
    from great_expectations.render import LegacyRendererType, RenderedStringTemplateContent
    from great_expectations.render.renderer.renderer import renderer
except ImportError as missing:
    raise Unavailable("Great Expectations is not installed", "pip install 'gatekeeper[quality]'") from missing

SAYS = "says"
"""In an expectation's `meta`: the sentence that the page shows."""
WITHOUT_FINDING = "expect_column_values_to_be_without_finding"
ROW = "row"
"""The column of row numbers, added to every frame."""
WHOLE_TABLE = frozenset(
    {
        *("expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"),
        *("expect_column_values_to_be_increasing", "expect_column_values_to_be_decreasing"),
        *("expect_column_values_to_not_be_outliers", "expect_column_value_z_scores_to_be_less_than"),
    }
)
"""Row by row in form, but the answer depends on the other rows: wrong in batches."""
REFUSED_KWARGS = frozenset({"mostly", "row_condition", "condition_parser", "result_format", "catch_exceptions", "meta"})
"""Each would let a row pass, or be left out, without a word."""
_FORMAT = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": [ROW],
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
}


class _WithoutFinding(metrics.ColumnMapMetricProvider):
    condition_metric_name = "column_values.without_finding"

    @metrics.column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: Any, **_: Any) -> Any:  # noqa: N805 - Great Expectations makes it a class method
        return column == ""


class ExpectColumnValuesToBeWithoutFinding(kinds.ColumnMapExpectation):
    """The column holds what the kernel, the catalogue or a comparison found about each row: nothing may be found."""

    map_metric = "column_values.without_finding"
    success_keys = ("mostly",)

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    def _prescriptive_renderer(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
    ) -> list[RenderedStringTemplateContent]:
        del runtime_configuration  # the signature is Great Expectations'
        meta = (configuration or result.expectation_config).meta
        text = {"template": "$says", "params": {"says": meta.get(SAYS, "")}}
        return [RenderedStringTemplateContent(content_block_type="string_template", string_template=text)]


class GreatExpectations:
    """Belongs to one thread. Raises ``BadInput`` for an expectation that cannot be held against batches of rows."""

    def __init__(self, expectations: Sequence[Expectation]) -> None:
        with _quiet():
            configured = DataContextConfig(
                store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
                progress_bars=ProgressBarsConfig(globally=False),
                analytics_enabled=False,
            )
            context = gx.get_context(mode="ephemeral", project_config=configured)
            assets = context.data_sources.add_pandas("candidate")
            self._batches = assets.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")
            self._made = {e.name: made(e) for e in expectations}

    @property
    def tool(self) -> Mapping[str, str]:
        return {"great_expectations": gx.__version__}

    def look(self, expectations: Sequence[Expectation], frame: pa.Table) -> Mapping[str, Look]:
        with _quiet():
            suite = gx.ExpectationSuite("suite", expectations=[self._made[e.name] for e in expectations])
            wanted = {column for e in expectations for column in _columns(e)}
            data = frame.select([name for name in frame.column_names if name in wanted]).to_pandas()
            data[ROW] = np.arange(frame.num_rows)
            found = self._batches.get_batch({"dataframe": data}).validate(suite, result_format=_FORMAT)
        return dict(_look(result.to_json_dict()) for result in found.results)


def made(expectation: Expectation) -> Any:
    """Great Expectations' own object. Raises ``BadInput`` naming the expectation."""
    where = f"expectation {expectation.name!r}"
    try:
        kind = get_expectation_impl(expectation.type)
    except Exception as problem:
        raise BadInput(f"{where}: there is no {expectation.type}", "see the gallery of Great Expectations") from problem
    by_row = (kinds.ColumnMapExpectation, kinds.ColumnPairMapExpectation, kinds.MulticolumnMapExpectation)
    if not issubclass(kind, by_row) or expectation.type in WHOLE_TABLE:
        do = "use one that judges each row by itself (expect_column_values_to_…)"
        raise BadInput(f"{where}: {expectation.type} cannot be held against batches of rows", do)
    if refused := sorted(REFUSED_KWARGS & expectation.kwargs.keys()):
        raise BadInput(f"{where}: {refused[0]} would let rows pass unseen", "leave it out: every row must hold")
    severity, meta = kinds.FailureSeverity(expectation.severity), {"name": expectation.name, SAYS: expectation.what}
    try:
        return kind(**expectation.kwargs, severity=severity, meta=meta)
    except Exception as problem:
        raise BadInput(f"{where}: {expectation.type} does not take these kwargs", str(problem)) from problem


def _columns(expectation: Expectation) -> Iterator[str]:
    for key, value in expectation.kwargs.items():
        if key.startswith("column"):
            yield from value if isinstance(value, list) else [value]


def _look(result: Mapping[str, Any]) -> tuple[str, Look]:
    name = str(result["expectation_config"]["meta"]["name"])
    raised = result.get("exception_info") or {}
    infos = [raised] if "raised_exception" in raised else list(raised.values())
    if any(info.get("raised_exception") is not False for info in infos):
        return name, Look(problem="Great Expectations could not look at it")
    said = result.get("result") or {}
    rows = _rows(said.get("unexpected_index_list"))
    if rows is not None and said.get("unexpected_count") != len(rows):
        return name, Look(problem="malformed result: it counts other rows than it names")
    return name, Look(result.get("success"), said.get("element_count"), rows)


def _rows(listed: Any) -> list[Any] | None:
    if not isinstance(listed, list):
        return None
    found: list[Any] = []
    for entry in listed:
        rows = entry.get(ROW) if isinstance(entry, dict) else None
        found += rows if isinstance(rows, list) else [rows]
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Its advice to programmers goes nowhere; what it could not evaluate comes back in the result."""
    log = logging.getLogger("great_expectations")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)

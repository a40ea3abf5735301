"""The benchmark's own checks: a run that lost or changed a row must not become a number."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from tests.bench.gate_oracle import Void, check_last_permits
from tests.bench.releases import DATASET, STEPS, check_release, filled, run_once
from tests.bench.stream import content_event, hit_share, known_subjects, rights_events
from tests.bench.sweep_lake import Cast, append, new_lake, new_terms
from tests.bench.sweeps import DATASETS, Bench

DECISIONS = pa.table(
    {
        "asset_id": ["a", "b", "c", "a", "b"],
        "partition": pa.array([0, 0, 0, 0, 0], pa.int32()),
        "offset": [0, 1, 2, 3, 4],
        "verdict": ["permit", "permit", "deny", "permit", "deny"],
    }
)
ROWS = pa.table({"asset_id": ["a"], "partition": pa.array([0], pa.int32()), "offset": [3]})


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(ROWS.slice(0, 0), id="a removed row"),
        pytest.param(pa.concat_tables([ROWS, ROWS]), id="a row twice"),
        pytest.param(ROWS.set_column(2, "offset", pa.array([0])), id="the row of an earlier event"),
        pytest.param(ROWS.set_column(0, "asset_id", pa.array(["b"])), id="an asset whose last decision is deny"),
    ],
)
def test_a_wrong_or_missing_row_voids_the_run(wrong: pa.Table) -> None:
    with pytest.raises(Void):
        check_last_permits(DECISIONS, wrong)


def test_the_last_permits_pass() -> None:
    check_last_permits(DECISIONS, ROWS)


def test_at_least_half_of_the_streams_look_ups_hit() -> None:
    values = [content_event(number)[1] for number in range(0, 2_000, 7)]
    assert hit_share(values, known_subjects(rights_events(2_000))) >= 0.5


def test_five_in_a_hundred_events_update_or_remove_an_asset_seen_before() -> None:
    events = [(int(key[-9:]), json.loads(value)["type"]) for key, value in map(content_event, range(1_000, 2_000))]
    again = [kind for number, (asset, kind) in enumerate(events, 1_000) if asset < number]
    assert (again.count("content.updated"), again.count("content.removed")) == (40, 10)


def test_a_sweep_that_leaves_a_withdrawn_row_voids_the_run(tmp_path: Path) -> None:
    """As does one that looks at other assets than those concerned; one that does what it should gives its cost."""
    bench = Bench(new_lake(tmp_path / "ws"), Cast(600), lambda _what: None)
    bench.fill()
    assert bench.rebuilt.written > 0
    cost = bench.withdraw("two", ["label-0", "label-1"], bench.cast.labels)
    assert 0 < cost.written < bench.rebuilt.written
    assert len(bench.withdrawn) == 300
    with pytest.raises(Void, match="assets looked at"):
        bench.withdraw("of others", ["publisher-1"], bench.cast.labels)
    bench.withdrawn = bench.withdrawn[1:]
    with pytest.raises(Void, match=f"rows in {DATASETS[1]}"):
        bench.withdraw("too few", ["label-2"], bench.cast.labels)
    append(bench.opened, new_terms(1))
    with pytest.raises(Void):
        bench.terms(2)


def test_a_release_is_measured_and_a_wrong_one_voids_the_run(tmp_path: Path) -> None:
    """What was withdrawn after the gate is not in it; a row too few or too many, or another byte, gives no number."""
    opened = new_lake(tmp_path / "ws")
    permitted = filled(opened, Cast(600), lambda _what: None)
    assert 0 < len(permitted) < 600
    said = run_once(opened, 0, permitted, lambda _what: None)
    assert said["seconds"].keys() == said["peak_mib"].keys() == set(STEPS)
    release = tmp_path / "ws" / "releases" / DATASET / "run-0"
    for wrong in (permitted[1:], pa.concat_arrays([permitted, pa.array(["another"])])):
        with pytest.raises(Void, match="rows in the release"):
            check_release(release, wrong)
    part = next(release.rglob("*.parquet"))
    part.chmod(0o644)
    part.write_bytes(part.read_bytes() + b" ")
    with pytest.raises(Void, match="is not what the manifest says"):
        check_release(release, permitted)

"""``python -m tests.bench``: design section 9, both sides of each row in one run. ``PEERS=1``: other engines too."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from tests.bench.broker_topics import filled_topics
from tests.bench.decisions import subjects_rows
from tests.bench.gate import gate_row
from tests.bench.peers import stream_peer_rows
from tests.bench.policy_engines import policy_engine_rows
from tests.bench.releases import release_row
from tests.bench.rows import Row, machine, save, show
from tests.bench.sweeps import sweep_rows
from tests.bench.withdrawals import withdrawal_row

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("gate", "decisions", "sweep", "release")
_PROGRESS = Console(stderr=True, highlight=False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each side; the medians are shown")
    parser.add_argument("--events", type=int, default=500_000, help="content events on the topic")
    parser.add_argument(
        "--subjects", type=int, default=10_000_000, help="of the rights state that decisions are made on"
    )
    parser.add_argument("--assets", type=int, default=400_000, help="decided for three uses")
    parser.add_argument("--catalogue", type=int, default=1_000_000, help="assets of the lake that is swept")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the dataset that is released")
    parser.add_argument("--quick", action="store_true", help="one small run: that it works, no numbers to quote")
    parser.add_argument("--only", choices=PARTS, help="only this part")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.events, options.subjects, options.assets = 1, 20_000, 200_000, 20_000
        options.catalogue, options.rows = 50_000, 20_000
    return options


def _rows(options: argparse.Namespace, *, peers: bool) -> Iterator[Row]:
    if options.only in (None, "gate"):
        with tempfile.TemporaryDirectory(prefix="gatekeeper-bench-") as folder:
            _say(f"filling a broker with {options.events:,} events")
            with filled_topics(Path(folder), options.events) as topics:
                yield gate_row(topics, options.runs, _say)
                if peers:
                    yield from stream_peer_rows(topics, options.runs, ROOT / "var" / "peers", _say)
                yield withdrawal_row(topics, options.runs, _say)
    if options.only in (None, "sweep"):
        yield from sweep_rows(options.catalogue, options.runs, _say)
    if options.only in (None, "release"):
        yield release_row(options.rows, options.runs, _say)
    if options.only in (None, "decisions"):
        yield from subjects_rows(options.subjects, options.assets, options.runs, _say)
        if peers:
            yield from policy_engine_rows(options.runs, ROOT / "var" / "peers", _say)


def _say(what: str) -> None:
    _PROGRESS.print(f"{time.strftime('%H:%M:%S')} {what}")


def main() -> None:
    options, where, rows = _options(), machine(), []
    for row in _rows(options, peers=os.environ.get("PEERS") == "1"):
        rows.append(row)
        _say(f"{row.what}: {row.ours} against {row.theirs}")
    show(rows, where, Console(width=None if Console().is_terminal else 200))
    _say(f"written to {save(rows, where, ROOT / 'var' / 'bench').relative_to(ROOT)}")


if __name__ == "__main__":
    main()

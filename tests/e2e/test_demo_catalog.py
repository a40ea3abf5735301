"""The demo on the real catalogues: their own tracks, licences and labels, counted by SQL over the raw logs."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from tests.e2e.demo_run import check_against_oracle, run_demo
from tests.support.catalogues import FREEMUSICC, JAMENDO, needs

pytestmark = pytest.mark.catalog


def test_freemusicc(tmp_path: Path) -> None:
    """21,502 tracks: every decision as SQL gives it; the file's labels and licences decide for as many as it has."""
    needs(FREEMUSICC)
    demo = run_demo(tmp_path, "--catalog", str(FREEMUSICC))
    check_against_oracle(demo)
    with gzip.open(FREEMUSICC, "rt", encoding="utf-8") as file:
        tracks = list(csv.DictReader(file))
    assert demo.oracle.events == len(tracks) == 21_502
    public = [
        t for t in tracks if "/publicdomain/zero/1.0" in t["licenseurl"] or "/publicdomain/mark/1.0" in t["licenseurl"]
    ]
    assert 0 < demo.counts["analytical-training", "permit", "licence.permit"] <= len(public)
    biggest = sum(track["label"] == "Jamendo" for track in tracks)
    assert demo.counts["analytical-training", "permit", "agreement.permit"] == biggest
    assert demo.counts["voice-replication", "permit", "consent.opt_in"] > 0


def test_jamendo_has_no_rightsholders_so_accounts_speak(tmp_path: Path) -> None:
    """55,525 tracks with accounts only: one account's yes and another's no decide for exactly their tracks."""
    needs(JAMENDO)
    demo = run_demo(tmp_path, "--catalog", str(JAMENDO))
    check_against_oracle(demo)
    with gzip.open(JAMENDO, "rt", encoding="utf-8") as file:
        accounts = [row["artist_id"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    first, second = sorted((accounts.count(account) for account in set(accounts)), reverse=True)[:2]
    assert demo.counts["voice-replication", "permit", "consent.opt_in"] == first
    assert demo.counts["analytical-training", "deny", "consent.withdrawn"] == second

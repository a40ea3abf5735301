"""The files of a candidate and of a release beside what its manifest names, relative to its folder (design §6)."""

from __future__ import annotations

APPROVAL = "approval.json"
RESULTS = "quality/results.json"
QUALITY = "quality"
CROISSANT = "croissant.json"
CARD = "README.md"
PLOTS = "plots"
RECALLS = "recalls"
LATEST = "latest.json"
"""Beside the versions of a dataset: which of them a reader who names none gets."""

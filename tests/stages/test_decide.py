"""The drivers of ``decide`` agree: the reference row by row, and the kernel the gate uses."""

from __future__ import annotations

from tests.cli.conftest import Desk, event, lines, published


def test_the_reference_and_the_kernel_answer_alike(desk: Desk) -> None:
    """On every kind of answer: permits, denials, holds, content-borne evidence, licences, missing roles, removals."""
    desk.dataset("generative", "training.generative")
    desk.dataset("german", "training.analytical", territories=["DE"], model="m")
    desk.ok(
        "rights",
        "append",
        "-",
        stdin=lines(
            event("rights.claim.opened", claim_id="c", kind="takedown", subject="isrc:DE-A12-34-56789"),
            event("rights.consent.granted", speaker="party:p", subject="catalog:k", purposes=["training.generative"]),
            event("rights.consent.withdrawn", speaker="account:nina", subject="asset:no", purposes=["training"]),
        ),
    )
    history = lines(
        published("plain"),
        published("no"),
        published("tagged", tags=["No_AI"]),
        published("down", identifiers={"isrc": "dea123456789"}),
        published("free", licence="CC0-1.0"),
        published("shared", catalogs=["k"], interests=[{"party_id": "p", "role": "recording"}]),
        published("strange", reservations=[{"vocabulary": "aipref", "statement": "train-ai=n"}]),
        event("content.removed", "2025-06-02T00:00:00Z", asset_id="plain", account_id="nina"),
        published("plain"),
    )
    kernel = desk.ok("decide", "-", stdin=history).out
    assert kernel == desk.ok("decide", "--reference", "-", stdin=history).out
    assert {verdict for verdict in ("permit", "deny", "hold") if f'"{verdict}"' in kernel} == {"permit", "deny", "hold"}

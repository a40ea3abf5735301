"""``gatekeeper content append`` and ``gatekeeper rights append``."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Desk, event, lines, names, published


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{", "bad_json"),
        ("", "bad_json"),
        ('{"a": NaN}', "not_finite"),
        ('{"a": 1, "a": 2}', "duplicate_key"),
        ("[]", "wrong_type"),
        (event("content.published", account_id="n"), "missing_field"),
        (event("content.moved", asset_id="a", account_id="n"), "unknown_type"),
        (event("content.published.v2", asset_id="a", account_id="n"), "unknown_version"),
        (event("content.published", asset_id="a\tb", account_id="n"), "control_characters"),
        (event("content.published", "2025-02-30T00:00:00Z", asset_id="a", account_id="n"), "impossible_time"),
        (published(title="x" * 1_100_000), "oversize"),
        (published("song", tags="rock"), "wrong_type"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_the_good_ones_before_it_stay(
    bare: Desk, bad: str, reason: str
) -> None:
    """Line 3 is bad: exit 2 names it and why, lines 1 and 2 are on the log, line 4 is not."""
    text = lines(published("a"), published("b"), bad, published("c"))
    answer = bare.run("content", "append", bare.write("in.jsonl", text), "--json")
    assert answer.code == 2
    assert answer.json["appended"] == 2
    assert (answer.json["refused"]["line"], answer.json["refused"]["reason"]) == (3, reason)
    assert answer.json["refused"]["detail"]
    assert "in.jsonl line 3" in answer.err
    assert [e["data"]["asset_id"] for e in bare.log("content")] == ["a", "b"]


def test_bytes_that_are_no_text_are_refused(bare: Desk) -> None:
    """Bad UTF-8 is a bad line like any other."""
    answer = bare.run("content", "append", "-", "--json", stdin=published("a").encode() + b"\n\xff\xfe\n")
    assert (answer.code, answer.json["refused"]["reason"], answer.json["appended"]) == (2, "bad_utf8", 1)


def test_the_number_is_right_beyond_the_first_block(bare: Desk) -> None:
    """Lines are judged in blocks; the number counts from the file's first line all the same."""
    bare.write("gatekeeper.yaml", "limits:\n  append_block_bytes: 700\n")
    good = [published(f"a{n}") for n in range(20)]
    answer = bare.run("content", "append", "-", "--json", stdin=lines(*good, "{", *good))
    assert (answer.json["refused"]["line"], answer.json["appended"]) == (21, 20)
    assert len(bare.log("content")) == 20


def test_a_line_without_end_is_refused_without_reading_it_all(bare: Desk) -> None:
    """A line longer than an event may be is refused, wherever it ends."""
    bare.write("gatekeeper.yaml", "limits:\n  append_block_bytes: 500\n  event_bytes_max: 1000\n")
    answer = bare.run("content", "append", "-", "--json", stdin=lines(published("a")) + "x" * 100_000)
    assert (answer.json["refused"]["line"], answer.json["refused"]["reason"]) == (2, "oversize")
    assert answer.json["appended"] == 1


def test_files_after_a_bad_line_are_left_alone(bare: Desk) -> None:
    """The first bad line ends the work."""
    one, two = bare.write("one.jsonl", lines(published("a"), "{")), bare.write("two.jsonl", lines(published("b")))
    answer = bare.run("content", "append", one, two, "--json")
    assert answer.json["refused"]["file"] == str(one)
    assert len(bare.log("content")) == 1


def test_good_lines_are_appended_in_order_from_files_and_standard_input(bare: Desk) -> None:
    """Several files in turn; a last line without newline and DOS line ends are lines too."""
    one = bare.write("one.jsonl", f"{published('a')}\r\n{published('b')}")
    answer = bare.ok("content", "append", one, "-", "--json", stdin=lines(published("c")))
    assert answer.json == {"log": "content", "appended": 3}
    assert [e["data"]["asset_id"] for e in bare.log("content")] == ["a", "b", "c"]


def test_nothing_in_nothing_out(bare: Desk) -> None:
    """An empty file appends nothing and is no error."""
    assert bare.ok("content", "append", "-", "--json", stdin="").json == {"log": "content", "appended": 0}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (event("rights.consent.granted", speaker="party:p", subject="asset:a", purposes=["magic"]), "unknown_purpose"),
        (
            event("rights.claim.opened", "2025-06-20T12:05:01Z", claim_id="c", kind="takedown", subject="asset:a"),
            "time_ahead",
        ),
        (event("rights.claim.opened", claim_id="c", kind="revenge", subject="asset:a"), "bad_value"),
        (event("rights.claim.opened", claim_id="c", kind="takedown", subject="song:a"), "bad_value"),
        (published(), "unknown_type"),
        (event("policy.activated", digest="sha256:" + "0" * 64), "unknown_digest"),
        (event("dataset.declared", name="x", digest="sha256:" + "0" * 64), "unknown_digest"),
    ],
)
def test_a_rights_event_that_nobody_could_read_is_refused(bare: Desk, bad: str, reason: str) -> None:
    """What would be an unreadable event on the log does not get there by this door."""
    good = event("rights.claim.opened", claim_id="c", kind="takedown", subject="asset:a")
    answer = bare.run("rights", "append", "-", "--json", stdin=lines(good, bad, good))
    assert answer.code == 2
    assert (answer.json["refused"]["line"], answer.json["refused"]["reason"]) == (2, reason)
    assert len(bare.log("rights")) == 1


def test_a_rights_event_just_within_five_minutes_is_taken(bare: Desk) -> None:
    """Clocks differ a little."""
    bare.ok(
        "rights",
        "append",
        "-",
        stdin=lines(
            event("rights.claim.opened", "2025-06-20T12:05:00Z", claim_id="c", kind="takedown", subject="asset:a")
        ),
    )
    assert names(bare.log("rights"), "type") == ["rights.claim.opened"]


def test_the_events_of_one_workspace_can_be_appended_to_another(desk: Desk) -> None:
    """A log whose digests are kept may be appended as it stands."""
    text = (desk.root / "log" / "rights.jsonl").read_text()
    assert desk.ok("rights", "append", "-", "--json", stdin=text).json["appended"] == len(text.splitlines())

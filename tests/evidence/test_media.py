"""Signals in real files, read by the command: manifests inside audio, and files saved from the web."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gatekeeper.cli import main
from tests.support.shared_data import shared
from tests.support.signed_media import signed_wav, silence

NO = {"cawg.ai_generative_training": {"use": "notAllowed"}}


@pytest.fixture(scope="module")
def signed() -> bytes:
    return signed_wav("cawg.training-mining", NO)


def read(*files: Path, options: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The signals that the command finds."""
    ran = CliRunner().invoke(main, ["evidence", "read", "--json", *options, *map(str, files)])
    assert ran.exit_code == 0, ran.output
    return list(json.loads(ran.output.splitlines()[-1])["signals"])


def reasons(*files: Path, options: tuple[str, ...] = ()) -> set[str]:
    return {r["reason"] for signal in read(*files, options=options) for r in signal["readings"]}


def written(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_cut_file_never_becomes_a_file_without_a_manifest(tmp_path: Path, signed: bytes) -> None:
    """Wherever it is cut, it holds: a truncated manifest is not an absent one."""
    for length in (*range(0, len(signed), 997), len(signed) - 1):
        path = written(tmp_path, "cut.wav", signed[:length])
        assert reasons(path) in ({"evidence.unreadable"}, {"evidence.unverified"}), length


def test_a_byte_changed_after_signing_is_unverified(tmp_path: Path, signed: bytes) -> None:
    """In the audio, and in the assertion itself: neither its no nor its yes counts, and it holds."""
    audio, assertion = bytearray(signed), bytearray(signed)
    audio[100] ^= 1
    at = signed.index(b"notAllowed")
    assertion[at : at + 10] = b"allowed   "
    assert reasons(written(tmp_path, "a.wav", bytes(audio))) == {"evidence.unverified"}
    assert reasons(written(tmp_path, "b.wav", bytes(assertion))) == {"evidence.unverified"}


def test_a_no_needs_no_trusted_signer(tmp_path: Path, signed: bytes) -> None:
    """The signer is on nobody's list; the signature is sound, and the no stands."""
    (signal,) = read(written(tmp_path, "a.wav", signed))
    assert signal["vocabulary"] == "cawg"
    assert [r["reason"] for r in signal["readings"]] == ["reservation.cawg"]


def test_an_image_that_somebody_else_signed() -> None:
    """Four times notAllowed, as the tool that published it says."""
    (signal,) = read(shared("reservations", "c2pa", "spawning_sample_c2pa.png"))
    assert [r["term"] for r in signal["readings"]] == [
        f"cawg/{name}" for name in ("ai_generative_training", "ai_inference", "ai_training", "data_mining")
    ]


def test_a_file_without_a_manifest_says_nothing(tmp_path: Path) -> None:
    """Absence is no signal, and the answer says so."""
    assert read(written(tmp_path, "a.wav", silence())) == []
    assert read(shared("reservations", "c2pa", "no_manifest.jpg")) == []


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description rdf:about="" plus:DataMining='
    '"http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-GENAIMLTRAINING"><tdm:reservation>1</tdm:reservation>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def test_metadata_inside_a_media_file(tmp_path: Path, signed: bytes) -> None:
    """PLUS and TDMRep in the XMP packet, with or without its end, beside no manifest."""
    body = silence()
    for packet in (XMP, XMP.removesuffix("</x:xmpmeta>")):
        path = written(tmp_path, "a.wav", body + b"_PMX" + len(packet).to_bytes(4, "little") + packet.encode())
        assert reasons(path) == {"reservation.plus", "reservation.tdmrep"}


def test_a_file_that_carries_no_signals_is_refused(tmp_path: Path) -> None:
    """Somebody who gives the wrong file is told, rather than shown an empty answer."""
    ran = CliRunner().invoke(main, ["evidence", "read", str(written(tmp_path, "notes.txt", "nothing to see\n"))])
    assert ran.exit_code == 2
    assert "no file that carries signals" in ran.output


def test_a_url_that_is_none_is_refused(tmp_path: Path) -> None:
    """Rules cannot be matched to it, and nothing is guessed."""
    robots = written(tmp_path, "robots.txt", "User-Agent: *\nContent-Signal: ai-train=yes\n")
    for url in ("example.org/a", "http://[", "ftp://example.org/a"):
        ran = CliRunner().invoke(main, ["evidence", "read", str(robots), "--url", url])
        assert ran.exit_code == 2, ran.output
        assert "is no URL" in ran.output


def test_what_one_fetch_left_behind(tmp_path: Path) -> None:
    """robots.txt, headers and tdmrep.json of one URL: paths are matched, and TDMRep's header stands over its file."""
    robots = "User-Agent: *\nContent-Signal: ai-train=no\nContent-Usage: train-ai=y\nContent-Usage: /a/ train-ai=n\n"
    files = (
        written(tmp_path, "robots.txt", robots),
        written(tmp_path, "headers.txt", "HTTP/1.1 200 OK\nX-Robots-Tag: NOAI\ntdm-reservation: 0\n"),
        written(tmp_path, "tdmrep.json", '[{"location": "/a/", "tdm-reservation": 1}]'),
    )
    options = ("--url", "https://example.org/a/song.wav", "--aipref", "07")
    assert reasons(*files, options=options) == {
        "reservation.x-robots-tag",
        "reservation.content-signal",
        "reservation.aipref",
    }
    assert reasons(files[2], options=options) == {"reservation.tdmrep"}
    late = ("--robots-fetched-at", "2025-01-01T00:00:00Z", "--content-fetched-at", "2025-01-02T00:00:01Z")
    assert "evidence.stale" in reasons(files[0], options=(*options, *late))


def test_declared_signals_go_onto_the_rights_log_and_deny(tmp_path: Path, signed: bytes) -> None:
    """What the command writes is what `rights append` takes and `decide` decides by."""
    runner, workspace = CliRunner(), tmp_path / "w"
    song = written(tmp_path, "a.wav", signed)
    at = ("--at", "2025-06-01T00:00:00Z")
    events = runner.invoke(main, ["evidence", "read", str(song), "--declare", "asset:song", *at])
    declared = written(tmp_path, "rights.jsonl", events.output)
    data = {"asset_id": "song", "account_id": "nina", "licence": "CC0-1.0"}
    event = {"specversion": "1.0", "id": "1", "source": "urn:t", "type": "content.published", "data": data}
    content = written(tmp_path, "content.jsonl", json.dumps({**event, "time": "2025-06-01T00:00:00Z"}) + "\n")
    dataset = "name: gen\nowner: t\ndescription: t\npurpose: training.generative\napproval: none\n"
    assert runner.invoke(main, ["init", str(workspace), "--bare"]).exit_code == 0
    written(workspace / "datasets", "gen.yaml", dataset)
    for arguments in (["apply"], ["rights", "append", str(declared)]):
        ran = runner.invoke(main, [*arguments, "--workspace", str(workspace)])
        assert ran.exit_code == 0, ran.output
    asked = ["decide", str(content), "--workspace", str(workspace), "--at", "2025-07-01T00:00:00Z"]
    decision = json.loads(runner.invoke(main, asked).output.splitlines()[-1])
    assert (decision["verdict"], decision["reason"]) == ("deny", "reservation.cawg")
    before = json.loads(runner.invoke(main, [*asked[:-1], "2025-05-01T00:00:00Z"]).output.splitlines()[-1])
    assert (before["verdict"], before["reason"]) == ("permit", "licence.permit")

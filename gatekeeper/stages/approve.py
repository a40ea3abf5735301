"""``gatekeeper approve``: a person's yes or no, bound to the digest of the candidate's manifest (design §6).

The last answer counts, so that a yes can be taken back until the candidate is published. A build that was made again
has another digest, and nobody has approved it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Protocol

from gatekeeper.core.manifest import Approval, Manifest, manifest_digest
from gatekeeper.core.release_names import APPROVAL
from gatekeeper.core.times import format_instant
from gatekeeper.errors import BadInput, Refused


class ApprovedCandidate(Protocol):
    """As much of a candidate as an approval needs."""

    def manifest(self) -> tuple[Manifest, bytes]: ...
    def read(self, name: str) -> bytes | None: ...
    def write_approval(self, data: bytes) -> None: ...


def approve(
    candidate: ApprovedCandidate, *, approved: bool, by: str, because: str, now_us: int, seen: str | None = None
) -> Approval:
    """Write the answer. ``seen`` is the digest of the manifest that was shown to whoever answers, where it is known.

    Raises ``BadInput`` where it names nobody or gives no reason, ``Refused`` where another manifest was shown.
    """
    for what, text in (("--by", by), ("--because", because)):
        if not text.strip():
            raise BadInput(f"{what} is empty", "an approval says who gave it and why")
    manifest, _ = candidate.manifest()
    digest = manifest_digest(manifest)
    if seen is not None and seen != digest:
        what = f"{manifest.name} is another build than the one that was looked at: {digest}, not {seen}"
        raise Refused(what, f"gatekeeper review {manifest.name}, then answer again")
    answer = Approval(digest, approved, by.strip(), because.strip(), format_instant(now_us))
    candidate.write_approval((json.dumps(asdict(answer), sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode())
    return answer


def approval_of(candidate: ApprovedCandidate, manifest: Manifest) -> Approval | None:
    """The yes that a candidate carries, None where nobody was asked and nobody has to be.

    Raises ``Refused`` without a yes where the declaration asks for one, for a no, for an answer to another manifest.
    """
    do = f"gatekeeper approve {manifest.name} --by WHO --because ..."
    data = candidate.read(APPROVAL)
    if data is None:
        if manifest.declaration.get("approval") == "none":
            return None
        raise Refused(f"{manifest.name} needs an approval and has none", do)
    answer = _read(data, manifest.name, do)
    if answer.manifest != manifest_digest(manifest):
        raise Refused(f"the approval of {manifest.name} is for another manifest: the build has changed since", do)
    if answer.approved is not True:
        raise Refused(
            f"{answer.by} rejected {manifest.name}: {answer.because}", "mend what was rejected and build again"
        )
    return answer


def _read(data: bytes, name: str, do: str) -> Approval:
    try:
        answer = Approval(**json.loads(data))
    except (ValueError, TypeError) as problem:
        raise Refused(f"the approval of {name} cannot be read: {problem}", do) from problem
    if not all(isinstance(text, str) for text in (answer.manifest, answer.by, answer.because, answer.at)):
        raise Refused(f"the approval of {name} cannot be read: a field is not text", do)
    return answer

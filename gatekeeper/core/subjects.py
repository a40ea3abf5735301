"""Subjects: what a statement can be about (design §3).

``asset:ID``, ``isrc:…``, ``sha256:…``, ``catalog:…``, ``party:…``, ``account:…``. An asset answers to every one of its
subjects. ISRC compares without hyphens and in upper case, SHA-256 in lower case, everything else exactly.
"""

from __future__ import annotations

KINDS = ("asset", "isrc", "sha256", "catalog", "party", "account")


def normal_isrc(text: str) -> str:
    return text.replace("-", "").upper()


def normal_sha256(text: str) -> str:
    return text.lower()


def normal_territory(text: str) -> str:
    return text.upper()


def subject(kind: str, value: str) -> str:
    """A subject in its one comparable spelling."""
    if kind == "isrc":
        value = normal_isrc(value)
    elif kind == "sha256":
        value = normal_sha256(value)
    return f"{kind}:{value}"


def parse_subject(text: str) -> str:
    """A written subject → its comparable spelling. Raises ``ValueError`` for an unknown kind or an empty value."""
    kind, colon, value = text.partition(":")
    if not colon or kind not in KINDS or not value:
        raise ValueError(f"not a subject: expected one of {', '.join(k + ':…' for k in KINDS)}")
    return subject(kind, value)


def kind_of(text: str) -> str:
    return text.partition(":")[0]

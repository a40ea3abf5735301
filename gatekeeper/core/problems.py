"""Why a record or a document was refused: one closed table of reasons, and how a refusal is worded.

Rules of this file: a reason is a code that never changes meaning; a detail names the place (a JSON path), shows the
value shortened and escaped, and says what to mend. A refusal is a value, never an exception.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

SHOWN_CHARACTERS_MAX: Final = 80
"""A detail shows at most this much of what a producer sent: enough to find it, too little to fill a log."""


class Reason(StrEnum):
    """Why a record went to ``dead_letters``. The meaning of each is in ``MEANING``."""

    NULL_VALUE = "null_value"
    OVERSIZE = "oversize"
    NULL_KEY = "null_key"
    BAD_UTF8 = "bad_utf8"
    BYTE_ORDER_MARK = "byte_order_mark"
    BAD_JSON = "bad_json"
    TRAILING_CONTENT = "trailing_content"
    TOO_DEEP = "too_deep"
    DUPLICATE_KEY = "duplicate_key"
    NOT_FINITE = "not_finite"
    NUMBER_TOO_BIG = "number_too_big"
    LONE_SURROGATE = "lone_surrogate"
    UNKNOWN_VERSION = "unknown_version"
    UNKNOWN_TYPE = "unknown_type"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    BAD_VALUE = "bad_value"
    CONTROL_CHARACTERS = "control_characters"
    IMPOSSIBLE_TIME = "impossible_time"
    KEY_MISMATCH = "key_mismatch"


MEANING: Final[dict[Reason, str]] = {
    Reason.NULL_VALUE: "the record has no value (a tombstone); content is removed by a `content.removed` event",
    Reason.OVERSIZE: "the value is longer than `event_bytes_max`",
    Reason.NULL_KEY: "the record has no key; the key of a content event is its asset id",
    Reason.BAD_UTF8: "the value is not UTF-8 (RFC 3629)",
    Reason.BYTE_ORDER_MARK: "the value starts with a byte order mark, which RFC 8259 section 8.1 forbids",
    Reason.BAD_JSON: "the value is not JSON (RFC 8259)",
    Reason.TRAILING_CONTENT: "something follows the JSON value",
    Reason.TOO_DEEP: "objects and lists are nested deeper than `depth_max`",
    Reason.DUPLICATE_KEY: "an object names a key twice, so that two readers could see two different events",
    Reason.NOT_FINITE: "NaN or Infinity, which JSON does not have",
    Reason.NUMBER_TOO_BIG: "a number beyond the range of a double",
    Reason.LONE_SURROGATE: "half of a UTF-16 surrogate pair was escaped, which is no character",
    Reason.UNKNOWN_VERSION: "a CloudEvents version or a major version of the event that is not known here",
    Reason.UNKNOWN_TYPE: "a type that does not belong on this topic",
    Reason.MISSING_FIELD: "a required field is absent",
    Reason.WRONG_TYPE: "a field holds another JSON type than its schema says",
    Reason.BAD_VALUE: "a field holds a value its schema does not allow (empty, too long, not in the list)",
    Reason.CONTROL_CHARACTERS: "an id holds a control character (Unicode category Cc)",
    Reason.IMPOSSIBLE_TIME: "a time that is not RFC 3339 with an offset, or that no calendar has",
    Reason.KEY_MISMATCH: "the record's key is not the event's asset id",
}


class Problem(NamedTuple):
    """One refusal: the ``reason`` code, and a ``detail`` in one line that says where, what and what to mend."""

    reason: Reason
    detail: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


def shown(value: object) -> str:
    """A value as a detail shows it: ASCII, escaped, at most ``SHOWN_CHARACTERS_MAX`` characters of it."""
    if isinstance(value, str):
        return _cut(json.dumps(value[:SHOWN_CHARACTERS_MAX]), longer=len(value) > SHOWN_CHARACTERS_MAX)
    if isinstance(value, bytes):
        return _cut(ascii(value[:SHOWN_CHARACTERS_MAX])[1:], longer=len(value) > SHOWN_CHARACTERS_MAX)
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int) and abs(value) > 10**SHOWN_CHARACTERS_MAX:
        return "a number of very many digits"
    return _cut(ascii(value), longer=False)


def path_of(steps: Sequence[str | int]) -> str:
    """``("data", "interests", 3, "role")`` → ``$.data.interests[3].role``."""
    return "$" + "".join(_step(step) for step in steps)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    plain = step.isidentifier() and step.isascii() and len(step) <= SHOWN_CHARACTERS_MAX
    return f".{step}" if plain else f"[{shown(step)}]"


def _cut(text: str, *, longer: bool) -> str:
    # Escapes make text up to twelve times longer than what was shown of it; cut again, never in silence.
    if len(text) > 2 * SHOWN_CHARACTERS_MAX:
        text, longer = text[: 2 * SHOWN_CHARACTERS_MAX], True
    return f"{text}…" if longer else text

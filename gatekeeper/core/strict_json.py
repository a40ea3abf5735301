"""Bytes → one JSON value that every reader would understand alike (RFC 8259; RFC 7493 where that is stricter).

Refused, each with its own reason: bytes that are not UTF-8, a byte order mark, a key named twice in one object at any
depth, NaN and Infinity, numbers beyond a double, half surrogate pairs, content after the value, nesting deeper than
``depth_max``. What is accepted is accepted exactly: integers of any size below the range of a double keep all digits.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn

import orjson

from gatekeeper.core.problems import Problem as JsonProblem
from gatekeeper.core.problems import Reason, shown

__all__ = ["DEPTH_MAX", "JsonProblem", "loads"]

DEPTH_MAX: Final = 64
"""Objects and lists inside one another. Events need 5; Python's own limit depends on the caller's stack."""

_WHITESPACE: Final = " \t\n\r"
_DOUBLE_DIGITS_MAX: Final = 309
"""No integer of more digits fits a double; Python refuses to read integers of more than 4300 digits at all."""

# A string, closed or not, is one token, so that every byte is looked at once, however hostile the text.
_TOKENS: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)


class _Refused(Exception):
    """Carries a refusal out of the decoder's callbacks; never leaves this file."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.problem = JsonProblem(reason, detail)


def loads(raw: bytes, *, depth_max: int = DEPTH_MAX) -> Any | JsonProblem:
    """The value, or the first problem (no JSON value is an instance of it). Never raises, whatever the bytes."""
    if raw.count(b"{") + raw.count(b"[") <= depth_max:
        value = _compact(raw)
        if value is not None:
            return value
    try:
        return _read(raw, depth_max)
    except _Refused as refused:
        return refused.problem


def _compact(raw: bytes) -> Any | None:
    """A short cut for what most producers write; None (or null itself) where it proves nothing.

    A text that comes out again byte for byte names no key twice, holds no number that was changed in reading and
    nothing that JSON forbids, so that every reader sees this value in it.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return value if orjson.dumps(value) == raw else None


def _read(raw: bytes, depth_max: int) -> Any:
    text = _text(raw)
    if text.count("{") + text.count("[") > depth_max:
        _check_depth(text, depth_max)
    value = _value(text)
    if "\\ud" in text or "\\uD" in text:
        _check_surrogates(value)
    return value


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        where = f"byte {error.start} (0x{raw[error.start]:02x})"
        _refuse(Reason.BAD_UTF8, f"{where} is not UTF-8 ({error.reason}); encode the event as UTF-8")
    if text.startswith("\ufeff"):
        _refuse(Reason.BYTE_ORDER_MARK, "the value starts with a byte order mark (EF BB BF); send the JSON without it")
    return text


def _check_depth(text: str, depth_max: int) -> None:
    depth = 0
    for token in _TOKENS.finditer(text):
        character = text[token.start()]
        if character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        if depth > depth_max:
            where = f"at character {token.start()}"
            _refuse(Reason.TOO_DEEP, f"objects and lists are nested deeper than {depth_max} {where}; flatten the event")


def _value(text: str) -> Any:
    start = len(text) - len(text.lstrip(_WHITESPACE))
    if start == len(text):
        _refuse(Reason.BAD_JSON, "the value is empty; send one JSON object")
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        where = f"at character {error.pos}, near {shown(text[error.pos : error.pos + 20])}"
        _refuse(Reason.BAD_JSON, f"{error.msg.removesuffix(' at')} {where}; send one JSON object")
    rest = text[end:].strip(_WHITESPACE)
    if rest:
        _refuse(Reason.TRAILING_CONTENT, f"{shown(rest[:20])} follows the JSON value; send one JSON object per record")
    return value


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        _refuse(Reason.LONE_SURROGATE, f"{half} is half of a surrogate pair; escape both halves, or write it in UTF-8")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        _refuse(Reason.DUPLICATE_KEY, f"the key {shown(twice)} stands twice in one object; send each key once")
    return found


def _constant(name: str) -> NoReturn:
    _refuse(Reason.NOT_FINITE, f"{name} is not JSON; leave the field out when there is no number")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        _too_big(digits)
    return number


def _int(digits: str) -> int:
    if len(digits) >= _DOUBLE_DIGITS_MAX and (len(digits) > _DOUBLE_DIGITS_MAX + 1 or math.isinf(float(digits))):
        _too_big(digits)
    return int(digits)


def _too_big(digits: str) -> NoReturn:
    _refuse(Reason.NUMBER_TOO_BIG, f"the number {shown(digits)} is beyond the range of a double; send it as a string")


def _refuse(reason: Reason, detail: str) -> NoReturn:
    raise _Refused(reason, detail)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_int
)

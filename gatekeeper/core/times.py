"""Instants: microseconds since 1970-01-01 UTC, as plain integers.

Rules of this file: text is RFC 3339 with an offset (section 5.6); a time without an offset, an impossible date and a
leap second are refused, because two machines could place them differently. Digits finer than a microsecond are cut.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

ALWAYS_US = 2**62
"""Later than any instant that can be written: the open end of an interval."""

_RFC3339 = re.compile(r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def parse_instant(text: str) -> int:
    """RFC 3339 text with an offset → microseconds since the epoch. Raises ``ValueError`` that says what is wrong."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 time with an offset, such as 2025-05-14T00:00:00Z")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    micros = int(fraction[:6].ljust(6, "0")) if fraction else 0
    return (moment - _EPOCH) // _MICROSECOND + micros - _offset_minutes(offset) * 60_000_000


def _offset_minutes(text: str) -> int:
    if text in "Zz":
        return 0
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError("the offset is not between -23:59 and +23:59")
    return (hours * 60 + minutes) * (-1 if text[0] == "-" else 1)


def format_instant(instant_us: int) -> str:
    """Microseconds since the epoch → RFC 3339 in UTC, the fraction only when there is one."""
    moment = _EPOCH + timedelta(microseconds=instant_us)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{text}{fraction}Z"

"""RFC 3339 text → instants, a column at a time; ``times.parse_instant`` is what it must agree with.

Rules of this file: a text of unusual length is left to the reader that takes one text at a time, so that the work is
bounded whatever the texts; what is read here is read exactly, digits finer than a microsecond are cut.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gatekeeper.core.contracts import EARLIEST_US, LATEST_US

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_LENGTH_MIN: Final = len("2025-05-14T00:00:00Z")
_LENGTH_MAX: Final = len("2025-05-14T00:00:00.000000000+00:00")
_SEPARATORS: Final = np.array([4, 7, 10, 13, 16])
_SEPARATOR_LETTERS: Final = np.frombuffer(b"--t::", np.uint8)
_DIGITS: Final = (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18)
_EITHER_CASE: Final = np.array([0, 0, 0x20, 0, 0], np.uint8)
_WEIGHTS: Final = np.zeros((len(_DIGITS), 6), np.int64)
_WEIGHTS[:4, 0] = (1000, 100, 10, 1)
for _pair in range(1, 6):
    _WEIGHTS[2 + 2 * _pair : 4 + 2 * _pair, _pair] = (10, 1)
_MONTH_DAYS: Final = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


def instants_us(texts: pa.StringArray) -> tuple[Ints, Flags]:
    """Microseconds since the epoch (int64, 0 where unread) and which texts were read. A null is not read."""
    rows = len(texts)
    instants, read = np.zeros(rows, np.int64), np.zeros(rows, bool)
    if texts.null_count == rows:
        return instants, read
    starts, lengths, letters = _letters(texts)
    usable = np.clip(lengths, 0, _LENGTH_MAX + 1)
    for length in np.flatnonzero(np.bincount(usable, minlength=_LENGTH_MAX + 2)[: _LENGTH_MAX + 1]):
        if length >= _LENGTH_MIN:
            of_length = np.flatnonzero(usable == length)
            table = letters[starts[of_length, None] + np.arange(length)]
            instants[of_length], read[of_length] = _table(table)
    if texts.null_count:
        read &= texts.is_valid().to_numpy(zero_copy_only=False)
    return instants, read


def _letters(texts: pa.StringArray) -> tuple[Ints, Ints, Bytes]:
    _, ends_buffer, letters_buffer = texts.buffers()
    ends = np.frombuffer(ends_buffer, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    letters = np.frombuffer(letters_buffer, np.uint8) if letters_buffer else np.empty(0, np.uint8)
    return ends[:-1], np.diff(ends), letters


def _table(table: Bytes) -> tuple[Ints, Flags]:
    """``table`` holds texts of one length, a row each."""
    zulu = (table[:, -1] | 0x20) == ord("z")
    if zulu.all():
        return _one_form(table, zulu=True)
    instants, read = np.zeros(len(table), np.int64), np.zeros(len(table), bool)
    for form, rows in ((True, zulu), (False, ~zulu)):
        if rows.any():
            instants[rows], read[rows] = _one_form(table[rows], zulu=form)
    return instants, read


def _one_form(table: Bytes, *, zulu: bool) -> tuple[Ints, Flags]:
    end = table.shape[1] - (1 if zulu else 6)
    if end < 19 or end == 20:
        return np.zeros(len(table), np.int64), np.zeros(len(table), bool)
    digits = table - np.uint8(ord("0"))  # what is no digit wraps to more than 9
    read = (digits[:, _DIGITS] <= 9).all(axis=1)
    read &= ((table[:, _SEPARATORS] | _EITHER_CASE) == _SEPARATOR_LETTERS).all(axis=1)
    instants, on_calendar = _calendar(digits)
    read &= on_calendar
    if end > 19:
        read &= (table[:, 19] == ord(".")) & (digits[:, 20:end] <= 9).all(axis=1)
        instants += _fraction_us(digits[:, 20 : min(end, 26)])
    if not zulu:
        minutes, possible = _offset_minutes(table, digits, end)
        read &= possible
        instants -= minutes * 60_000_000
    read &= (instants >= EARLIEST_US) & (instants <= LATEST_US)
    return np.where(read, instants, 0), read


def _calendar(digits: Bytes) -> tuple[Ints, Flags]:
    year, month, day, hour, minute, second = (digits[:, _DIGITS].astype(np.int64) @ _WEIGHTS).T
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    month_days = _MONTH_DAYS[np.clip(month, 0, 12)] + (leap & (month == 2))
    possible = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= month_days)
    possible &= (hour <= 23) & (minute <= 59) & (second <= 59)
    seconds = _days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
    return seconds * 1_000_000, possible


def _days(year: Ints, month: Ints, day: Ints) -> Ints:
    """Days since 1970-01-01, proleptic Gregorian. Years are counted from March, so that leap days come last."""
    shifted = year - (month <= 2)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days: Ints = shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400 + day_of_year - 719_468
    return days


def _fraction_us(digits: Bytes) -> Ints:
    scale: int = 10 ** (6 - digits.shape[1])
    return _number(digits, *range(digits.shape[1])) * scale


def _offset_minutes(table: Bytes, digits: Bytes, end: int) -> tuple[Ints, Flags]:
    sign = table[:, end]
    hours, minutes = _number(digits, end + 1, end + 2), _number(digits, end + 4, end + 5)
    possible = ((sign == ord("+")) | (sign == ord("-"))) & (table[:, end + 3] == ord(":"))
    possible &= (digits[:, [end + 1, end + 2, end + 4, end + 5]] <= 9).all(axis=1) & (hours <= 23) & (minutes <= 59)
    return (hours * 60 + minutes) * np.where(sign == ord("-"), -1, 1), possible


def _number(digits: Bytes, *columns: int) -> Ints:
    number = np.zeros(len(digits), np.int64)
    for column in columns:
        number = number * 10 + digits[:, column]
    return number

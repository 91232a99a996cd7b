"""The Date header field's value: RFC 3261 §20.17, which is RFC 1123's date in GMT only."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from firmware.sip.grammar import MalformedMessage

_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),[ \t]+([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_date(text: str) -> datetime:
    """Read Date (§20.17: RFC 1123's form, GMT only); raises MalformedMessage."""
    match = _DATE.fullmatch(text)
    if match is None or match[2] not in _MONTHS:
        raise MalformedMessage("Bad Date")
    day, month, year, hour, minute, second = match.groups()
    try:
        # 60 is a leap second, which datetime cannot hold.
        return datetime(
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC
        )
    except ValueError:
        raise MalformedMessage("Bad Date") from None


def format_date(moment: datetime) -> str:
    """Write an aware moment as Date wants it (§20.17)."""
    utc = moment.astimezone(UTC)
    day, month = _DAYS[utc.weekday()], _MONTHS[utc.month - 1]
    return f"{day}, {utc.day:02} {month} {utc.year:04} {utc.hour:02}:{utc.minute:02}:{utc.second:02} GMT"

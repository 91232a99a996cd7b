"""firmware.sip.dates: RFC 3261 §20.17."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.dates import format_date, parse_date
from firmware.sip.grammar import MalformedMessage


def test_dates_are_gmt():
    """§20.17."""
    moment = datetime(2010, 11, 13, 23, 29, tzinfo=UTC)
    assert parse_date("Sat, 13 Nov 2010 23:29:00 GMT") == moment
    assert format_date(moment) == "Sat, 13 Nov 2010 23:29:00 GMT"
    assert format_date(moment.astimezone(timezone(timedelta(hours=5)))) == "Sat, 13 Nov 2010 23:29:00 GMT"


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_date_survives_writing_and_reading(moment):
    assert parse_date(format_date(moment)) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Fri, 01 Jan 2010 16:00:00 EST",
        "Fri, 31 Feb 2010 16:00:00 GMT",
        "Fri, 01 Jan 2010 25:00:00 GMT",
        "Fri, 01 Xxx 2010 16:00:00 GMT",
    ],
)
def test_malformed_dates_are_refused(text):
    """RFC 4475 §3.1.2.12: no zone but GMT."""
    with pytest.raises(MalformedMessage):
        parse_date(text)

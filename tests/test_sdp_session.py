"""Session descriptions: RFC 8866."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sdp.payload_types import STATIC, Codec, codecs_of
from firmware.sdp.session import (
    MAXIMUM_FORMATS,
    MAXIMUM_MEDIA,
    MAXIMUM_OCTETS,
    Attribute,
    Bandwidth,
    Connection,
    MalformedDescription,
    Media,
    Origin,
    SessionDescription,
    Timing,
    parse,
)

EXAMPLE = (
    b"v=0\r\n"
    b"o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\n"
    b"s=Call to John Smith\r\n"
    b"i=SDP Offer #1\r\n"
    b"u=http://www.jdoe.example.com/home.html\r\n"
    b"e=Jane Doe <jane@jdoe.example.com>\r\n"
    b"p=+1 617 555-6011\r\n"
    b"c=IN IP4 198.51.100.1\r\n"
    b"t=0 0\r\n"
    b"m=audio 49170 RTP/AVP 0\r\n"
    b"m=audio 49180 RTP/AVP 0\r\n"
    b"m=video 51372 RTP/AVP 99\r\n"
    b"c=IN IP6 2001:db8::2\r\n"
    b"a=rtpmap:99 h263-1998/90000\r\n"
)


def media(*lines: str, formats: str = "0") -> Media:
    text = f"v=0\r\nm=audio 4000 RTP/AVP {formats}\r\n" + "".join(f"a={line}\r\n" for line in lines)
    return parse(text).media[0]


# --- reading ---


def test_the_example_of_the_standard_is_read() -> None:
    """RFC 8866 §5."""
    description = parse(EXAMPLE)

    assert description.origin == Origin("jdoe", "3724394400", "3724394405", "IN", "IP4", "198.51.100.1")
    assert description.name == "Call to John Smith"
    assert description.title == "SDP Offer #1"
    assert description.emails == ("Jane Doe <jane@jdoe.example.com>",)
    assert description.phones == ("+1 617 555-6011",)
    assert [m.kind for m in description.media] == ["audio", "audio", "video"]
    assert [m.port for m in description.media] == [49170, 49180, 51372]


def test_a_media_section_without_connection_has_the_sessions() -> None:
    """RFC 8866 §5.7."""
    description = parse(EXAMPLE)

    assert description.connection_of(description.media[0]) == Connection("198.51.100.1")
    assert description.connection_of(description.media[2]) == Connection("2001:db8::2", "IP6")


def test_the_example_survives_a_round_trip() -> None:
    assert bytes(parse(EXAMPLE)) == EXAMPLE


def test_every_field_of_the_grammar_survives_a_round_trip_in_order() -> None:
    """RFC 8866 §9; r= and z= after §5.10 and §5.11."""
    text = (
        b"v=0\r\no=- 1 2 IN IP6 2001:db8::1\r\ns= \r\ni=about\r\nu=http://x.example/\r\ne=a@x.example\r\n"
        b"e=b@x.example\r\np=+44 1\r\nc=IN IP4 233.252.0.1/127/3\r\nb=X-YZ:128\r\nb=AS:64\r\n"
        b"t=3724394400 3724398000\r\nr=604800 3600 0 90000\r\nr=7d 1h 0 25h\r\nz=3730928400 -1h 3749680800 0\r\n"
        b"t=0 0\r\nk=prompt\r\na=tool:test 1\r\na=recvonly\r\n"
        b"m=video 49170/2 RTP/AVP 31\r\ni=title\r\nc=IN IP4 233.252.0.1/127\r\nc=IN IP4 233.252.0.2/127\r\nb=AS:32\r\n"
        b"k=clear:word\r\na=rtpmap:31 H261/90000\r\na=orient:portrait\r\n"
    )

    description = parse(text)

    assert bytes(description) == text
    assert description.connection == Connection("233.252.0.1", suffix="127/3")
    assert description.bandwidths == (Bandwidth("X-YZ", 128), Bandwidth("AS", 64))
    assert description.timings[0].zones == "3730928400 -1h 3749680800 0"
    assert description.media[0].port_count == 2
    assert len(description.media[0].connections) == 2


def test_bare_line_feeds_and_blank_lines_are_tolerated() -> None:
    """RFC 8866 §5: parsers should also accept a single newline."""
    assert parse(EXAMPLE.replace(b"\r\n", b"\n") + b"\n\n") == parse(EXAMPLE)


def test_missing_and_misordered_lines_are_tolerated_and_written_right() -> None:
    description = parse("c=IN IP4 192.0.2.1\na=sendonly\nt=0 0\nm=audio 4 RTP/AVP 0\na=ptime:20\nc=IN IP4 192.0.2.9\n")

    assert bytes(description) == (
        b"v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=sendonly\r\n"
        b"m=audio 4 RTP/AVP 0\r\nc=IN IP4 192.0.2.9\r\na=ptime:20\r\n"
    )


def test_octets_that_are_not_utf_8_survive() -> None:
    """RFC 8866 §6.10: a=charset may name another one."""
    text = EXAMPLE.replace(b"John Smith", b"J\xfcrgen")

    assert bytes(parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\r\n",
        "hello",
        "v=1\r\n",
        "v=0\r\nq=what\r\n",
        "v=0\r\no=too few\r\n",
        "v=0\r\nc=IN IP4\r\n",
        "v=0\r\nc=IN IP4 /127\r\n",
        "v=0\r\nt=0\r\n",
        "v=0\r\nt=soon later\r\n",
        "v=0\r\nr=7d 1h 0\r\n",
        "v=0\r\nt=0 0\r\nz=0 0\r\n",
        "v=0\r\nb=AS\r\n",
        "v=0\r\nb=AS:-1\r\n",
        "v=0\r\nm=audio\r\n",
        "v=0\r\nm=audio 4000 RTP/AVP\r\n",
        "v=0\r\nm=audio 65536 RTP/AVP 0\r\n",
        "v=0\r\nm=audio \u0664\u0660 RTP/AVP 0\r\n",
        "v=0\r\nm=audio 4000 RTP/AVP 0\r\nt=0 0\r\n",
        "v=0\r\na=x\0y\r\n",
        "v=0\r\nb=AS:" + "9" * 5000 + "\r\n",
    ],
)
def test_what_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(MalformedDescription):
        parse(text)


def test_size_and_counts_are_capped() -> None:
    with pytest.raises(MalformedDescription):
        parse(b"v=0\r\n" + b"a=x\r\n" * (MAXIMUM_OCTETS // 5))
    with pytest.raises(MalformedDescription):
        parse(b"v=0\r\n" + b"a=\r\n" * 5000)
    with pytest.raises(MalformedDescription):
        parse("v=0\r\n" + "m=audio 0 RTP/AVP 0\r\n" * (MAXIMUM_MEDIA + 1))
    with pytest.raises(MalformedDescription):
        parse("v=0\r\nm=audio 4 RTP/AVP" + " 0" * (MAXIMUM_FORMATS + 1) + "\r\n")


@given(st.binary(max_size=400))
def test_arbitrary_octets_are_read_or_refused(data: bytes) -> None:
    try:
        description = parse(data)
    except MalformedDescription:
        return
    assert parse(bytes(description)) == description


LINES = st.sampled_from(
    ["v=0", "o=- 1 1 IN IP4 h", "s=-", "t=0 0", "r=7d 1h 0", "z=1 1h", "c=IN IP4 192.0.2.1", "a=sendonly", "a=ptime:20",
     "m=audio 4000 RTP/AVP 0 8", "m=video 0 RTP/AVP 31", "b=AS:64", "k=prompt", "i=x", "e=x", "p=1", "u=x", "a=", "x=y"]
)  # fmt: skip


@given(st.lists(LINES, max_size=30))
def test_lines_in_any_order_are_read_or_refused_and_written_stably(lines: list[str]) -> None:
    try:
        description = parse("\n".join(lines))
    except MalformedDescription:
        return
    assert bytes(parse(bytes(description))) == bytes(description)


# --- writing ---


def test_a_value_that_would_break_its_line_is_never_written() -> None:
    with pytest.raises(ValueError, match="line break"):
        bytes(SessionDescription(name="x\r\na=evil"))


def test_an_empty_name_is_written_as_a_space() -> None:
    """RFC 8866 §5.3: s= must not be empty."""
    assert b"s= \r\n" in bytes(SessionDescription(name=""))


def test_a_description_of_values_is_written_strictly() -> None:
    description = SessionDescription(
        origin=Origin("-", "1", "1", address_type="IP6", address="2001:db8::1"),
        connection=Connection.to("2001:db8::1"),
        timings=(Timing(),),
        media=(Media("audio", 4000, "RTP/AVP", ("8",), attributes=(Attribute("ptime", "20"), Attribute("sendrecv"))),),
    )

    assert bytes(description) == (
        b"v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\n"
        b"m=audio 4000 RTP/AVP 8\r\na=ptime:20\r\na=sendrecv\r\n"
    )


# --- attributes ---


@pytest.mark.parametrize(
    ("session", "section", "direction"),
    [
        ("", "", "sendrecv"),
        ("a=sendonly\n", "", "sendonly"),
        ("a=sendonly\n", "a=inactive\n", "inactive"),
        ("a=inactive\n", "a=sendrecv\n", "sendrecv"),
        ("", "a=recvonly\n", "recvonly"),
    ],
)
def test_a_direction_at_media_level_outranks_the_sessions(session: str, section: str, direction: str) -> None:
    """RFC 8866 §6.7."""
    description = parse(f"v=0\n{session}m=audio 4 RTP/AVP 0\n{section}")

    assert description.direction_of(description.media[0]) == direction


def test_attributes_are_found_by_name() -> None:
    section = media("rtcp-mux", "candidate:1", "candidate:2", "empty:")

    assert section.has("rtcp-mux")
    assert not section.has("rtcp")
    assert section.values("candidate") == ["1", "2"]
    assert section.value("empty") == ""
    assert section.value("rtcp-mux") is None


# --- payload types ---


def test_rtpmap_and_fmtp_say_what_a_dynamic_payload_type_is() -> None:
    """RFC 8866 §6.6 and §6.15."""
    section = media("rtpmap:98 L16/16000/2", "rtpmap:101 telephone-event/8000", "fmtp:101 0-15", formats="98 101")

    assert codecs_of(section) == [Codec("L16", 16000, 2, 98), Codec("telephone-event", 8000, 1, 101, "0-15")]


def test_static_payload_types_need_no_rtpmap() -> None:
    """RFC 3551 §6, table 4."""
    section = media(formats="0 8 9 18 3 13 10")

    assert [(c.encoding, c.clock_rate, c.channels) for c in codecs_of(section)] == [
        ("PCMU", 8000, 1), ("PCMA", 8000, 1), ("G722", 8000, 1), ("G729", 8000, 1), ("GSM", 8000, 1), ("CN", 8000, 1),
        ("L16", 44100, 2),
    ]  # fmt: skip


def test_formats_without_meaning_are_left_out() -> None:
    """A dynamic payload type without rtpmap, a reserved one, one out of range, and what is no number."""
    mappings = ("rtpmap:128 X/8000", "rtpmap:97 X", "rtpmap:x Y/8000", "rtpmap:98 Z/0")
    section = media(*mappings, formats="96 97 98 1 128 x 0")

    assert [codec.payload_type for codec in codecs_of(section)] == [0]


def test_of_two_mappings_for_one_payload_type_the_first_counts() -> None:
    section = media("rtpmap:96 opus/48000/2", "rtpmap:96 PCMU/8000", formats="96")

    assert codecs_of(section) == [Codec("opus", 48000, 2, 96)]


def test_a_mapping_outranks_the_static_meaning() -> None:
    assert codecs_of(media("rtpmap:8 PCMU/8000", formats="8")) == [Codec("PCMU", 8000, 1, 8)]


@given(st.lists(st.text(alphabet="rtpmafc:0123456789 /-XPCMUA", max_size=24), max_size=6))
def test_arbitrary_mappings_never_raise(values: list[str]) -> None:
    attributes = tuple(Attribute(name, value) for value in values for name in ("rtpmap", "fmtp"))

    for codec in codecs_of(Media("audio", 4, "RTP/AVP", ("0", "96", "8"), attributes=attributes)):
        assert codec.clock_rate > 0


def test_the_static_table_is_keyed_by_payload_type() -> None:
    assert all(codec.payload_type == number for number, codec in STATIC.items())
    assert STATIC[9].clock_rate == 8000

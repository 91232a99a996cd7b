"""firmware.sip.framing: RFC 3261 §18.3, §7.5; RFC 5626 §3.5.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.framing import FramingError, Keepalive, StreamFramer
from firmware.sip.message import parse_message

ONE = b"OPTIONS sip:a@b SIP/2.0\r\nSubject: x\r\nContent-Length: 0\r\n\r\n"
TWO = b"MESSAGE sip:a@b SIP/2.0\r\nl : 12\r\nSubject: x\r\n\r\nhe\r\n\r\nllo wo"
THREE = b"SIP/2.0 200 OK\r\nX: y\r\nCONTENT-LENGTH:\r\n  0007\r\n\r\nl: 9\r\n\r"
STREAM = ONE + TWO + b"\r\n\r\n" + THREE + b"\r\n" + ONE
EXPECTED = [ONE, TWO, Keepalive.PING, THREE, Keepalive.PONG, ONE]


def feed(pieces):
    framer = StreamFramer()
    return [item for piece in pieces for item in framer.feed(piece)]


def but_pongs(items):
    return [item for item in items if item is not Keepalive.PONG]


def test_a_stream_is_cut_by_content_length():
    """§18.3: blank lines inside a body end nothing."""
    assert feed([STREAM]) == EXPECTED


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_a_stream_cut_anywhere_yields_the_same(cut):
    """A ping cut in two is preceded by a pong that means nothing; all else is the same."""
    assert but_pongs(feed([STREAM[:cut], STREAM[cut:]])) == but_pongs(EXPECTED)


def test_a_stream_that_comes_octet_by_octet_yields_the_same():
    assert but_pongs(feed([STREAM[at : at + 1] for at in range(len(STREAM))])) == but_pongs(EXPECTED)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12).map(sorted))
def test_a_stream_cut_many_times_yields_the_same(cuts):
    pieces = [STREAM[start:end] for start, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]
    assert but_pongs(feed(pieces)) == but_pongs(EXPECTED)


def test_what_is_cut_can_be_read():
    assert [parse_message(item).body for item in feed([STREAM]) if isinstance(item, bytes)] == [
        b"", b"he\r\n\r\nllo wo", b"l: 9\r\n\r", b"",
    ]  # fmt: skip


def test_a_ping_is_two_line_ends_and_a_pong_is_one():
    """RFC 5626 §3.5.1."""
    assert feed([b"\r\n\r\n"]) == [Keepalive.PING]
    assert feed([b"\r\n"]) == [Keepalive.PONG]
    assert feed([b"\r\n", b"\r\n"]) == [Keepalive.PONG, Keepalive.PING]
    assert feed([b"\r\n\r\n\r\n\r\n"]) == [Keepalive.PING, Keepalive.PING]
    assert feed([b"\r\n", ONE, b"\r\n"]) == [Keepalive.PONG, ONE, Keepalive.PONG]


@pytest.mark.parametrize(
    "lines",
    [
        b"", b"Content-Length: x\r\n", b"Content-Length: -1\r\n", b"Content-Length:\r\n", b"Content-Length: 1 2\r\n",
        b"Content-Length: 1\r\nl: 2\r\n", b"Content-Length: 1\r\nl: x\r\n", b"X: Content-Length: 5\r\n",
        b"Content-Length: 300000\r\n", b"X: y\r\n l: 5\r\n",
    ],
)  # fmt: skip
def test_without_one_good_length_the_stream_is_lost(lines):
    """§18.3: "If the transport protocol is stream-oriented, the Content-Length MUST be used"."""
    with pytest.raises(FramingError):
        feed([b"OPTIONS sip:a@b SIP/2.0\r\n" + lines + b"\r\n"])


def test_the_same_length_twice_is_one():
    data = b"OPTIONS sip:a@b SIP/2.0\r\nl: 1\r\nContent-Length: 1\r\n\r\nx"
    assert feed([data]) == [data]


def test_a_header_without_end_is_not_kept_for_ever():
    framer = StreamFramer()
    line = b"X: " + b"y" * 1000 + b"\r\n"
    for _ in range(65):
        assert framer.feed(line) == []
    assert framer.pending == 65 * len(line)

    with pytest.raises(FramingError):
        framer.feed(line)


def test_a_large_header_in_one_piece_is_refused_too():
    with pytest.raises(FramingError):
        feed([b"X: " + b"y" * 70_000 + b"\r\nl: 0\r\n\r\n"])


@pytest.mark.parametrize("data", [b"\n", b"\rX", b"\r\r", b"\n\n"])
def test_bare_line_ends_between_messages_lose_the_stream(data):
    with pytest.raises(FramingError):
        feed([data])


@given(st.lists(st.binary() | st.sampled_from([ONE, TWO, THREE, b"\r\n", b"\r"])))
def test_any_octets_are_cut_or_lose_the_stream(pieces):
    try:
        items = feed(pieces)
    except FramingError:
        return
    assert sum(len(item) if isinstance(item, bytes) else 2 for item in items) <= sum(map(len, pieces))

"""Offer/answer: RFC 3264, with its own examples."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sdp.negotiation import G722, PCMA, PCMU, Agreement, Codec, Negotiation, NotAcceptable
from firmware.sdp.session import DIRECTIONS, Direction, MalformedDescription, Media, parse

ALICE = b"v=0\no=alice 2890844526 2890844526 IN IP4 host.anywhere.com\ns=\nc=IN IP4 host.anywhere.com\nt=0 0\n"
BOB = b"v=0\no=bob 2890844730 2890844730 IN IP4 host.example.com\ns=\nc=IN IP4 host.example.com\nt=0 0\n"


def phone(*codecs: Codec, number: int = 1) -> Negotiation:
    return Negotiation(codecs or (PCMA, PCMU), session_id=number)


def offer_of(section: str = "", *, before: str = "", connection: str = "192.0.2.9", formats: str = "0 8 101") -> bytes:
    return (
        f"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 {connection}\r\nt=0 0\r\n{before}"
        f"m=audio 4000 RTP/AVP {formats}\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n{section}"
    ).encode()


def answered(offer: bytes, direction: Direction = "sendrecv") -> tuple[Media, Agreement]:
    """The audio section our phone answers with, and what it took from the offer."""
    negotiation = phone()
    answer = negotiation.answer(offer, "192.0.2.1", 16384, direction)
    assert negotiation.agreed is not None
    return next(m for m in parse(answer).media if m.port), negotiation.agreed


def agreed(negotiation: Negotiation) -> Agreement:
    assert negotiation.agreed is not None
    return negotiation.agreed


# --- the examples of the standard ---


def test_a_basic_exchange_refuses_the_video_streams_in_their_places() -> None:
    """RFC 3264 §10.1, with Bob an audio telephone."""
    offer = ALICE + (
        b"m=audio 49170 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n"
        b"m=video 51372 RTP/AVP 31\na=rtpmap:31 H261/90000\nm=video 53000 RTP/AVP 32\na=rtpmap:32 MPV/90000\n"
    )
    bob = phone()

    answer = parse(bob.answer(offer, "192.0.2.4", 49920))

    assert [str(m) for m in answer.media] == ["audio 49920 RTP/AVP 0", "video 0 RTP/AVP 31", "video 0 RTP/AVP 32"]
    assert agreed(bob).remote == ("host.anywhere.com", 49170)
    assert agreed(bob).send == PCMU


def test_a_changed_port_and_an_added_stream_keep_the_sections_in_order() -> None:
    """RFC 3264 §10.1: Bob moves his audio port and adds a receive-only stream; Alice is an audio telephone."""
    alice = phone(PCMU)
    alice.offer("192.0.2.3", 49170)
    alice.accept(BOB + b"m=audio 49920 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n")
    second = BOB.replace(b"2890844730 IN", b"2890844731 IN") + (
        b"m=audio 65422 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n"
        b"m=audio 51434 RTP/AVP 110\na=rtpmap:110 telephone-events/8000\na=recvonly\n"
    )

    answer = parse(alice.answer(second, "192.0.2.3", 49170))

    assert [str(m) for m in answer.media] == ["audio 49170 RTP/AVP 0", "audio 0 RTP/AVP 110"]
    assert agreed(alice).remote == ("host.example.com", 65422)


def test_one_codec_of_many_is_locked_down_by_a_second_exchange() -> None:
    """RFC 3264 §10.2: an inactive offer with several codecs, then an active one with a single codec."""
    g723, g729 = Codec("G723", 8000, 1, 4), Codec("G729", 8000, 1, 18)
    bob = phone(PCMU, g723)
    formats = b"a=rtpmap:0 PCMU/8000\na=rtpmap:4 G723/8000\na=rtpmap:18 G729/8000\n"

    first = parse(bob.answer(ALICE + b"m=audio 62986 RTP/AVP 0 4 18\n" + formats + b"a=inactive\n", "192.0.2.4", 54344))
    held = agreed(bob).direction
    lock = ALICE + b"m=audio 62986 RTP/AVP 4\na=rtpmap:4 G723/8000\na=sendrecv\n"
    second = parse(bob.answer(lock, "192.0.2.4", 54344))

    assert first.media[0].formats == ("0", "4")
    assert first.direction_of(first.media[0]) == held == "inactive"
    assert second.media[0].formats == ("4",)
    assert agreed(bob).send == g723
    assert agreed(bob).direction == "sendrecv"
    assert int(second.origin.version) == int(first.origin.version) + 1
    assert g729 not in agreed(bob).receive


# --- formats ---


def test_the_first_codec_of_the_offer_that_we_have_is_used() -> None:
    """RFC 4504 Req-69; RFC 3264 §6.1: the answer keeps the offer's order."""
    section, agreement = answered(offer_of(formats="18 0 8 101"))

    assert section.formats == ("0", "8", "101")
    assert agreement.send == PCMU
    assert agreement.receive == (PCMU, PCMA)


def test_payload_types_of_the_offer_are_used_in_the_answer() -> None:
    """RFC 3264 §6.1."""
    negotiation = phone(Codec("opus", 48000, 2, 111, "useinbandfec=1"), PCMA)
    offer = offer_of("a=rtpmap:96 opus/48000/2\r\na=fmtp:96 stereo=0\r\na=rtpmap:97 telephone-event/48000\r\n",
                     formats="96 8 97 101")  # fmt: skip

    section = parse(negotiation.answer(offer, "192.0.2.1", 16384)).media[0]

    assert section.formats == ("96", "8", "97", "101")
    assert section.values("rtpmap")[0] == "96 opus/48000/2"
    assert "96 useinbandfec=1" in section.values("fmtp")
    assert agreed(negotiation).send == Codec("opus", 48000, 2, 96, "stereo=0")
    assert agreed(negotiation).receive[0] == Codec("opus", 48000, 2, 96, "useinbandfec=1")
    assert agreed(negotiation).telephone_event_send == 97


def test_each_end_sends_with_the_payload_types_of_the_other() -> None:
    """RFC 3264 §5.1: the offerer must send with the payload type numbers from the answer."""
    alice = phone()
    alice.offer("192.0.2.1", 16384)

    alice.accept(BOB + b"m=audio 4000 RTP/AVP 8 96\na=rtpmap:96 telephone-event/8000\n")

    assert agreed(alice).telephone_event_send == 96
    assert agreed(alice).telephone_event_receive == 101


def test_telephone_events_are_the_sixteen_keys_and_only_where_offered() -> None:
    """RFC 4733 §2.4.1 and §3.2."""
    with_keys, agreement = answered(offer_of())
    without, bare = answered(offer_of(formats="8"))

    assert with_keys.values("fmtp") == ["101 0-15"]
    assert (agreement.telephone_event_send, agreement.telephone_event_receive) == (101, 101)
    assert without.formats == ("8",)
    assert (bare.telephone_event_send, bare.telephone_event_receive) == (None, None)


def test_keys_alone_are_no_speech() -> None:
    with pytest.raises(NotAcceptable):
        phone().answer(offer_of(formats="101"), "192.0.2.1", 16384)


def test_a_dynamic_payload_type_without_a_mapping_is_passed_over() -> None:
    section, _ = answered(offer_of(formats="99 8"))

    assert section.formats == ("8",)


def test_payload_types_stay_constant_through_the_session() -> None:
    """RFC 4504 Req-25: our own later offer uses the numbers that the first exchange settled."""
    negotiation = phone(Codec("iLBC", 8000, 1, 97), PCMA)
    offer = offer_of("a=rtpmap:98 telephone-event/8000\r\na=rtpmap:101 iLBC/8000\r\n", formats="8 101 98")
    offer = offer.replace(b"a=rtpmap:101 telephone-event/8000\r\n", b"")
    negotiation.answer(offer, "192.0.2.1", 16384)

    section = parse(negotiation.offer("192.0.2.1", 16384, "sendonly")).media[0]

    assert section.formats == ("8", "101", "98")


def test_a_number_that_the_far_end_gave_to_another_codec_is_not_used_again() -> None:
    """RFC 3264 §8.3.2: a dynamic payload type must not change its meaning."""
    negotiation = phone(Codec("iLBC", 8000, 1, 97), PCMA)
    offer = offer_of("", formats="8 101").replace(b"telephone-event", b"iLBC")
    negotiation.answer(offer, "192.0.2.1", 16384)

    section = parse(negotiation.offer("192.0.2.1", 16384)).media[0]

    assert section.formats == ("8", "101", "96")
    assert "96 telephone-event/8000" in section.values("rtpmap")


# --- direction and hold ---

MEETING = {
    ("sendrecv", "sendrecv"): "sendrecv",
    ("sendrecv", "sendonly"): "recvonly",
    ("sendrecv", "recvonly"): "sendonly",
    ("sendrecv", "inactive"): "inactive",
    ("sendonly", "sendrecv"): "sendonly",
    ("sendonly", "sendonly"): "inactive",
    ("sendonly", "recvonly"): "sendonly",
    ("recvonly", "sendrecv"): "recvonly",
    ("recvonly", "recvonly"): "inactive",
    ("inactive", "sendrecv"): "inactive",
}


@pytest.mark.parametrize(("ours", "theirs"), MEETING)
def test_the_answers_direction_mirrors_the_offers_within_our_wish(ours: Direction, theirs: Direction) -> None:
    """RFC 3264 §6.1."""
    section, agreement = answered(offer_of(f"a={theirs}\r\n"), ours)

    assert section.own_direction == agreement.direction == MEETING[ours, theirs]


def test_a_direction_at_session_level_holds_the_stream() -> None:
    _, agreement = answered(offer_of(before="a=sendonly\r\n"))

    assert agreement.direction == "recvonly"


def test_the_hold_of_old_is_understood() -> None:
    """RFC 3264 §8.4: c=0.0.0.0 means that nothing is to be sent; the port is not zero."""
    negotiation = phone()

    answer = parse(negotiation.answer(offer_of(connection="0.0.0.0"), "192.0.2.1", 16384))

    assert answer.media[0].own_direction == "recvonly"
    assert agreed(negotiation).remote == ("0.0.0.0", 4000)
    assert negotiation.held_by_remote


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_far_end_holds_when_it_does_not_want_our_media(direction: Direction) -> None:
    negotiation = phone()
    negotiation.answer(offer_of(f"a={direction}\r\n"), "192.0.2.1", 16384)

    assert negotiation.held_by_remote == (direction in ("sendonly", "inactive"))


def test_holding_and_resuming_is_a_new_version_of_the_same_description() -> None:
    """RFC 3264 §8 and §8.4."""
    alice, bob = phone(number=7), phone(PCMU, PCMA)
    first = alice.offer("192.0.2.1", 16384)
    alice.accept(bob.answer(first, "192.0.2.2", 5000))

    hold = alice.offer("192.0.2.1", 16384, "sendonly")
    alice.accept(bob.answer(hold, "192.0.2.2", 5000))

    origins = [str(parse(text).origin) for text in (first, hold)]
    assert origins == ["- 7 7 IN IP4 192.0.2.1", "- 7 8 IN IP4 192.0.2.1"]
    assert agreed(alice).direction == "sendonly"
    assert agreed(bob).direction == "recvonly"
    assert bob.held_by_remote
    assert parse(alice.offer("192.0.2.1", 16384)).origin.version == "9"


def test_an_unchanged_description_keeps_its_version() -> None:
    """RFC 3264 §8: the version grows only when the description changes."""
    alice = phone()

    assert alice.offer("192.0.2.1", 16384) == alice.offer("192.0.2.1", 16384)


def test_a_new_address_leaves_the_origin_but_for_its_version() -> None:
    alice = phone()
    alice.offer("192.0.2.1", 16384)

    moved = parse(alice.offer("2001:db8::1", 16384))

    assert str(moved.origin) == "- 1 2 IN IP4 192.0.2.1"
    assert str(moved.connection) == "IN IP6 2001:db8::1"


@pytest.mark.parametrize("direction", ["sendonly", "sendrecv"])
def test_what_was_agreed_is_offered_first_from_then_on(direction: Direction) -> None:
    """RFC 3264 §5.1, §8.3.2: to hold is not to ask for another codec."""
    ours, theirs = phone(PCMA, PCMU), phone(PCMU, PCMA)
    ours.answer(theirs.offer("192.0.2.2", 5000), "192.0.2.1", 16384)
    assert agreed(ours).send == PCMU

    offer = ours.offer("192.0.2.1", 16384, direction)
    ours.accept(theirs.answer(offer, "192.0.2.2", 5000))

    assert parse(offer).media[0].formats == ("0", "8", "101")
    assert agreed(ours).send == agreed(theirs).send == PCMU


# --- addresses ---


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("IP4", "224.2.1.1/127"),
        ("IP4", "239.255.0.1"),
        ("IP4", "255.255.255.255"),
        ("IP4", "250.1.2.3"),
        ("IP6", "ff15::101"),
        ("IP6", "2001:db8::9"),
        ("IP6", "host.example.com"),
    ],
)
def test_an_offer_to_everybody_or_of_the_other_family_is_not_acceptable(kind: str, address: str) -> None:
    """RFC 3264 §5.2, §6: what nothing of ours can be sent to is no stream of ours."""
    offer = offer_of(connection=address).replace(f"IN IP4 {address}".encode(), f"IN {kind} {address}".encode())

    with pytest.raises(NotAcceptable):
        phone().answer(offer, "192.0.2.1", 16384)


def test_an_answer_of_the_other_family_is_not_acceptable() -> None:
    ours, theirs = phone(), phone()
    offer = ours.offer("192.0.2.1", 16384)
    answer = theirs.answer(offer, "192.0.2.2", 5000).replace(b"c=IN IP4 192.0.2.2", b"c=IN IP6 2001:db8::9")

    with pytest.raises(NotAcceptable):
        ours.accept(answer)


def test_the_other_family_is_answered_by_a_host_of_it() -> None:
    offer = offer_of(connection="2001:db8::9").replace(b"IN IP4 2001", b"IN IP6 2001")
    negotiation = phone()

    answer = parse(negotiation.answer(offer, "2001:db8::1", 16384))

    assert str(answer.connection) == "IN IP6 2001:db8::1"
    assert agreed(negotiation).remote == ("2001:db8::9", 4000)


def test_the_hold_of_old_may_come_in_either_family() -> None:
    """RFC 3264 §8.4: it names no host, so it needs no way there."""
    negotiation = phone()

    answer = parse(negotiation.answer(offer_of(connection="0.0.0.0"), "2001:db8::1", 16384))

    assert answer.media[0].own_direction == "recvonly"


# --- media sections ---


def test_our_next_offer_has_as_many_sections_as_before_each_in_its_place() -> None:
    """RFC 3264 §8."""
    negotiation = phone()
    negotiation.answer(offer_of(before="m=video 5000 RTP/AVP 31\r\n"), "192.0.2.1", 16384)

    again = parse(negotiation.offer("192.0.2.1", 16384, "sendonly"))

    assert [(m.kind, m.port) for m in again.media] == [("video", 0), ("audio", 16384)]


def test_of_several_audio_streams_the_first_acceptable_is_taken() -> None:
    before = "m=audio 3990 RTP/SAVP 8\r\nm=audio 3992 RTP/AVP 18\r\nm=image 1 udptl t38\r\n"
    offer = offer_of("m=audio 4010 RTP/AVP 8\r\n", before=before)

    answer = parse(phone().answer(offer, "192.0.2.1", 16384))

    assert [str(m) for m in answer.media] == [
        "audio 0 RTP/SAVP 8", "audio 0 RTP/AVP 18", "image 0 udptl t38", "audio 16384 RTP/AVP 0 8 101",
        "audio 0 RTP/AVP 8",
    ]  # fmt: skip


def test_the_stream_in_use_is_kept_when_another_becomes_acceptable() -> None:
    negotiation = phone()
    negotiation.answer(offer_of(before="m=audio 3990 RTP/AVP 18\r\n"), "192.0.2.1", 16384)

    answer = parse(negotiation.answer(offer_of(before="m=audio 3990 RTP/AVP 8\r\n"), "192.0.2.1", 16384))

    assert [m.port for m in answer.media] == [0, 16384]


def test_an_offer_without_streams_is_answered_without() -> None:
    """RFC 3264 §6, as third-party call control uses it (RFC 3725)."""
    negotiation = phone()

    answer = parse(negotiation.answer(b"v=0\r\ns=-\r\nt=0 0\r\n", "192.0.2.1", 16384))

    assert answer.media == ()
    assert negotiation.agreed is None
    assert [m.port for m in parse(negotiation.offer("192.0.2.1", 16384)).media] == [16384]


def test_a_stream_switched_off_is_answered_switched_off() -> None:
    """RFC 3264 §8.2."""
    negotiation = phone()
    negotiation.answer(offer_of(), "192.0.2.1", 16384)

    answer = parse(negotiation.answer(offer_of().replace(b"audio 4000", b"audio 0"), "192.0.2.1", 16384))

    assert [m.port for m in answer.media] == [0]
    assert negotiation.agreed is None


def test_the_answer_repeats_the_offers_time() -> None:
    """RFC 3264 §6."""
    offer = offer_of().replace(b"t=0 0", b"t=3724394400 3724398000")

    assert b"t=3724394400 3724398000\r\n" in phone().answer(offer, "192.0.2.1", 16384)


@pytest.mark.parametrize(
    "offer",
    [
        offer_of(formats="18 3"),
        offer_of().replace(b"RTP/AVP", b"RTP/SAVP"),
        offer_of().replace(b"RTP/AVP", b"UDP/TLS/RTP/SAVPF"),
        offer_of().replace(b"m=audio", b"m=video"),
        offer_of().replace(b"c=IN IP4 192.0.2.9\r\n", b""),
    ],
)
def test_nothing_in_common_is_not_acceptable_and_changes_nothing(offer: bytes) -> None:
    """RFC 3261 §21.4.26."""
    negotiation = phone()
    before = negotiation.answer(offer_of(), "192.0.2.1", 16384)
    agreement = negotiation.agreed

    with pytest.raises(NotAcceptable):
        negotiation.answer(offer, "192.0.2.1", 16384)

    assert negotiation.agreed == agreement
    assert negotiation.answer(offer_of(), "192.0.2.1", 16384) == before


def test_a_malformed_offer_is_told_from_an_unwanted_one() -> None:
    with pytest.raises(MalformedDescription):
        phone().answer(b"hello", "192.0.2.1", 16384)


@pytest.mark.parametrize(
    "answer",
    [b"m=audio 0 RTP/AVP 8\n", b"m=video 4 RTP/AVP 8\n", b"", b"m=audio 4000 RTP/AVP 18\n", b"m=audio 4 RTP/AVP 101\n"],
)
def test_an_answer_without_our_stream_is_not_acceptable(answer: bytes) -> None:
    alice = phone()
    alice.offer("192.0.2.1", 16384)

    with pytest.raises(NotAcceptable):
        alice.accept(BOB + answer)


def test_several_answers_to_one_offer_may_come() -> None:
    """A forked call: early media of one, then the answer of another (RFC 3261 §13.2.2.4)."""
    alice = phone()
    alice.offer("192.0.2.1", 16384)
    alice.accept(BOB + b"m=audio 4000 RTP/AVP 8\n")
    alice.accept(BOB + b"m=audio 6000 RTP/AVP 0\n")

    assert agreed(alice).remote == ("host.example.com", 6000)
    assert agreed(alice).send == PCMU


def test_an_answer_without_an_offer_is_our_own_fault() -> None:
    with pytest.raises(ValueError, match="without an offer"):
        phone().accept(offer_of())


# --- profile, RTCP, packetisation ---


def test_the_feedback_profile_is_answered_as_offered() -> None:
    section, _ = answered(offer_of().replace(b"RTP/AVP ", b"RTP/AVPF "))

    assert section.protocol == "RTP/AVPF"


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("", ("192.0.2.9", 4001)),
        ("a=rtcp:53020\r\n", ("192.0.2.9", 53020)),
        ("a=rtcp:53020 IN IP4 126.16.64.4\r\n", ("126.16.64.4", 53020)),
        (
            "a=rtcp:53020 IN IP6 2001:2345:6789:ABCD:EF01:2345:6789:ABCD\r\n",
            ("2001:2345:6789:ABCD:EF01:2345:6789:ABCD", 53020),
        ),
        ("a=rtcp:99999\r\n", ("192.0.2.9", 4001)),
        ("a=rtcp:\r\n", ("192.0.2.9", 4001)),
    ],
)
def test_rtcp_goes_where_the_far_end_says(line: str, address: tuple[str, int]) -> None:
    """RFC 3605 §2.1; RFC 3550 §11."""
    _, agreement = answered(offer_of(line))

    assert agreement.remote_rtcp == address


def test_rtcp_is_multiplexed_only_when_offered() -> None:
    """RFC 5761 §5.1.1."""
    section, agreement = answered(offer_of("a=rtcp-mux\r\na=rtcp:4009\r\n"))
    plain, _ = answered(offer_of())

    assert section.has("rtcp-mux")
    assert agreement.rtcp_mux
    assert agreement.remote_rtcp == agreement.remote
    assert not plain.has("rtcp-mux")


@pytest.mark.parametrize(
    ("lines", "period_ms"),
    [("", 20), ("a=ptime:30\r\n", 30), ("a=ptime:30\r\na=maxptime:20\r\n", 20), ("a=ptime:200\r\n", 60),
     ("a=ptime:5\r\n", 10), ("a=ptime:0\r\n", 20), ("a=ptime:x\r\n", 20), ("a=ptime:20.0\r\n", 20),
     ("a=ptime:25\r\n", 20)],
)  # fmt: skip
def test_the_far_ends_packetisation_time_is_followed_within_reason(lines: str, period_ms: int) -> None:
    """RFC 8866 §6.4."""
    _, agreement = answered(offer_of(lines))

    assert agreement.period_ms == period_ms


# --- properties ---


CODECS = st.lists(st.sampled_from([PCMA, PCMU, G722, Codec("opus", 48000, 2, 111)]), min_size=1, unique=True)


@given(CODECS, CODECS, st.sampled_from(DIRECTIONS), st.sampled_from(DIRECTIONS))
def test_both_ends_of_an_exchange_agree(
    ours: list[Codec], theirs: list[Codec], offered: Direction, wanted: Direction
) -> None:
    alice, bob = Negotiation(ours, session_id=1), Negotiation(theirs, session_id=2)
    offer = alice.offer("192.0.2.1", 4000, offered)
    try:
        answer = bob.answer(offer, "192.0.2.2", 5000, wanted)
    except NotAcceptable:
        assert not set(ours) & set(theirs)
        return
    alice.accept(answer)

    mine, his = agreed(alice), agreed(bob)
    assert mine.send.identity == his.send.identity
    assert ("send" in mine.direction, "recv" in mine.direction) == ("recv" in his.direction, "send" in his.direction)
    assert mine.telephone_event_send == his.telephone_event_receive
    assert mine.send.payload_type in {codec.payload_type for codec in his.receive}


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_arbitrary_lines_in_an_offer_are_answered_or_refused(lines: list[bytes]) -> None:
    offer = offer_of() + b"".join(b"a=" + line + b"\r\n" for line in lines)
    with contextlib.suppress(NotAcceptable, MalformedDescription):
        phone().answer(offer, "192.0.2.1", 16384)

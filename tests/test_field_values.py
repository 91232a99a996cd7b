"""firmware.sip.field_values: RFC 3261 §20 and its extensions."""

import pytest

from firmware.sip.field_values import (
    CSeq,
    Disposition,
    Event,
    MediaType,
    RAck,
    Reason,
    Replaces,
    Timestamp,
    Warning,
    parse_call_id,
    parse_cseq,
    parse_disposition,
    parse_event,
    parse_media_type,
    parse_qualified,
    parse_rack,
    parse_reason,
    parse_replaces,
    parse_retry_after,
    parse_session_expires,
    parse_subscription_state,
    parse_target_dialog,
    parse_timestamp,
    parse_tokens,
    parse_warning,
)
from firmware.sip.grammar import MalformedMessage
from firmware.sip.parameters import Parameters


def test_cseq():
    """§20.16."""
    assert parse_cseq("0009 \t INVITE") == CSeq(9, "INVITE")
    assert str(CSeq(4711, "INVITE")) == "4711 INVITE"
    assert parse_cseq("2147483647 a'b").number == 2**31 - 1


def test_media_types():
    """§20.15: type and subtype have no case."""
    sdp = parse_media_type("Application / SDP")
    html = parse_media_type('text/html; charset="ISO-8859-4"')

    assert sdp == MediaType("application", "sdp")
    assert html.parameters.get("charset") == "ISO-8859-4"
    assert str(html) == "text/html;charset=ISO-8859-4"
    assert sdp.name == "application/sdp"
    assert parse_media_type("*/*").covers(sdp)
    assert parse_media_type("application/*;q=0.2").covers(sdp)
    assert not parse_media_type("text/*").covers(sdp)


def test_content_disposition():
    """§20.11."""
    assert parse_disposition("session") == Disposition("session")
    assert not parse_disposition("session").optional
    assert parse_disposition("icon; handling = Optional").optional


def test_words_with_parameters():
    """§20.2, §20.3."""
    assert str(parse_qualified("en-gb ;q=0.8")) == "en-gb;q=0.8"


def test_event_and_its_state():
    """RFC 6665 §8.2."""
    assert parse_event("message-summary; id=7") == Event("message-summary", Parameters({"id": "7"}))
    assert parse_event("refer;id=93809824").id == "93809824"
    state = parse_subscription_state("terminated;reason=noresource;retry-after=30;expires=0")
    assert (state.value, state.reason, state.retry_after, state.expires) == ("terminated", "noresource", 30, 0)


def test_reasons():
    """RFC 3326 §2."""
    reason = parse_reason('Q.850 ;cause=16 ;text="Terminated"')
    assert (reason.protocol, reason.cause, reason.text) == ("Q.850", 16, "Terminated")
    assert str(Reason.of("SIP", 200, "Call completed elsewhere")) == 'SIP;cause=200;text="Call completed elsewhere"'
    assert str(Reason.of("SIP", 600, "Busy")) == 'SIP;cause=600;text="Busy"'
    assert (Reason.of("SIP", 1).text, parse_reason("preemption").cause) == ("", None)


def test_warnings():
    """§20.43."""
    text = '307 isi.edu "Session parameter \'foo\' not \\"understood\\""'
    assert parse_warning(text) == Warning(307, "isi.edu", "Session parameter 'foo' not \"understood\"")
    assert str(parse_warning(text)) == text
    assert parse_warning('399 [::1]:5060 ""').agent == "[::1]:5060"


def test_retry_after():
    """§20.33's examples."""
    assert parse_retry_after("18000;duration=3600").duration == 3600
    late = parse_retry_after("120 (I'm in a (long) meeting)")
    assert (late.seconds, late.comment, late.duration) == (120, "(I'm in a (long) meeting)", None)
    assert str(late) == "120 (I'm in a (long) meeting)"
    assert str(parse_retry_after("5")) == "5"


def test_timestamps():
    """§20.38."""
    assert parse_timestamp("54") == Timestamp("54")
    assert str(parse_timestamp("54.21  .5")) == "54.21 .5"


def test_session_timer():
    """RFC 4028 §4."""
    timer = parse_session_expires("4000;refresher=UAC")
    assert (timer.seconds, timer.refresher, str(timer)) == (4000, "uac", "4000;refresher=UAC")
    assert parse_session_expires("90").refresher is None


def test_rack():
    """RFC 3262 §7.2."""
    assert parse_rack("776656 1 INVITE") == RAck(776656, 1, "INVITE")
    assert str(RAck(776656, 1, "INVITE")) == "776656 1 INVITE"


def test_replaces_and_target_dialog():
    """RFC 3891 §6.1's examples; RFC 4538 §7."""
    text = "12adf2f34456gs5;to-tag=12345;from-tag=54321"
    assert parse_replaces(text) == Replaces("12adf2f34456gs5", "12345", "54321")
    assert str(parse_replaces(text)) == text
    assert parse_replaces("87134@171.161.34.23;early-only;to-tag=24796;from-tag=0").early_only
    assert str(Replaces("a", "b", "c", True)).endswith(";early-only")
    assert parse_target_dialog("fa77as7dad8-sd98ajzz@host.example.com;local-tag=l;remote-tag=r") == Replaces(
        "fa77as7dad8-sd98ajzz@host.example.com", "l", "r"
    )


def test_token_lists_may_be_empty_and_have_gaps():
    """§20.5, §20.37."""
    assert parse_tokens("INVITE, ACK ,BYE,,") == ("INVITE", "ACK", "BYE")
    assert parse_tokens("") == ()


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_cseq, ""),
        (parse_cseq, "1"),
        (parse_cseq, "INVITE 1"),
        (parse_cseq, "2147483648 A"),
        (parse_cseq, "-1 A"),
        (parse_cseq, "1INVITE"),
        (parse_cseq, "1 A B"),
        (parse_call_id, ""),
        (parse_call_id, "a b"),
        (parse_call_id, "a\0"),
        (parse_media_type, "text"),
        (parse_media_type, "text/"),
        (parse_media_type, "a/b/c"),
        (parse_media_type, "a/b;"),
        (parse_disposition, ""),
        (parse_disposition, ";handling=optional"),
        (parse_event, "a b"),
        (parse_reason, "a,b"),
        (parse_warning, '30 a "b"'),
        (parse_warning, "300 a b"),
        (parse_warning, '300 "b"'),
        (parse_retry_after, "x"),
        (parse_retry_after, "5 (a"),
        (parse_retry_after, "5 a"),
        (parse_retry_after, "9" * 19),
        (parse_timestamp, "x"),
        (parse_timestamp, "-1"),
        (parse_session_expires, "x"),
        (parse_session_expires, ";a"),
        (parse_rack, "1 INVITE"),
        (parse_replaces, "a"),
        (parse_replaces, "a;to-tag=1"),
        (parse_replaces, "a;from-tag=1"),
        (parse_tokens, "a b"),
        (parse_tokens, "<a>"),
        (parse_subscription_state, "active;expires=;"),
    ],
)
def test_malformed_values_are_refused(parse, text):
    """RFC 4475 §3.1.2.4, §3.1.2.5, §3.1.2.12 among them."""
    with pytest.raises(MalformedMessage):
        parse(text)

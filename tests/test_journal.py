"""What a new media engine is told when the old one died."""

from __future__ import annotations

from firmware.audio.tones import parse_tone
from firmware.media.journal import Journal
from firmware.media.messages import (
    CloseSession,
    Command,
    ConfigureSession,
    ConnectAudio,
    KeyTone,
    OpenSession,
    PayloadFormat,
    PlayRing,
    PlayTone,
    RemoteDigit,
    SendDigits,
    SessionOpened,
    SessionRefused,
    SetLevels,
    StartDigit,
)

PCMA = PayloadFormat(8, "PCMA")


def configuration(session: str, port: int = 4000) -> ConfigureSession:
    remote, remote_rtcp = ("192.0.2.9", port), ("192.0.2.9", port + 1)
    return ConfigureSession(session, remote, remote_rtcp, PCMA, (PCMA,), None, None, "sendrecv")


def journal(*commands: Command) -> Journal:
    written = Journal()
    for command in commands:
        written.record(command)
    return written


def test_a_session_is_opened_again_on_its_port() -> None:
    written = journal(OpenSession("1", "0.0.0.0"), configuration("1"))
    written.report(SessionOpened("1", "0.0.0.0", 40002))

    assert written.replay() == [OpenSession("1", "0.0.0.0", port=40002), configuration("1")]


def test_a_session_not_yet_opened_may_have_any_port() -> None:
    assert journal(OpenSession("1", "192.0.2.1")).replay() == [OpenSession("1", "192.0.2.1")]


def test_the_last_configuration_counts() -> None:
    written = journal(OpenSession("1", "192.0.2.1"), configuration("1", 4000), configuration("1", 6000))

    assert written.replay()[1:] == [configuration("1", 6000)]


def test_a_closed_session_is_forgotten() -> None:
    written = journal(OpenSession("1", "192.0.2.1"), configuration("1"), ConnectAudio("1"), CloseSession("1"))

    assert written.replay() == []


def test_a_refused_session_is_forgotten_and_told() -> None:
    written = journal(OpenSession("1", "192.0.2.1"))

    assert written.report(SessionRefused("1", "no port"))
    assert written.replay() == []


def test_sounds_and_switches_that_last_are_kept() -> None:
    earlier, tone = PlayTone(parse_tone("440")), PlayTone(parse_tone("350+440"))
    louder, opened = SetLevels(earpiece_db=3.0), OpenSession("1", "192.0.2.1")

    written = journal(earlier, tone, PlayRing(None), louder, opened, ConnectAudio("1"))

    assert written.replay() == [opened, tone, PlayRing(None), louder, ConnectAudio("1")]


def test_what_is_over_in_a_moment_is_not_kept() -> None:
    assert journal(KeyTone("1"), StartDigit("1", "5"), SendDigits("1", "55"), configuration("1")).replay() == []


def test_the_phone_hears_of_an_opened_session_once() -> None:
    written = journal(OpenSession("1", "192.0.2.1"))
    opened = SessionOpened("1", "192.0.2.1", 40002)

    assert [written.report(opened), written.report(opened)] == [True, False]


def test_other_events_are_always_told() -> None:
    assert journal().report(RemoteDigit("1", "5"))


def test_two_calls_keep_their_order() -> None:
    written = journal(OpenSession("1", "h"), OpenSession("2", "h"), configuration("2"), configuration("1"))

    assert [command.session for command in written.replay()] == ["1", "1", "2", "2"]  # type: ignore[union-attr]

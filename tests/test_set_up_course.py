"""The course of a set-up: what is asked, tried and said, second by second."""

from __future__ import annotations

from firmware.set_up.course import AGAIN_S, IN_SERVICE, JOIN_S, REGISTER_S, START_S, WINDOW_S, Course, Facts

JOINED = Facts("joined", address=True)


def course(*, phone: bool = False, wifi: bool = False, worked: bool = False, asked: bool = False) -> Course:
    return Course(phone=phone, wifi=wifi, worked=worked, asked=asked, has_radio=True, now=0)


def tried(facts: Facts, *, until: float, wifi: bool = True) -> Course:
    """A course whose answers meet these facts, looked at once a second."""
    one = course()
    one.answered(wifi=wifi, now=0)
    for second in range(int(until) + 1):
        one.observe(facts, second)
    return one


def test_without_settings_it_is_the_set_up_network() -> None:
    one = course()

    assert (one.stage, one.radio) == ("asking", "access point")


def test_what_was_answered_is_tried_until_the_telephone_is_in_service() -> None:
    one = course()

    one.answered(wifi=True, now=10)
    assert (one.stage, one.radio) == ("joining", "home")
    one.observe(Facts("searching"), 15)
    one.observe(JOINED, 20)
    assert (one.stage, one.starts) == ("starting", 1)
    one.observe(Facts("joined", address=True, service="sip:1@a: Registering"), 25)
    assert one.stage == "starting"
    one.observe(Facts("joined", address=True, service=IN_SERVICE), 30)

    assert one.stage == "done"
    assert one.mistakes == ()


def test_a_wrong_wifi_password_is_said_as_soon_as_it_is_certain() -> None:
    one = tried(Facts("refused", in_air=True), until=20)

    assert (one.stage, one.radio) == ("asking", "access point")
    assert [(wrong.field, "password" in wrong.words) for wrong in one.mistakes] == [("wifi_password", True)]


def test_one_refusal_is_not_yet_a_wrong_password() -> None:
    assert tried(Facts("refused", in_air=True), until=5).stage == "joining"


def test_each_way_not_to_join_has_its_own_words() -> None:
    cases = {
        Facts("searching"): ("ssid", "in reach"),
        Facts("searching", in_air=True): ("wifi_password", "joining it failed"),
        Facts("joined"): ("ssid", "no address"),
    }
    for facts, (field, words) in cases.items():
        assert tried(facts, until=JOIN_S - 1).stage == "joining"

        (wrong,) = tried(facts, until=JOIN_S + 1).mistakes

        assert wrong.field == field
        assert words in wrong.words


def test_no_cable_and_no_wifi() -> None:
    (wrong,) = tried(Facts(), until=JOIN_S + 1, wifi=False).mistakes

    assert wrong.field == "ssid"
    assert "cable" in wrong.words


def test_a_cable_needs_no_wifi() -> None:
    one = tried(Facts(address=True), until=1, wifi=False)

    assert (one.stage, one.radio) == ("starting", "off")


def test_each_way_not_to_register_has_its_own_words() -> None:
    cases = {
        "sip:1@a: The registrar refuses our user name or password": ("password", "does not accept"),
        "sip:1@a: The registrar does not know our address": ("address", "knows nobody"),
    }
    for service, (field, words) in cases.items():
        (wrong,) = tried(Facts("joined", address=True, service=service), until=2).mistakes
        assert wrong.field == field
        assert words in wrong.words


def test_a_server_that_does_not_answer_is_waited_for() -> None:
    facts = Facts("joined", address=True, service="sip:1@a: No answer from the registrar")

    assert tried(facts, until=REGISTER_S - 1).stage == "starting"
    (wrong,) = tried(facts, until=REGISTER_S + 2).mistakes
    assert wrong.words == "sip:1@a: No answer from the registrar"


def test_a_telephone_that_says_nothing_is_waited_for_longer() -> None:
    assert tried(JOINED, until=START_S - 1).stage == "starting"
    assert tried(JOINED, until=START_S + 2).mistakes[0].field == "board"


def test_a_telephone_that_does_not_start_is_a_matter_of_its_kind() -> None:
    (wrong,) = tried(Facts("joined", address=True, service="no such chip", failed=True), until=3).mistakes

    assert wrong.field == "board"
    assert "no such chip" in wrong.words


def test_what_failed_is_tried_again_when_nobody_comes() -> None:
    """The server may have been down; whoever comes to the page is not thrown out."""
    one = tried(Facts("searching"), until=JOIN_S + 1)
    one.visited(500)

    one.observe(Facts(), 500 + AGAIN_S - 1)
    assert one.stage == "asking"
    one.observe(Facts(), 500 + AGAIN_S + 1)

    assert (one.stage, one.radio) == ("joining", "home")


def test_settings_that_never_worked_are_tried_at_the_start() -> None:
    one = course(phone=True, wifi=True)
    assert one.stage == "joining"

    one.observe(Facts("joined", address=True, service=IN_SERVICE), 5)
    one.observe(Facts("joined", address=True, service=IN_SERVICE), 6)

    assert (one.stage, one.starts) == ("done", 0)


def test_new_answers_are_not_judged_by_the_old_telephone() -> None:
    one = course(phone=True, worked=True, asked=True)
    one.answered(wifi=True, now=1)

    one.observe(Facts("joined", address=True, service=IN_SERVICE), 2)

    assert (one.stage, one.starts) == ("starting", 1)


def test_a_telephone_that_works_is_open_only_for_a_while() -> None:
    one = course(phone=True, wifi=True, worked=True, asked=True)
    assert one.radio == "access point"

    one.observe(Facts(), WINDOW_S - 1)
    assert one.stage == "asking"
    one.observe(Facts(), WINDOW_S + 1)

    assert (one.stage, one.radio) == ("done", "home")


def test_a_wifi_without_an_account_is_joined_and_asks_there() -> None:
    one = course(wifi=True)
    assert (one.stage, one.radio) == ("asking", "home")

    one.observe(JOINED, 100)
    assert (one.stage, one.radio) == ("asking", "home")


def test_a_wifi_without_an_account_that_cannot_be_joined_is_asked_for() -> None:
    one = course(wifi=True)

    one.observe(Facts("searching"), JOIN_S + 1)

    assert (one.stage, one.radio) == ("asking", "access point")
    assert one.mistakes[0].field == "ssid"


def test_without_a_wifi_card_there_is_no_network_to_make() -> None:
    one = Course(phone=False, wifi=False, worked=False, asked=False, has_radio=False, now=0)
    assert one.radio == "off"

    one.radio_found()

    assert one.radio == "access point"

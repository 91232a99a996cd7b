"""The wiring wizard, with somebody who follows its questions at a telephone of wired mock pins."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.boards import load_board, parse_board
from hw.boards.profile import Profile
from hw.wizard.by_keys import KeyAnswers
from hw.wizard.found import Found, profile_text, rows_and_columns
from hw.wizard.keys import places_in, why_not
from hw.wizard.prompts import NO, YES, Card, Prompt, Situation, Survey
from hw.wizard.wizard import Wizard
from tests.support.maker import USB, Ears, Maker
from tests.support.wiring import GROUND

SOUND = '[audio.earpiece]\ncard = "usb"\n'
PI = 'name = "x"\ndriver = "pi"\n'


def telephone(text: str) -> Profile:
    return parse_board(f"{PI}{text}{SOUND}")


def followed(maker: Maker) -> Profile:
    """The profile that came of it."""
    assert maker.follow(), maker.state.ended
    return parse_board(maker.state.profile)


def keypad(rows: int, columns: int) -> Profile:
    """A matrix of this size, its keys row by row in the order in which the wizard asks."""
    keys = iter(
        [*"123456789*0#", "hold", "transfer", "redial", "mute", "speaker", "volume-up", "volume-down", "ok", ""]
    )
    pins = [5, 6, 13, 26, 12, 16, 20, 21, 4, 9, 10]
    layout = [[next(keys, "") for _ in range(columns)] for _ in range(rows)]
    quoted = str(layout).replace("'", '"')
    return telephone(f"[matrix]\nrows = {pins[:rows]}\ncolumns = {pins[rows : rows + columns]}\nkeys = {quoted}\n")


# --- whole telephones ---


@pytest.mark.parametrize("name", ["handset", "rotary", "speakerphone", "hotline"])
def test_every_shipped_telephone_is_found_as_it_is(name: str) -> None:
    board = load_board(name)
    ears = Ears(("usb", "left"), ("usb", "right"))

    found = followed(Maker(board, bounce=0.02, ears=ears))

    assert (found.hook and (found.hook.pin, found.hook.normally)) == (board.hook and (board.hook.pin, "closed"))
    assert found.matrix == board.matrix
    assert dict(found.single_keys.pins if found.single_keys else ()) == dict(
        board.single_keys.pins if board.single_keys else ()
    )
    assert found.dial == board.dial
    assert (found.lamp_pins and dict(found.lamp_pins.pins)) == (board.lamp_pins and dict(board.lamp_pins.pins))
    assert found.ringer == board.ringer
    assert (found.audio.earpiece, found.audio.speaker) == (
        replace(found.audio.earpiece, card="usb", channel="left"),
        replace(found.audio.speaker, card="usb", channel="right"),
    )


@pytest.mark.parametrize(("rows", "columns"), [(4, 3), (4, 4), (3, 4), (5, 4), (7, 2), (2, 6), (1, 8), (8, 1), (2, 2)])
def test_keypads_of_any_size_are_found(rows: int, columns: int) -> None:
    board = keypad(rows, columns)

    found = followed(Maker(board))

    assert found.matrix is not None
    assert board.matrix is not None
    assert found.keys == board.keys
    wires = {frozenset(board.matrix.rows), frozenset(board.matrix.columns)}
    assert {frozenset(found.matrix.rows), frozenset(found.matrix.columns)} == wires
    places = {
        key: frozenset((found.matrix.rows[r], found.matrix.columns[c]))
        for r, row in enumerate(found.matrix.keys)
        for c, key in enumerate(row)
        if key is not None
    }
    maker = Maker(board)
    assert places == {key: frozenset(maker.place(key) or ()) for key in board.keys}


def test_keys_with_diodes_are_found_with_their_direction() -> None:
    board = keypad(4, 3)
    maker = Maker(board)
    join, part = maker.wiring.join, maker.wiring.part

    def diode(one: int, other: int) -> None:
        rows = board.matrix.rows if board.matrix is not None else ()
        maker.wiring.diode(one, other, True) if one in rows else join(one, other)

    maker.wiring.join = diode  # type: ignore[method-assign]
    maker.wiring.part = lambda one, other: (maker.wiring.diode(one, other, False), part(one, other))  # type: ignore

    found = followed(maker)

    assert found.matrix is not None
    assert found.matrix.diodes
    assert (found.matrix.rows, found.matrix.columns) == (board.matrix.rows, board.matrix.columns)  # type: ignore[union-attr]


# --- the cradle ---


@pytest.mark.parametrize("normally", ["open", "closed"])
@pytest.mark.parametrize("bounce_ms", [10, 100, 300])
def test_a_cradle_is_found_with_its_polarity_and_its_bounce(normally: str, bounce_ms: int) -> None:
    board = telephone(f'[hook]\npin = 22\nnormally = "{normally}"\n')

    found = followed(Maker(board, bounce=bounce_ms / 1000))

    assert found.hook is not None
    assert (found.hook.pin, found.hook.normally) == (22, normally)
    assert 0.6 * bounce_ms <= found.hook.bounce_ms <= min(300, 2 * bounce_ms + 20)


def test_a_handset_that_is_lifted_twice_is_not_taken_for_bounce() -> None:
    maker = Maker(telephone("[hook]\npin = 22\n"), bounce=0.02)

    def hesitate() -> None:
        maker.after(0.2, lambda: maker.hook(True))
        maker.after(0.4, lambda: maker.hook(False))
        maker.after(3.0, lambda: maker.hook(True))

    maker.instead["Lift"] = hesitate

    found = followed(maker)

    assert found.hook is not None
    assert found.hook.bounce_ms < 100


def test_a_line_that_flickers_is_left_out_and_does_not_hold_things_up() -> None:
    def hum(maker: Maker) -> None:
        maker.wiring.set(9, GROUND, maker.random.random() < 0.5)

    maker = Maker(load_board("handset"), noise=hum)

    found = followed(maker)

    assert found.matrix == load_board("handset").matrix
    assert "GPIO9 will not be still" in maker.said


def test_a_key_that_is_pressed_while_the_handset_is_up_is_not_the_cradle() -> None:
    board = telephone('[hook]\npin = 22\n[keys]\npins = { "1" = 5 }\n')
    maker = Maker(board)

    def clumsy() -> None:
        maker.wiring.join(5, GROUND)
        maker.after(0.1, lambda: maker.hook(True))

    maker.instead["Lift"] = clumsy
    maker.instead["Put the handset back"] = lambda: (
        maker.hook(False),
        maker.after(2.0, lambda: maker.wiring.part(5, GROUND)),
    )  # type: ignore

    found = followed(maker)

    assert found.hook is not None
    assert found.hook.pin == 22


def test_several_contacts_of_a_cradle_are_told() -> None:
    maker = Maker(telephone("[hook]\npin = 22\n"))
    lift = maker.hook
    maker.hook = lambda up: (lift(up), maker.wiring.set(25, GROUND, up))  # type: ignore

    found = followed(maker)

    assert found.hook is not None
    assert found.hook.pin in (22, 25)
    assert "moves with it; one contact is enough" in maker.said


def test_a_contact_that_is_closed_at_rest_is_told_and_is_no_key() -> None:
    maker = Maker(load_board("handset"))
    maker.wiring.join(9, GROUND)

    found = followed(maker)

    assert "At rest GPIO9 is connected to ground." in maker.said
    assert found.matrix == load_board("handset").matrix


# --- wires that touch, keys that stick ---


def test_wires_that_touch_are_found_before_any_key_and_may_be_parted() -> None:
    maker = Maker(load_board("handset"))
    maker.wiring.join(9, 10)
    maker.instead["GPIO9 and GPIO10 are joined"] = lambda: (maker.wiring.part(9, 10), maker.type("look"))  # type: ignore

    found = followed(maker)

    assert found.matrix == load_board("handset").matrix


def test_one_may_go_on_without_the_wires_that_touch() -> None:
    maker = Maker(load_board("handset"))
    maker.wiring.join(9, 10)
    maker.instead["GPIO9 and GPIO10 are joined"] = lambda: maker.type("without")

    assert followed(maker).matrix == load_board("handset").matrix


def test_keys_that_fit_no_matrix_are_refused_at_once() -> None:
    """Two rows touch as 2 is pressed: what is found then makes 6 and 12 two wires of one side."""
    maker = Maker(load_board("handset"))
    maker.instead["Press 2"] = lambda: maker.hold(5, 6, 0.3)

    def odd() -> None:
        maker.hold(6, 12, 0.3)
        maker.instead["Press 3"] = lambda: (maker.type("q"), maker.type("y"))

    maker.instead["Press 3"] = odd

    assert not maker.follow()
    assert "2 is GPIO5 and GPIO6." in maker.said
    assert "GPIO6 and GPIO12 cannot be row and column" in maker.said


def test_a_key_that_sticks_is_told_and_waited_for() -> None:
    maker = Maker(load_board("handset"))
    maker.instead["Press 5"] = lambda: maker.press("5", 40.0)

    found = followed(maker)

    assert "GPIO6 and GPIO16 are still joined. Does the key stick?" in maker.said
    assert found.matrix == load_board("handset").matrix


def test_a_single_key_that_sticks_can_be_left() -> None:
    maker = Maker(telephone('[keys]\npins = { "1" = 5, "2" = 6, "3" = 13 }\n'))
    maker.instead["Press 2"] = lambda: maker.press("2", 900.0)
    maker.instead["Press 3"] = lambda: maker.press("3")

    def leave() -> None:
        maker.instead["Let go."] = lambda: maker.type("stuck")

    maker.instead["Let go."] = leave  # of 1

    found = followed(maker)

    assert "GPIO6 is looked at no more." in maker.said
    assert found.keys == {"1", "3"}


def test_a_common_wire_on_a_pin_is_told_when_it_makes_too_long_a_row() -> None:
    found = Found("x", keys={str(n): frozenset((5, 6 + n)) for n in range(8)})

    assert "put that wire to GND" in why_not(found, frozenset((5, 20)))
    assert why_not(Found("x"), frozenset((5, 20))) == ""


def test_a_single_key_and_a_matrix_share_no_wire() -> None:
    found = Found("x", keys={"1": frozenset((5, 12)), "mute": frozenset((9,))})

    assert "a wire of the keypad" in why_not(found, frozenset((5,)))
    assert "the key mute already" in why_not(found, frozenset((9, 12)))


# --- people ---


def test_a_wrong_key_two_keys_and_a_touch_are_no_answers() -> None:
    maker = Maker(load_board("handset"))

    def wrong() -> None:
        maker.hold(5, 12, 0.2)  # 1, again

    def two() -> None:
        maker.hold(5, 20, 1.0)
        maker.hold(6, 20, 1.0)
        maker.after(2.0, lambda: maker.press("3"))

    def touch() -> None:
        maker.hold(9, 10, 0.03)
        maker.after(1.0, lambda: maker.press("4"))

    maker.instead |= {"Press 2": wrong, "Press 3": two, "Press 4": touch}

    found = followed(maker)

    assert found.matrix == load_board("handset").matrix
    assert "That was 1 again (GPIO5 and GPIO12)." in maker.said
    assert "More than one contact is closed (GPIO5, GPIO6 and GPIO20). Press 3 alone." in maker.said


def test_who_does_nothing_is_helped_once_and_not_hurried() -> None:
    maker = Maker(load_board("handset"))
    maker.instead["Lift"] = lambda: maker.after(100.0, lambda: maker.hook(True))
    maker.instead["Press 1 "] = lambda: maker.after(100.0, lambda: maker.press("1"))

    found = followed(maker)

    assert found.hook is not None
    assert found.matrix == load_board("handset").matrix
    assert maker.said.count("Nothing moved yet.") == 1
    assert maker.said.count("No contact closed yet. Press 1 firmly") == 1


def test_one_may_go_back_to_a_key_that_was_named_wrongly() -> None:
    maker = Maker(load_board("handset"))

    def confuse() -> None:
        maker.press("6")  # for 5
        maker.instead["Press 6"] = lambda: maker.type("back")

    maker.instead["Press 5"] = confuse

    found = followed(maker)

    assert [prompt.text[:7] for prompt in maker.prompts].count("Press 5") == 2
    assert found.matrix == load_board("handset").matrix


def test_one_may_go_back_to_the_very_first_question() -> None:
    maker = Maker(load_board("hotline"))
    maker.instead["How are numbers"] = lambda: [maker.type("b") for _ in range(9)] and maker.type("g")  # type: ignore

    found = followed(maker)

    assert [prompt.text[:4] for prompt in maker.prompts].count("Lift") == 3
    assert found.hook is not None


def test_a_question_can_be_asked_again() -> None:
    maker = Maker(load_board("handset"))
    maker.instead["Press 1 "] = lambda: maker.type("r")

    followed(maker)

    assert [prompt.text[:7] for prompt in maker.prompts].count("Press 1") == 2


def test_quitting_is_asked_for_twice_and_leaves_nothing() -> None:
    maker = Maker(load_board("handset"))
    maker.instead["Press 3"] = lambda: maker.type("q")
    maker.instead["Really quit"] = lambda: maker.type("n")
    maker.instead["Press 4"] = lambda: maker.type("q")

    def yes() -> None:
        maker.instead["Really quit"] = lambda: maker.type("y")

    maker.instead["Press 5"] = yes
    maker.instead["Press 5"] = lambda: (yes(), maker.type("quit"))  # type: ignore
    maker.instead["Press 4"] = lambda: maker.after(0.1, lambda: maker.press("4"))

    assert not maker.follow()
    assert [prompt.text[:7] for prompt in maker.prompts].count("Press 3") == 2
    assert maker.wizard.left


def test_an_answer_that_means_nothing_is_said_to_be_none() -> None:
    maker = Maker(load_board("handset"))
    maker.instead["How are numbers"] = lambda: (maker.type("maybe"), maker.type(""), maker.type("k"))  # type: ignore

    followed(maker)

    assert "That is no answer here: k (keys), d (a rotary dial)" in maker.said
    assert "Choose: k (keys)" in maker.said


def test_no_more_keys_ends_the_digits_and_the_others() -> None:
    maker = Maker(telephone('[keys]\npins = { "1" = 5, hold = 6 }\n'))
    maker.instead["Press 2"] = lambda: maker.type("done")
    maker.instead["Press the key that shall be transfer"] = lambda: maker.type("done")

    found = followed(maker)

    assert found.keys == {"1", "hold"}
    assert sum(prompt.section == "Keys" and prompt.of > 0 for prompt in maker.prompts) == 4


def test_the_handset_may_be_up_while_keys_are_pressed() -> None:
    board = telephone('[hook]\npin = 22\n[keys]\npins = { "1" = 5, "2" = 6 }\n')
    maker = Maker(board)
    maker.instead["Press 1 "] = lambda: (maker.hook(True), maker.after(1.0, lambda: maker.press("1")))  # type: ignore

    found = followed(maker)

    assert found.keys == {"1", "2"}
    assert found.hook is not None
    assert found.hook.pin == 22


# --- the dial ---


@pytest.mark.parametrize(
    ("order", "digits"), [("standard", "1234567890"), ("swedish", "0123456789"), ("new-zealand", "9876543210")]
)
@pytest.mark.parametrize("off_normal", ["off_normal = 24\n", ""])
@pytest.mark.parametrize("speed", [10, 20])
def test_a_dial_is_found_with_its_speed_and_its_country(order: str, digits: str, off_normal: str, speed: int) -> None:
    board = telephone(f"[hook]\npin = 17\n[dial]\npulse = 23\n{off_normal}pulses_per_second = {speed}\n")

    found = followed(Maker(board, order=digits))

    assert found.dial is not None
    assert (found.dial.pulse, found.dial.off_normal) == (23, 24 if off_normal else None)
    assert (found.dial.order, found.dial.pulses_per_second) == (order, speed)


def test_a_short_turn_and_a_strange_1_are_asked_for_again() -> None:
    maker = Maker(load_board("rotary"))
    maker.instead["Turn the dial"] = lambda: (maker.turn(7), maker.after(4.0, lambda: maker.turn(10)))  # type: ignore
    maker.instead["Now dial 1"] = lambda: (maker.turn(5), maker.after(4.0, lambda: maker.turn(1)))  # type: ignore

    found = followed(maker)

    assert "That were 7 pulses, ten were expected." in maker.said
    assert "5 pulses for 1: no country's dial does that." in maker.said
    assert found.dial == load_board("rotary").dial


def test_a_contact_that_does_not_pulse_as_a_dial_is_told() -> None:
    maker = Maker(load_board("rotary"))
    maker.instead["Turn the dial"] = lambda: (maker.hold(9, GROUND, 0.5), maker.after(3.0, lambda: maker.turn(10)))  # type: ignore

    followed(maker)

    assert "GPIO9 moved, but not as a dial's pulses do" in maker.said


def test_a_dial_may_have_keys_beside_it() -> None:
    board = telephone("[dial]\npulse = 23\noff_normal = 24\n[keys]\npins = { hold = 5 }\n")

    found = followed(Maker(board))

    assert found.dial is not None
    assert found.single_keys is not None
    assert found.single_keys.pins == (("hold", 5),)


def test_a_number_pad_on_usb_needs_no_pins() -> None:
    found = followed(Maker(telephone("[usb_keypad]\n")))

    assert found.usb_keypad is not None
    assert "5" in found.keys


# --- lamps ---


@pytest.mark.parametrize("active", ["high", "low"])
def test_lamps_are_found_with_the_level_that_lights_them(active: str) -> None:
    board = telephone(f'[lamps]\npins = {{ message = 23, mute = 24, line2 = 25 }}\nactive = "{active}"\n')

    found = followed(Maker(board))

    assert found.lamp_pins == board.lamp_pins


def test_nothing_is_driven_but_the_pins_that_were_named() -> None:
    board = telephone("[lamps]\npins = { message = 23 }\n[ringer]\nkind = 'bell'\npins = [5, 6]\n")
    maker = Maker(board)
    driven: set[int] = set()
    drive = maker.surveyor.drive
    maker.surveyor.drive = lambda levels: (driven.update(levels), drive(levels))  # type: ignore

    followed(maker)

    assert driven == {23, 5, 6}
    assert all(pin.driven is None for pin in maker.wiring.pins.values())


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("2", "GPIO2 is not free: the I2C bus has it (SDA)."),
        ("17", "GPIO17 is the hook switch already."),
        ("5", "GPIO5 is the keypad already."),
        ("GPIO9", "GPIO9 could not be had."),
        ("28", "Type the number of one GPIO, as 23"),
        ("23 24", "Type the number of one GPIO, as 23"),
        ("pin 11", "Type the number of one GPIO, as 23"),
        ("7", "GPIO7 is joined to another pin"),
    ],
)
def test_a_pin_that_something_else_has_is_never_driven(typed: str, why: str) -> None:
    gpios = frozenset(range(4, 28)) - {9}
    maker = Maker(load_board("handset"), gpios=gpios, taken={2: "the I2C bus has it (SDA)"})

    def name() -> None:
        maker.wiring.join(7, 8)
        maker.after(0.2, lambda: maker.type(typed))
        maker.after(1.0, lambda: maker.type("23"))

    maker.instead["On which GPIO is the lamp message"] = name

    found = followed(maker)

    assert why in maker.said
    assert found.lamp_pins == load_board("handset").lamp_pins


def test_a_pin_on_ground_is_driven_only_if_one_is_sure() -> None:
    maker = Maker(load_board("handset"))

    def name() -> None:
        maker.wiring.join(23, GROUND)
        maker.after(0.2, lambda: maker.type("23"))

    maker.instead["On which GPIO is the lamp message"] = name
    maker.instead["GPIO23 reads as connected to ground"] = lambda: (maker.wiring.part(23, GROUND), maker.type("n"))  # type: ignore

    assert followed(maker).lamp_pins == load_board("handset").lamp_pins


def test_a_wrong_lamp_and_one_the_other_way_round_are_asked_again() -> None:
    maker = Maker(load_board("handset"))
    maker.instead["On which GPIO is the lamp message"] = lambda: maker.type("25")

    def other_way() -> None:
        maker.instead["GPIO24 is high now"] = lambda: maker.type("n")

    maker.instead["GPIO24 goes on"] = lambda: (other_way(), maker.type("y"))  # type: ignore

    found = followed(maker)

    assert "Not GPIO25, then." in maker.said
    assert "This lamp is lit when low, the others when high." in maker.said
    assert found.lamp_pins == load_board("handset").lamp_pins


# --- the ringer ---


@pytest.mark.parametrize("hz", [16, 20, 25])
def test_a_bell_is_rung_at_one_frequency_after_another(hz: int) -> None:
    maker = Maker(load_board("rotary"), bell_hz=hz)
    both: list[tuple[float, ...]] = []
    drive = maker.surveyor.drive
    maker.surveyor.drive = lambda levels: (both.append(tuple(levels.values())), drive(levels))  # type: ignore

    found = followed(maker)

    assert found.ringer.frequency_hz == hz
    assert (1.0, 1.0) not in both


@pytest.mark.parametrize(("buzzer", "hz"), [(True, 0), (False, 2400)])
def test_a_disc_is_told_from_a_buzzer(buzzer: bool, hz: int) -> None:
    found = followed(Maker(load_board("hotline"), buzzer=buzzer))

    assert (found.ringer.kind, found.ringer.pins, found.ringer.frequency_hz) == ("piezo", (18,), hz)


def test_a_bell_that_never_rings_is_given_up() -> None:
    maker = Maker(load_board("rotary"), bell_hz=0)
    maker.instead["On which two"] = lambda: (
        maker.type("27 22"),
        maker.instead.update({"On which two": lambda: maker.type("skip")}),
    )  # type: ignore

    found = followed(maker)

    assert "Has the bridge its own supply" in maker.said
    assert found.ringer.kind == "loudspeaker"


# --- sound ---


CARDS = (
    Card("usb", "USB Audio Device", playing=(("Speaker", 80),), recording=(("Mic", 80),)),
    Card("Headphones", "bcm2835", records=False),
)


def test_a_loudspeaker_on_another_card_is_found() -> None:
    ears = Ears(("usb", "both"), ("Headphones", "both"))
    maker = Maker(load_board("hotline"), cards=CARDS, ears=ears)

    audio = followed(maker).audio

    assert audio.earpiece is not None
    assert audio.speaker is not None
    assert audio.microphone is not None
    assert (audio.earpiece.card, audio.earpiece.channel, audio.earpiece.mixer) == ("usb", "both", (("Speaker", 80),))
    assert (audio.speaker.card, audio.microphone.mixer) == ("Headphones", (("Mic", 80),))
    assert maker.tones.playing is None


def test_a_card_that_is_not_heard_and_one_that_cannot_play_are_told() -> None:
    maker = Maker(load_board("hotline"), cards=CARDS)
    maker.instead["Which sound card is the handset"] = lambda: maker.type("2")

    def broken() -> None:
        maker.tones.fault = "The tone cannot be played: no sound card."
        maker.after(0.5, lambda: maker.type("n"))

    maker.instead["A tone plays on bcm2835"] = broken

    followed(maker)

    assert "The tone cannot be played: no sound card." in maker.said
    assert "Nothing from bcm2835." in maker.said


def test_without_any_card_the_first_on_usb_is_meant() -> None:
    audio = followed(Maker(load_board("hotline"), cards=())).audio

    assert [card.card for card in audio.cards] == ["usb", "usb"]


def test_a_telephone_without_sound_is_none() -> None:
    maker = Maker(load_board("hotline"))
    maker.instead["Which sound card is the handset"] = lambda: maker.type("skip")
    maker.instead["Which sound card is the mic"] = lambda: maker.type("skip")
    maker.instead["What was found makes no telephone"] = lambda: (maker.type("w"), maker.type("q"), maker.type("y"))  # type: ignore

    assert not maker.follow()
    assert "this telephone can neither speak nor hear" in maker.prompts[-2].text


# --- the telephone's own keys ---


class KeysOnly(Maker):
    """Somebody with no keyboard, once the telephone has keys."""

    def type(self, text: str) -> None:
        prompt = self.state.prompt
        if prompt is None or not self.state.by_keys:
            super().type(text)
            return
        names = [choice.name for choice in prompt.choices]
        numbers = text.removeprefix("GPIO").replace(" ", "*")
        words = {"y": "#", "yes": "#", "": "#", "n": "*", "no": "*", "skip": "*"}
        keys = words.get(text) or (f"{numbers}#" if numbers[:1].isdigit() else str(names.index(text) + 1))
        for n, key in enumerate(keys):
            self.after(0.5 * n, lambda key=key: self.press(key))  # type: ignore[misc]


def test_lamps_and_sound_are_answered_with_the_telephone_s_own_keys() -> None:
    maker = KeysOnly(load_board("handset"), ears=Ears(("usb", "left"), ("usb", "right")))

    found = followed(maker)

    assert found.lamp_pins == load_board("handset").lamp_pins
    assert found.audio.earpiece is not None
    assert found.audio.earpiece.channel == "left"
    assert maker.said.count("the telephone's own keys answer too") == 1


def test_two_numbers_are_keyed_with_a_star_between() -> None:
    board = parse_board(
        PI + '[matrix]\nrows = [5, 6, 13, 26]\ncolumns = [12, 16, 20]\nkeys = [["1", "2", "3"], ["4", "5", "6"], '
        '["7", "8", "9"], ["*", "0", "#"]]\n[ringer]\nkind = "bell"\npins = [23, 24]\n' + SOUND
    )

    found = followed(KeysOnly(board))

    assert (found.ringer.kind, found.ringer.pins) == ("bell", (23, 24))


def test_a_key_held_through_two_questions_answers_one() -> None:
    keys = {"#": frozenset((5, 12)), "*": frozenset((5, 16)), "1": frozenset((5, 20))}
    answers, prompt = KeyAnswers(), Prompt("Lamps", "Does it blink?", "", (YES, NO))
    down, up = Survey(joined=frozenset([keys["#"]])), Survey()

    given = [answers.receive(down, Found("x", keys=keys), prompt, n / 10) for n in range(20)]
    given += [answers.receive(up, Found("x", keys=keys), prompt, 2 + n / 10) for n in range(3)]
    given += [answers.receive(down, Found("x", keys=keys), prompt, 3 + n / 10) for n in range(3)]

    assert [answer for answer in given if answer is not None] == ["yes", "yes"]


# --- saving ---


def test_what_is_in_the_file_is_kept_and_that_is_asked() -> None:
    maker = Maker(load_board("hotline"), kept="board.toml.old")
    maker.instead["Write the profile"] = lambda: (maker.type(""), maker.type("w"))  # type: ignore

    assert maker.follow()
    assert "What is there already is kept as board.toml.old." in maker.prompts[-1].text
    assert "Choose: w (write it)" in maker.said


def test_names_with_quotes_make_a_sound_file() -> None:
    text = profile_text(Found('The "Hall"\n\\', earpiece=parse_board(PI + SOUND).audio.earpiece))

    assert parse_board(text).name == 'The "Hall"\n\\'


# --- the wizard by itself ---


def test_what_is_asked_has_a_number_that_always_grows() -> None:
    wizard = Wizard(Situation(watched=frozenset({5, 6}), cards=(USB,)))
    numbers = [wizard.asked]
    for answer in ("r", "q", "n", "q", "n", ""):
        wizard.answer(answer, 0.0)
        numbers.append(wizard.asked)

    assert numbers == sorted(set(numbers))


@given(st.lists(st.sampled_from(["", "b", "r", "q", "n", "y", "k", "s", "d", "u", "w", "1", "23", "x"]), max_size=40))
def test_no_answers_in_any_order_break_it(answers: list[str]) -> None:
    wizard = Wizard(Situation(watched=frozenset(range(4, 28)), cards=CARDS, panels=(0x3C, 0x3D)))
    for n, answer in enumerate(answers):
        wizard.answer(answer, float(n))
        wizard.receive(Survey(), float(n) + 2)
        wizard.draft()

    assert wizard.prompt is not None or wizard.done or wizard.left


@given(
    st.lists(
        st.tuples(
            st.frozensets(st.integers(4, 12), max_size=4),
            st.frozensets(st.frozensets(st.integers(4, 12), min_size=2, max_size=2), max_size=3),
        ),
        max_size=60,
    )
)
def test_no_lines_in_any_order_break_it(lines: list[tuple[frozenset[int], frozenset[frozenset[int]]]]) -> None:
    wizard = Wizard(Situation(watched=frozenset(range(4, 28)), cards=CARDS))
    for n, (grounded, joined) in enumerate(lines):
        if n % 7 == 0:
            wizard.answer("k" if n == 21 else "", n / 3)
        wizard.receive(Survey(grounded, frozenset(pair for pair in joined if not pair & grounded)), n / 3)

    wizard.draft()


def test_the_hook_and_what_was_left_out_are_no_keys() -> None:
    found = Found("x", hook=17, left_out=frozenset({9}), rest=frozenset({6}), stuck=frozenset([frozenset({5, 12})]))
    survey = Survey(frozenset({17, 6, 4}), frozenset([frozenset({9, 10}), frozenset({5, 12})]))

    assert places_in(survey, found) == [frozenset({4})]


# --- rows and columns ---


@given(st.sets(st.sampled_from([5, 6, 13, 26]), min_size=1), st.sets(st.sampled_from([12, 16, 20, 21]), min_size=1))
def test_any_whole_matrix_is_split_into_its_two_sides(rows: set[int], columns: set[int]) -> None:
    pairs = [frozenset((row, column)) for row in rows for column in columns]

    one, other = rows_and_columns(pairs)

    assert {frozenset(one), frozenset(other)} == {frozenset(rows), frozenset(columns)}


def test_1_2_and_3_are_on_a_row_whatever_its_number() -> None:
    keys = {"1": frozenset((21, 5)), "2": frozenset((21, 6)), "3": frozenset((21, 13)), "4": frozenset((20, 5))}

    matrix = parse_board(profile_text(Found("x", keys=keys)) + SOUND).matrix

    assert matrix is not None
    assert (matrix.rows, matrix.columns) == ((21, 20), (5, 6, 13))
    assert matrix.keys == (("1", "2", "3"), ("4", None, None))


def test_three_pins_joined_in_a_ring_are_no_matrix() -> None:
    with pytest.raises(ValueError, match="neither row and column"):
        rows_and_columns([frozenset((5, 6)), frozenset((6, 13)), frozenset((13, 5))])

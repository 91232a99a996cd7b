"""The wiring wizard, with a person who follows its questions at a telephone of wired mock pins."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.boards import load_board, parse_board
from hw.boards.profile import Profile
from hw.header import GPIOS
from hw.pi.wire import PAUSE_S, Surveyor, main
from hw.wiring_profile import Found, profile_text, rows_and_columns
from hw.wiring_wizard import Survey, Wizard
from tests.support.wiring import GROUND, Wiring

TAIL = '[audio.earpiece]\ncard = "usb"\n'


class Person:
    """Somebody at a telephone, who does what the wizard asks."""

    def __init__(self, telephone: Profile, *, digits: str, bounce: float = 0.0, order: str = "1234567890") -> None:
        self.wiring = Wiring()
        self.said: list[str] = []
        self.asked: list[str] = []
        self._telephone = telephone
        self._bounce = bounce
        self._digits = digits
        self._order = order
        self._random = Random(19)
        self._surveyor = Surveyor(self.wiring.factory, GPIOS - {2, 3}, pause=lambda seconds: None)
        self._wizard = Wizard(name="Found", tail=TAIL, pause=PAUSE_S)
        self._pulse_closed(True)
        self._hook(False)

    def follow(self) -> Profile:
        """Answer every question; returns the profile that came of it."""
        while not self._wizard.done:
            assert self.wiring.now < 600, self._wizard.question
            self.asked.append(self._wizard.question)
            self._obey(self._wizard.question)
            self.said += self._wizard.findings()
        return parse_board(self._wizard.profile)

    def _obey(self, question: str) -> None:
        if "cradle" in question and "Lift" not in question:
            self._wait(0.5)
            self._type("")
        elif question.startswith("Lift"):
            self._hook(True) if self._telephone.hook is not None else self._type("")
            self._wait_for(question)
        elif question.startswith("Put it back") or question == "Put the handset back.":
            self._hook(False)
            self._wait_for(question)
        elif question.startswith("How are numbers"):
            self._type(self._digits)
        elif question.startswith("Press"):
            self._press(question.split()[1])
        elif question == "Let go.":
            self._wait_for(question)
        elif "farthest" in question:
            self._turn(10, question)
        elif "dial 1" in question:
            self._turn(self._order.index("1") + 1, question)

    def _press(self, key: str) -> None:
        place = self._place(key)
        if place is None:
            self._type("")
            return
        self.wiring.join(*place)
        self._wait(0.15)
        self.wiring.part(*place)
        self._wait(0.1)

    def _place(self, key: str) -> tuple[int, int] | None:
        matrix, single = self._telephone.matrix, self._telephone.single_keys
        for r, row in enumerate(matrix.keys if matrix is not None else ()):
            if key in row:
                assert matrix is not None
                return matrix.rows[r], matrix.columns[row.index(key)]
        pins = dict(single.pins) if single is not None else {}
        return (pins[key], GROUND) if key in pins else None

    def _turn(self, pulses: int, question: str) -> None:
        dial = self._telephone.dial
        assert dial is not None
        period = 1 / dial.pulses_per_second
        if dial.off_normal is not None:
            self.wiring.join(dial.off_normal, GROUND)
        self._wait(0.3)
        for _ in range(pulses):
            self._pulse_closed(False)
            self._wait(0.6 * period)
            self._pulse_closed(True)
            self._wait(0.4 * period)
        self._wait(0.1)
        if dial.off_normal is not None:
            self.wiring.part(dial.off_normal, GROUND)
        self._wait_for(question)

    def _pulse_closed(self, closed: bool) -> None:
        if self._telephone.dial is not None:
            self.wiring.set(self._telephone.dial.pulse, GROUND, closed)

    def _hook(self, lifted: bool) -> None:
        hook = self._telephone.hook
        if hook is None:
            return
        closed = lifted == (hook.normally == "closed")
        until = self.wiring.now + self._bounce
        while self.wiring.now < until:
            self.wiring.set(hook.pin, GROUND, self._random.random() < 0.5)
            self._wait(0.004)
        self.wiring.set(hook.pin, GROUND, closed)

    def _type(self, text: str) -> None:
        self._wizard.answer(text, self.wiring.now)

    def _wait_for(self, question: str) -> None:
        """Until something else is asked, or five seconds."""
        until = self.wiring.now + 5
        while self._wizard.question == question and self.wiring.now < until:
            self._wait(PAUSE_S)

    def _wait(self, seconds: float) -> None:
        until = self.wiring.now + seconds
        while self.wiring.now < until:
            self._wizard.receive(self._surveyor.survey(self._wizard.wants_pairs), self.wiring.now)
            # Looking for pairs takes its time on a real board, too.
            self.wiring.time += 0.02 if self._wizard.wants_pairs else PAUSE_S


def test_the_reference_telephone_is_found_as_it_is() -> None:
    telephone = load_board("handset")
    person = Person(telephone, digits="k")

    found = person.follow()

    assert found.matrix is not None
    assert telephone.matrix is not None
    assert (found.matrix.rows, found.matrix.columns) == (telephone.matrix.rows, telephone.matrix.columns)
    assert found.matrix.keys == telephone.matrix.keys
    assert found.hook is not None
    assert (found.hook.pin, found.hook.normally) == (17, "closed")
    assert "1 is GPIO5 and GPIO12." in person.said
    assert person.asked[:2] == [
        "Put the handset in its cradle, touch nothing else, and press Enter.",
        "Lift the handset and keep it up. (Enter: there is no cradle.)",
    ]


@pytest.mark.parametrize("normally", ["open", "closed"])
def test_a_cradle_is_found_with_its_polarity_and_its_bounce(normally: str) -> None:
    telephone = parse_board(
        f'name = "x"\ndriver = "pi"\n[hook]\npin = 22\nnormally = "{normally}"\n[audio.earpiece]\ncard = "usb"\n'
    )

    found = Person(telephone, digits="n", bounce=0.1).follow()

    assert found.hook is not None
    assert (found.hook.pin, found.hook.normally) == (22, normally)
    assert 100 <= found.hook.bounce_ms <= 200


@pytest.mark.parametrize(
    ("order", "digits"), [("standard", "1234567890"), ("swedish", "0123456789"), ("new-zealand", "9876543210")]
)
@pytest.mark.parametrize("off_normal", ["off_normal = 24\n", ""])
def test_a_dial_is_found_with_its_speed_and_its_country(order: str, digits: str, off_normal: str) -> None:
    telephone = parse_board(
        'name = "x"\ndriver = "pi"\n[hook]\npin = 17\n'
        f"[dial]\npulse = 23\n{off_normal}[audio.earpiece]\ncard = 'usb'\n"
    )

    found = Person(telephone, digits="d", order=digits).follow()

    assert found.dial is not None
    assert (found.dial.pulse, found.dial.off_normal) == (23, 24 if off_normal else None)
    assert (found.dial.order, found.dial.pulses_per_second) == (order, 10)


def test_a_fast_dial_is_told_from_a_slow_one() -> None:
    telephone = parse_board(
        'name = "x"\ndriver = "pi"\n[dial]\npulse = 23\npulses_per_second = 20\n[audio.earpiece]\ncard = "usb"\n'
    )

    found = Person(telephone, digits="d").follow()

    assert found.hook is None
    assert found.dial is not None
    assert found.dial.pulses_per_second == 20


def test_single_keys_and_a_matrix_may_be_mixed() -> None:
    telephone = load_board("speakerphone")

    found = Person(telephone, digits="k").follow()

    assert found.hook is None
    assert found.matrix is not None
    assert telephone.matrix is not None
    assert found.matrix.keys == telephone.matrix.keys
    assert found.single_keys is not None
    assert telephone.single_keys is not None
    assert set(found.single_keys.pins) == set(telephone.single_keys.pins)


def test_a_telephone_without_keys_is_asked_for_no_more() -> None:
    person = Person(load_board("hotline"), digits="n")

    found = person.follow()

    assert found.keys == frozenset()
    assert len(person.asked) == 4


# --- the wizard by itself ---


def asked_for_keys() -> Wizard:
    wizard = Wizard(tail=TAIL)
    wizard.answer("", 0.0)
    wizard.answer("", 1.0)
    wizard.answer("keys", 2.0)
    return wizard


def hold(wizard: Wizard, place: frozenset[int], at: float) -> None:
    survey = Survey(grounded=place) if len(place) == 1 else Survey(joined=frozenset([place]))
    wizard.receive(survey, at)
    wizard.receive(survey, at + 0.1)
    wizard.receive(Survey(), at + 0.2)


def test_a_key_pressed_twice_is_not_two_keys() -> None:
    wizard = asked_for_keys()
    hold(wizard, frozenset((5, 12)), 3.0)
    hold(wizard, frozenset((5, 12)), 4.0)

    assert "That was 1 again (GPIO5 and GPIO12)." in wizard.findings()
    assert wizard.question.startswith("Press 2 ")


def test_a_touch_is_no_press_and_two_keys_are_none() -> None:
    wizard = asked_for_keys()
    wizard.receive(Survey(joined=frozenset([frozenset((5, 12))])), 3.0)
    wizard.receive(Survey(), 3.01)
    two = Survey(joined=frozenset([frozenset((5, 12)), frozenset((5, 16))]))
    wizard.receive(two, 4.0)
    wizard.receive(two, 5.0)

    assert wizard.question.startswith("Press 1 ")


def test_a_contact_that_is_closed_at_rest_is_no_key() -> None:
    wizard = Wizard(tail=TAIL)
    wizard.receive(Survey(grounded=frozenset([9])), 0.0)
    wizard.answer("", 0.0)
    wizard.answer("", 1.0)
    wizard.answer("k", 2.0)
    for n in range(10):
        wizard.receive(Survey(grounded=frozenset([9])), 3.0 + n)

    assert wizard.question.startswith("Press 1 ")


def test_an_answer_that_means_nothing_is_asked_again() -> None:
    wizard = Wizard()
    wizard.answer("", 0.0)
    wizard.answer("", 1.0)

    wizard.answer("maybe", 2.0)

    assert wizard.question.startswith("How are numbers dialled?")


# --- rows and columns ---


@given(st.sets(st.sampled_from([5, 6, 13, 26]), min_size=1), st.sets(st.sampled_from([12, 16, 20, 21]), min_size=1))
def test_any_whole_matrix_is_split_into_its_two_sides(rows: set[int], columns: set[int]) -> None:
    pairs = [frozenset((row, column)) for row in rows for column in columns]

    one, other = rows_and_columns(pairs)

    assert {frozenset(one), frozenset(other)} == {frozenset(rows), frozenset(columns)}


def test_1_2_and_3_are_on_a_row_whatever_its_number() -> None:
    keys = {"1": frozenset((21, 5)), "2": frozenset((21, 6)), "3": frozenset((21, 13)), "4": frozenset((20, 5))}

    text = profile_text(Found("x", TAIL, keys=keys))

    matrix = parse_board(text).matrix
    assert matrix is not None
    assert (matrix.rows, matrix.columns) == ((21, 20), (5, 6, 13))
    assert matrix.keys == (("1", "2", "3"), ("4", None, None))


def test_three_pins_joined_in_a_ring_are_no_matrix() -> None:
    with pytest.raises(ValueError, match="neither row and column"):
        rows_and_columns([frozenset((5, 6)), frozenset((6, 13)), frozenset((13, 5))])


# --- the command ---


@pytest.fixture
def terminal() -> Iterator[tuple[int, TextIO]]:
    read, write = os.pipe()
    with os.fdopen(read) as keyboard:
        yield write, keyboard
    os.close(write)


def test_the_command_writes_a_profile_and_shows_the_wires(
    tmp_path: Path, terminal: tuple[int, TextIO], capsys: pytest.CaptureFixture[str]
) -> None:
    write, keyboard = terminal
    file = tmp_path / "mine.toml"
    os.write(write, b"\n\nn\n")

    code = main([str(file), "--name", "Gate", "--panel", "sh1106"], factory=Wiring().factory, keyboard=keyboard)

    out = capsys.readouterr().out
    assert code == 0
    profile = parse_board(file.read_text())
    assert profile.display is not None
    assert (profile.name, profile.display.controller) == ("Gate", "sh1106")
    assert re.search(r"These pins are watched:\n  GPIO4 GPIO5", out)
    assert f'board = "{file}"' in out


def test_a_card_on_the_header_keeps_its_pins(
    tmp_path: Path, terminal: tuple[int, TextIO], capsys: pytest.CaptureFixture[str]
) -> None:
    write, keyboard = terminal
    os.write(write, b"\n\nn\n")

    main([str(tmp_path / "a.toml"), "--hat", "i2s"], factory=Wiring().factory, keyboard=keyboard)

    watched = capsys.readouterr().out.splitlines()[1].split()
    assert not {"GPIO18", "GPIO19", "GPIO20", "GPIO21"} & set(watched)


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path, terminal: tuple[int, TextIO]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("precious")

    assert main([str(file)], factory=Wiring().factory, keyboard=terminal[1]) == 2
    assert file.read_text() == "precious"


def test_a_machine_without_pins_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "mine.toml"), "--chip", "no such chip"]) == 1
    assert "offhook wire: " in capsys.readouterr().err

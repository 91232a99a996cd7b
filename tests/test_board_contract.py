"""What every board must do, whoever made it: one suite, run over each.

Devices a board lacks are skipped. A further board joins by a line in `TELEPHONES`. The real boards' drivers run on mock
pins wired as the telephone, in their own threads, with contacts that bounce.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hw import (
    KEYS,
    AudioPort,
    Board,
    BoardEvent,
    DeviceError,
    HookLifted,
    HookReplaced,
    KeyPressed,
    KeyReleased,
    LampState,
)
from hw.boards import board_names, load_board, open_audio, simulate
from hw.boards.profile import Profile
from hw.sim import NullSound, SimBoard, SimSound, ToneSound
from tests.support.hands import Hands, pi_telephone, sim_telephone, wait_until
from tests.support.sound_cards import alsa_configured, plugins

Telephone = tuple[Board, Hands]
REAL = [name for name in board_names() if load_board(name).driver == "pi"]
TELEPHONES: dict[str, Callable[[Path], Telephone]] = {
    "SimBoard": lambda folder: sim_telephone(SimBoard()),
    "SimBoard, wideband": lambda folder: sim_telephone(SimBoard(audio=SimSound(16_000, 320))),
    "SimBoard, singing": lambda folder: sim_telephone(SimBoard(audio=ToneSound())),
    "SimBoard, no sound": lambda folder: sim_telephone(SimBoard(sound=False)),
    "SimBoard, least": lambda folder: sim_telephone(SimBoard(keys="0123456789*#", lamps=(), size=(8, 8))),
    **{f"{name}, simulated": lambda folder, name=name: sim_telephone(simulate(load_board(name))) for name in REAL},  # type: ignore[misc]
    **{f"{name}, on pins": lambda folder, name=name: pi_telephone(name, folder) for name in REAL},  # type: ignore[misc]
}


@pytest.fixture(params=TELEPHONES)
def telephone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Telephone]:
    board, hands = TELEPHONES[request.param](tmp_path)
    yield board, hands
    board.close()


@pytest.fixture
def board(telephone: Telephone) -> Board:
    return telephone[0]


def profile_of(board: Board) -> Profile:
    return next(profile for profile in map(load_board, REAL) if profile.name == board.name)


def keys_of(board: Board) -> frozenset[str]:
    return board.keypad.keys if isinstance(board, SimBoard) else profile_of(board).keys


def has_dial(board: Board) -> bool:
    return not isinstance(board, SimBoard) and profile_of(board).dial is not None


def heard_by(board: Board) -> list[BoardEvent]:
    """A list that what happens is added to."""
    events: list[BoardEvent] = []
    board.listen(events.append)
    return events


def come(events: list[BoardEvent], count: int) -> list[BoardEvent]:
    """The events, once there are so many and a moment has shown that there are no more."""
    wait_until(lambda: len(events) >= count)
    wait_until(lambda: len(events) > count, 0.1)
    return events


def test_it_has_a_name(board: Board) -> None:
    assert board.name


def test_the_handset_is_lifted_and_replaced(telephone: Telephone) -> None:
    board, hands = telephone
    if board.hook is None:
        pytest.skip("no hook switch")
    events = heard_by(board)
    assert board.hook.lifted is False

    hands.lift()
    assert come(events, 1) == [HookLifted()]
    assert board.hook.lifted is True
    hands.replace()

    assert come(events, 2) == [HookLifted(), HookReplaced()]
    assert board.hook.lifted is False


@pytest.mark.parametrize("key", ["1", "0", "#", "mute", "redial"])
def test_a_key_is_pressed_and_released_once_whatever_its_contact_does(telephone: Telephone, key: str) -> None:
    board, hands = telephone
    if key not in keys_of(board):
        pytest.skip("no such key")
    events = heard_by(board)

    hands.press(key)
    come(events, 1)
    hands.release(key)

    assert come(events, 2) == [KeyPressed(key), KeyReleased(key)]


def test_keys_down_are_the_keys_that_are_down(telephone: Telephone) -> None:
    board, hands = telephone
    if board.keypad is None:
        pytest.skip("no keys")
    assert board.keypad.keys_down == frozenset()
    if has_dial(board) or "1" not in keys_of(board):
        pytest.skip("a dial's digits are over at once")

    hands.press("1")
    assert wait_until(lambda: board.keypad is not None and board.keypad.keys_down == {"1"})
    assert board.keypad.keys_down <= KEYS
    hands.release("1")

    assert wait_until(lambda: board.keypad is not None and board.keypad.keys_down == frozenset())


def test_a_press_is_told_soon(telephone: Telephone) -> None:
    """25 ms after the contact settled, where the machine is our own; where others work on it too, now and then."""
    board, hands = telephone
    if has_dial(board) or "5" not in keys_of(board):
        pytest.skip("no keypad")
    events = heard_by(board)
    took = [math.inf]
    while min(took) >= 0.025 and len(took) <= 50:
        del events[:]
        hands.press("5")
        settled = time.monotonic()
        assert wait_until(lambda: bool(events))
        took.append(time.monotonic() - settled)
        hands.release("5")
        assert wait_until(lambda: len(events) == 2)

    assert min(took) < 0.025


def test_a_panel_takes_pictures_of_its_size_and_no_others(board: Board) -> None:
    if board.display is None:
        pytest.skip("no panel")
    width, height = board.display.size
    octets = width * height // 8

    board.display.show(bytes(octets))
    board.display.show(b"\xff" * octets)

    for wrong in (b"", bytes(octets - 1), bytes(octets + 1)):
        with pytest.raises(ValueError):
            board.display.show(wrong)


def test_lamps_take_every_state_and_ignore_lamps_there_are_not(board: Board) -> None:
    for state in LampState:
        board.lamps.set("message", state)
        board.lamps.set("no such lamp", state)


def test_a_bell_says_whether_it_is_heard(board: Board) -> None:
    if board.ringer is None:
        pytest.skip("no bell")
    assert board.ringer.audible is not isinstance(board, SimBoard)


def test_a_bell_may_be_silenced_twice(board: Board) -> None:
    if board.ringer is None:
        pytest.skip("no bell")
    board.ringer.ring((400, 200, 400, 2000), 5)
    board.ringer.ring((1000, 4000), 0)
    board.ringer.silence()
    board.ringer.silence()


def test_a_listener_may_be_replaced(board: Board) -> None:
    heard: list[BoardEvent] = []
    board.listen(heard.append)
    board.listen(heard.append)
    assert heard == []


def test_a_board_may_be_closed_twice_and_is_silent_afterwards(telephone: Telephone) -> None:
    board, hands = telephone
    events = heard_by(board)

    board.close()
    board.close()
    if board.hook is not None and not isinstance(board, SimBoard):
        hands.lift()

    assert events == []


# --- sound ---

PORTS: dict[str, Callable[[], AudioPort]] = {
    "SimSound": SimSound,
    "SimSound, wideband": lambda: SimSound(16_000, 320),
    "ToneSound": ToneSound,
    "NullSound": NullSound,
    "ALSA": lambda: open_audio("alsa.toml"),
}
ALSA = """
name = "alsa"
driver = "pi"
[audio]
earpiece = { card = "pcm:tape", channel = "left" }
speaker = { card = "pcm:tape", channel = "right" }
microphone = { card = "pcm:voice" }
"""


@pytest.fixture(params=PORTS)
def audio(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AudioPort]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alsa.toml").write_text(ALSA)
    with alsa_configured(tmp_path, plugins(tmp_path, bytes(960_000))):
        port = PORTS[request.param]()
        yield port
        port.close()


def test_sound_goes_in_periods_of_the_size_it_says(audio: AudioPort) -> None:
    assert audio.rate_hz >= 8000
    assert audio.rate_hz / 200 <= audio.period_samples <= audio.rate_hz / 10
    assert isinstance(audio.paced, bool)
    frame = bytes(2 * audio.period_samples)

    for _ in range(3):
        assert len(audio.exchange(frame, frame)) == len(frame)


def test_sound_in_other_periods_is_our_own_fault(audio: AudioPort) -> None:
    frame = bytes(2 * audio.period_samples)

    with pytest.raises(ValueError):
        audio.exchange(frame[:-2], frame)
    with pytest.raises(ValueError):
        audio.exchange(frame, frame + b"\0\0")
    with pytest.raises(ValueError):
        audio.exchange(frame, frame, frame[:-2])


def test_sound_that_is_there_has_no_fault_and_rings_beside_the_speech(audio: AudioPort) -> None:
    frame = bytes(2 * audio.period_samples)

    assert len(audio.exchange(frame, frame, frame)) == len(frame)
    assert len(audio.exchange(frame, frame, None)) == len(frame)
    assert audio.fault == ""


def test_after_closing_the_card_is_gone(audio: AudioPort) -> None:
    frame = bytes(2 * audio.period_samples)

    audio.close()
    audio.close()

    with pytest.raises(DeviceError):
        audio.exchange(frame, frame)


@pytest.mark.parametrize("name", REAL)
def test_a_real_boards_sound_is_left_to_the_media_engine(name: str, tmp_path: Path) -> None:
    board, _ = pi_telephone(name, tmp_path)

    assert board.audio is None
    board.close()

"""What every board must do, whoever made it: one suite, run over each.

Devices a board lacks are skipped. A further board joins by a line in `BOARDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hw import KEYS, AudioPort, Board, BoardEvent, DeviceError, LampState
from hw.boards import board_names, load_board, simulate
from hw.sim import SimBoard, SimSound, ToneSound

BOARDS: dict[str, Callable[[], Board]] = {
    "SimBoard": SimBoard,
    "SimBoard, wideband": lambda: SimBoard(audio=SimSound(16_000, 320)),
    "SimBoard, singing": lambda: SimBoard(audio=ToneSound()),
    "SimBoard, no sound": lambda: SimBoard(sound=False),
    "SimBoard, least": lambda: SimBoard(keys="0123456789*#", lamps=(), size=(8, 8)),
    **{f"{name}, simulated": lambda name=name: simulate(load_board(name)) for name in board_names()},  # type: ignore[misc]
}


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest) -> Iterator[Board]:
    opened = BOARDS[request.param]()
    yield opened
    opened.close()


def sound_of(board: Board) -> AudioPort:
    if board.audio is None:
        pytest.skip("the media engine opens the card")
    return board.audio


def test_it_has_a_name(board: Board) -> None:
    assert board.name


def test_a_hook_says_whether_the_handset_is_up(board: Board) -> None:
    if board.hook is None:
        pytest.skip("no hook switch")
    assert isinstance(board.hook.lifted, bool)


def test_keys_down_are_keys(board: Board) -> None:
    if board.keypad is None:
        pytest.skip("no keypad")
    assert board.keypad.keys_down <= KEYS


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


def test_a_bell_may_be_silenced_twice(board: Board) -> None:
    if board.ringer is None:
        pytest.skip("no bell")
    board.ringer.ring((400, 200, 400, 2000), 5)
    board.ringer.ring((1000, 4000), 0)
    board.ringer.silence()
    board.ringer.silence()


def test_sound_goes_in_periods_of_the_size_it_says(board: Board) -> None:
    audio = sound_of(board)
    assert audio.rate_hz >= 8000
    assert audio.rate_hz / 200 <= audio.period_samples <= audio.rate_hz / 10
    assert isinstance(audio.paced, bool)
    frame = bytes(2 * audio.period_samples)

    for _ in range(3):
        assert len(audio.exchange(frame, frame)) == len(frame)


def test_sound_in_other_periods_is_our_own_fault(board: Board) -> None:
    audio = sound_of(board)
    frame = bytes(2 * audio.period_samples)

    with pytest.raises(ValueError):
        audio.exchange(frame[:-2], frame)
    with pytest.raises(ValueError):
        audio.exchange(frame, frame + b"\0\0")


def test_a_listener_may_be_replaced(board: Board) -> None:
    heard: list[BoardEvent] = []
    board.listen(heard.append)
    board.listen(heard.append)
    assert heard == []


def test_after_closing_the_card_is_gone(board: Board) -> None:
    audio = sound_of(board)
    frame = bytes(2 * audio.period_samples)

    board.close()
    board.close()

    with pytest.raises(DeviceError):
        audio.exchange(frame, frame)

"""The telephone asks for the set-up page by a file, and tells what became of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from firmware.runtime.set_up_request import SetUpRequest, own_folder


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The telephone's own, and the one that a card's start leaves."""
    for name in ("offhook", "offhook-setup"):
        (tmp_path / name).mkdir()
    return tmp_path / "offhook", tmp_path / "offhook-setup"


async def taken(request: Path) -> None:
    """What offhook-asked.service does at last."""
    while not request.exists():
        await asyncio.sleep(0.01)
    request.unlink()


def test_the_page_is_open_when_the_file_is_gone(folders: tuple[Path, Path]) -> None:
    own, boot = folders

    async def both() -> str:
        outcome, _ = await asyncio.gather(SetUpRequest(own, boot).open(30), taken(own / "set-up"))
        return outcome

    assert asyncio.run(both()) == "open"


def test_a_page_that_does_not_open_is_known_by_the_files_other_name(folders: tuple[Path, Path]) -> None:
    own, boot = folders

    async def refused() -> None:
        while not (own / "set-up").exists():
            await asyncio.sleep(0.01)
        (own / "set-up").rename(own / "set-up.failed")

    async def both() -> list[str]:
        request = SetUpRequest(own, boot)
        first, _ = await asyncio.gather(request.open(30), refused())
        second, _ = await asyncio.gather(request.open(30), taken(own / "set-up"))
        return [first, second]

    assert asyncio.run(both()) == ["failed", "open"]


def test_a_file_that_stays_is_taken_back(folders: tuple[Path, Path]) -> None:
    own, boot = folders

    assert asyncio.run(SetUpRequest(own, boot).open(0.05)) == "failed"

    assert list(own.iterdir()) == []


def test_a_folder_that_is_gone_is_a_page_that_does_not_open(folders: tuple[Path, Path]) -> None:
    own, boot = folders
    own.rmdir()

    assert asyncio.run(SetUpRequest(own, boot).open(30)) == "failed"


def test_without_a_card_there_is_no_page(folders: tuple[Path, Path]) -> None:
    """Neither as a program in a terminal, nor as a service of a machine that has no card's units."""
    own, boot = folders
    boot.rmdir()

    assert asyncio.run(SetUpRequest(own, boot).open(30)) == "absent"
    assert asyncio.run(SetUpRequest(None, own).open(30)) == "absent"
    assert list(own.iterdir()) == []


def test_the_services_own_folder_is_the_first_that_systemd_names() -> None:
    assert own_folder({"RUNTIME_DIRECTORY": "/run/offhook:/run/other"}) == Path("/run/offhook")
    assert own_folder({}) is None

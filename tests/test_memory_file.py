"""The memory on the disk: whole after a power cut, set aside when it is damaged, and never the phone's end."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware.phone.memory import Memory
from firmware.runtime.memory_file import MemoryFile, default_path
from firmware.station.memory_codec import LARGEST_OCTETS, decode, encode

KNOWN = Memory(redial="1002", ringer_volume=3)
LATER = Memory(redial="1003", ringer_volume=4)


def memory_file(path: Path) -> MemoryFile[Memory]:
    return MemoryFile(path, decode, LARGEST_OCTETS, "the call list and the volumes")


def kept(path: Path, *memories: Memory) -> Memory | None:
    """Open, save these one after the other, close; what was known at the start."""

    async def run() -> Memory | None:
        file = memory_file(path)
        known = file.open()
        for memory in memories:
            file.save(encode(memory))
        await file.close()
        return known

    return asyncio.run(run())


def test_what_was_saved_is_known_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "offhook" / "phone.json"

    assert kept(path, LATER, KNOWN) is None
    assert kept(path) == KNOWN


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "offhook" / "phone.json"
    kept(path, KNOWN)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_damaged_file_is_set_aside_and_the_next_one_beside_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "phone.json"
    for number in (1, 2):
        caplog.clear()
        path.write_bytes(b"\0" * (99 + number))

        assert kept(path, KNOWN) is None

        aside = tmp_path / f"phone.json.unreadable-{number}"
        assert aside.read_bytes() == b"\0" * (99 + number)
        [line] = [record.getMessage() for record in caplog.records]
        assert str(aside) in line
        assert decode(path.read_bytes()) == KNOWN


def test_a_later_versions_file_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "phone.json"
    path.write_bytes(encode(KNOWN).replace(b'"version": 1', b'"version": 2'))

    assert kept(path, LATER) is None

    assert b'"version": 2' in (tmp_path / "phone.json.unreadable-1").read_bytes()
    assert "later version" in caplog.text


def test_of_two_telephones_with_one_file_the_first_has_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "phone.json"
    kept(path, KNOWN)

    async def run() -> None:
        first, second = memory_file(path), memory_file(path)
        assert first.open() == KNOWN
        assert second.open() is None
        second.save(encode(LATER))
        await second.close()
        await first.close()

    asyncio.run(run())

    assert kept(path) == KNOWN
    assert "another telephone" in caplog.text


def test_without_a_place_to_write_there_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")

    assert kept(tmp_path / "file" / "phone.json", KNOWN, LATER) is None

    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert "not kept" in record.getMessage()


def test_a_disk_that_fails_later_is_told_once_and_what_could_not_be_written_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "state"

    async def run() -> None:
        file = memory_file(folder / "phone.json")
        file.open()
        (folder / ".phone.json.lock").unlink()
        folder.rmdir()
        folder.write_text("no folder any more")
        for memory in (LATER, KNOWN):
            file.save(encode(memory))
            await until(lambda: not file.busy)
        folder.unlink()
        await file.close()

    asyncio.run(run())

    assert decode((folder / "phone.json").read_bytes()) == KNOWN
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not done():
            await asyncio.sleep(0.01)


def test_what_cannot_be_read_is_not_written_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "phone.json"
    path.mkdir()

    assert kept(path, KNOWN) is None

    assert path.is_dir()
    assert len(caplog.records) == 1


WRITER = """
import sys
from pathlib import Path
from firmware.phone.memory import Memory
from firmware.runtime.safe_file import write_safely
from firmware.station.memory_codec import encode
print("writing", flush=True)
for number in range(10**9):
    write_safely(Path(sys.argv[1]), encode(Memory(redial=str(number) * 40, missed=number % 1000)), mode=0o600)
"""


def test_who_is_killed_while_writing_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "phone.json"
    kept(path, KNOWN)
    for _ in range(5):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        before = path.stat().st_ino
        while path.stat().st_ino == before:
            os.sched_yield()
        writer.kill()
        writer.wait()
        writer.stdout.close()

        assert kept(path) is not None
        assert {each.name for each in tmp_path.iterdir()} == {"phone.json", ".phone.json.lock"}


@pytest.mark.parametrize(
    ("environment", "path"),
    [
        ({"STATE_DIRECTORY": "/var/lib/offhook", "HOME": "/home/anna"}, "/var/lib/offhook/hall.json"),
        ({"STATE_DIRECTORY": "/var/lib/one:/var/lib/two"}, "/var/lib/one/hall.json"),
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/anna"}, "/state/offhook/hall.json"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/home/anna"}, "/home/anna/.local/state/offhook/hall.json"),
        ({"HOME": "/home/anna"}, "/home/anna/.local/state/offhook/hall.json"),
        ({}, None),
    ],
)
def test_where_it_is(environment: dict[str, str], path: str | None) -> None:
    assert default_path(Path("/etc/offhook/hall.toml"), environment) == (None if path is None else Path(path))

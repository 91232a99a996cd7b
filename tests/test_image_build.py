"""The parts of the image's build and of its boot test that are programs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from firmware.screen.lettering import Face, font

BUILD = Path(__file__).parent.parent / "image-build"
sys.path[:0] = [str(BUILD), str(BUILD / "boot-test")]

from panel import HEIGHT, WIDTH, Panel  # noqa: E402
from sbom import debian_packages, document, wheels  # noqa: E402

HASH = "ab" * 32
PACKAGES = f"libc6 2.41-12+deb13u4 amd64 {HASH}\noffhook 0.1.0 all -\n"
LOCK = f"# comment\nluma_core==2.6.0 --hash=sha256:{HASH}\n"


def recorded(*messages: bytes) -> bytes:
    return b"".join(len(message).to_bytes(2, "little") + message for message in messages)


def picture_of(text: str, face: Face, at: tuple[int, int], *, dark: bool = False) -> bytes:
    """A picture as an SSD1306 holds it: pages of eight rows, an octet a column, its lowest bit on top."""
    picture = Image.new("1", (WIDTH, HEIGHT), int(dark))
    ImageDraw.Draw(picture).text(at, text, font=font(face), fill=int(not dark))
    return bytes(
        sum((picture.getpixel((x, page * 8 + bit)) > 0) << bit for bit in range(8))
        for page in range(HEIGHT // 8)
        for x in range(WIDTH)
    )


@pytest.mark.parametrize("face", ["small", "name", "digits"])
@pytest.mark.parametrize("dark", [False, True])
def test_a_number_on_the_panels_wire_is_read(face: Face, dark: bool) -> None:
    panel = Panel()

    panel.take(recorded(b"\x00\x21\x00\x7f\x22\x00\x07", b"\x40" + picture_of("1002", face, (9, 13), dark=dark)))

    assert panel.shows("1002")
    assert not panel.shows("1003")


def test_a_part_of_the_panel_is_written_where_it_belongs() -> None:
    """Columns 3 to 5 of page 2 (SSD1306 10.1.3: the pointers stay within the window)."""
    panel = Panel()

    panel.take(recorded(b"\x00\x21\x03\x05\x22\x02\x02", b"\x40\xaa\xbb\xcc"))

    assert panel.memory[2 * WIDTH + 3 : 2 * WIDTH + 6] == b"\xaa\xbb\xcc"
    assert panel.memory.count(0) == len(panel.memory) - 3


def test_an_argument_is_no_command() -> None:
    """0xAE after 0x81 is a contrast, not "display off"."""
    panel = Panel()

    panel.take(recorded(b"\x00\xaf", b"\x00\x81\xae"))

    assert panel.lit


def test_an_empty_panel_shows_nothing() -> None:
    assert not Panel().shows("1002")


def test_every_package_is_in_the_bill_with_its_hash() -> None:
    packages = debian_packages(PACKAGES) + wheels(LOCK)

    assert [one["name"] for one in packages] == ["libc6", "offhook", "luma_core"]
    assert packages[0]["checksums"] == [{"algorithm": "SHA256", "checksumValue": HASH}]
    assert "checksums" not in packages[1]
    assert packages[0]["externalRefs"][0]["referenceLocator"] == "pkg:deb/debian/libc6@2.41-12%2Bdeb13u4?arch=amd64"
    assert packages[2]["externalRefs"][0]["referenceLocator"] == "pkg:pypi/luma-core@2.6.0"


def test_the_same_packages_make_the_same_document() -> None:
    packages = debian_packages(PACKAGES)

    one, other = document("x", packages, 1_760_000_000), document("x", packages, 1_760_000_000)

    assert one == other
    assert one["creationInfo"]["created"] == "2025-10-09T08:53:20Z"
    assert document("x", packages[:1], 0)["documentNamespace"] != one["documentNamespace"]


def test_every_wheel_of_the_package_is_locked_with_a_hash() -> None:
    wanted = [line for line in (BUILD / "deb" / "wheels.in").read_text().splitlines() if "==" in line]

    locked = wheels((BUILD / "deb" / "wheels.lock").read_text())

    assert [f"{one['name'].replace('_', '.')}=={one['versionInfo']}" for one in locked] == wanted

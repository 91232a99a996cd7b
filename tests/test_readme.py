"""The README tells the truth: its configurations are accepted, and it names every key and every address."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from firmware import config
from firmware.web.api import api_routes
from hw.sim.board import SimBoard
from hw.sim.browser.routes import sim_routes
from tests.support.desk_phone import DeskPhone
from tests.support.site import Door

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
REFERENCE = BLOCKS[0]


def test_the_reference_is_a_configuration_but_for_its_roles() -> None:
    """It shows every table; the role that makes use of the last one is in a comment."""
    config.parse(REFERENCE.replace('roles = ["user-agent"]', 'roles = ["user-agent", "registrar", "proxy"]'))


@pytest.mark.parametrize("text", BLOCKS[1:])
def test_every_other_example_is_one_as_it_stands(text: str) -> None:
    config.parse(text)


@pytest.mark.parametrize("section", [field.name for field in dataclasses.fields(config.Config)])
def test_the_reference_has_every_key(section: str) -> None:
    kind = getattr(config, f"{section.capitalize()}Section")
    table = re.search(rf"^\[+{section}\]+.*?(?=^\[|\Z)", REFERENCE, re.DOTALL | re.MULTILINE)
    assert table, section

    for field in dataclasses.fields(kind):
        assert re.search(rf"\b{field.name}\b", table[0]), f"{section}.{field.name}"


def test_every_address_is_named() -> None:
    routes = [*api_routes(Door(DeskPhone())), *sim_routes(SimBoard())]
    said = README.replace("ID", "{id}")

    for route in routes:
        path = re.sub(r"/\{verb.*", "/answer", route.path)
        assert path in said or path == "/sim/events", path


def test_the_picture_is_there() -> None:
    (picture,) = re.findall(r"!\[.*?\]\((.*?)\)", README)

    assert (Path(__file__).parent.parent / picture).is_file()


def test_every_command_is_named() -> None:
    for command in ("run", "sim", "check", "doctor"):
        assert f"`offhook {command} " in README
    for goal in ("sim", "test", "setup", "lint", "bench"):
        assert f"make {goal}" in README

"""The units: what systemd itself says of them, and that they agree with the telephone."""

from __future__ import annotations

import re
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from firmware.runtime.kept import ASKED, REFUSED, START
from firmware.runtime.realtime import FIFO_PRIORITY
from firmware.set_up.portal import ACCESS_POINT

ROOT = Path(__file__).parent.parent
UNITS = ROOT / "systemd"
CARD = ROOT / "image-build" / "overlay" / "etc" / "systemd" / "system"
CUSTOMISE = ROOT / "image-build" / "customise"
EXPOSURE = {
    UNITS / "offhook.service": 1.6,
    UNITS / "offhook-firstboot.service": 3.5,
    CARD / "offhook-set-up.service": 2.6,
    CARD / "offhook-log.service": 1.6,
    CARD / "offhook-asked.service": 1.8,
    CARD / "offhook-data.service": 3.6,
}
"""The highest figure of `systemd-analyze security` that each unit may have."""


def every_unit() -> list[Path]:
    return [*UNITS.glob("*.service"), *CARD.glob("*.service")]


def analysed(*arguments: str) -> str:
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def values_of(path: Path, key: str) -> list[str]:
    return [line.partition("=")[2] for line in path.read_text().splitlines() if line.startswith(f"{key}=")]


@pytest.mark.parametrize("unit", every_unit(), ids=lambda path: path.name)
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    """Its programs are not installed here, so a program that is everywhere stands in for them."""
    copy = tmp_path / unit.name
    copy.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE))

    said = analysed("verify", "--man=no", str(copy))

    assert unit.name not in said, said


@pytest.mark.parametrize(("unit", "most"), EXPOSURE.items(), ids=lambda value: getattr(value, "name", None))
def test_no_unit_may_do_more_than_it_must(unit: Path, most: float) -> None:
    said = analysed("security", "--offline=true", "--no-pager", str(unit))

    figure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert figure is not None, said
    assert float(figure[1]) <= most


def test_the_engine_gets_the_priority_it_asks_for_and_no_more() -> None:
    assert values_of(UNITS / "offhook.service", "LimitRTPRIO") == [str(FIFO_PRIORITY)]


def test_only_the_devices_of_a_telephone_are_allowed() -> None:
    allowed = {value.split()[0] for value in values_of(UNITS / "offhook.service", "DeviceAllow")}

    assert allowed == {"char-alsa", "char-gpiochip", "char-i2c", "char-spi", "char-input"}
    assert values_of(UNITS / "offhook.service", "DevicePolicy") == ["closed"]


def test_devices_that_come_later_have_their_number_when_the_service_is_given_them() -> None:
    """systemd.resource-control(5): "char-alsa" is looked up in /proc/devices when the unit starts, and only then."""
    lines = (UNITS / "modules-load.conf").read_text().splitlines()

    assert {"snd", "i2c-dev"} <= {line for line in lines if not line.startswith("#")}


def test_a_wrong_configuration_is_not_tried_again() -> None:
    """2 is the exit code of usage and configuration."""
    assert values_of(UNITS / "offhook.service", "RestartPreventExitStatus") == ["2"]


def test_the_dial_tone_does_not_wait_for_the_network() -> None:
    after = " ".join(values_of(UNITS / "offhook.service", "After"))

    assert "network" not in after


def test_every_group_of_the_service_is_made() -> None:
    service = values_of(UNITS / "offhook.service", "SupplementaryGroups")[0].split()
    members = [line.split()[2] for line in (UNITS / "sysusers.conf").read_text().splitlines() if line.startswith("m ")]

    assert sorted(service) == sorted(members)


def test_nobody_but_root_and_the_telephone_reads_the_configuration() -> None:
    lines = [line.split() for line in (UNITS / "tmpfiles.conf").read_text().splitlines() if line[:1] in "dz"]

    assert ["/etc/offhook", "0750", "root", "offhook", "-"] in [line[1:] for line in lines]
    assert ["/etc/offhook/phone.toml", "0640", "root", "offhook", "-"] in [line[1:] for line in lines]


def test_units_are_written_as_systemd_reads_them() -> None:
    for unit in every_unit():
        parser = RawConfigParser(strict=False, comment_prefixes=("#", ";"), delimiters=("=",))
        parser.read(unit)
        assert set(parser.sections()) <= {"Unit", "Service", "Install"}


def test_what_the_set_up_touches_starts_the_telephone() -> None:
    assert values_of(CARD / "offhook-settings.path", "PathChanged") == [f"/run/offhook-setup/{START}"]


def test_what_the_telephone_leaves_when_it_is_asked_for_the_page_opens_it() -> None:
    own_folder = values_of(UNITS / "offhook.service", "RuntimeDirectory")[0]
    opener = CARD / "offhook-asked.service"

    assert values_of(CARD / "offhook-asked.path", "PathChanged") == [f"/run/{own_folder}/{ASKED}"]
    assert values_of(opener, "ConditionPathExists") == [f"/run/{own_folder}/{ASKED}"]
    assert values_of(opener, "ExecStart")[-1] == f"/bin/rm -f /run/{own_folder}/{ASKED}"
    assert f"/run/{own_folder}/{ASKED} /run/{own_folder}/{ASKED}{REFUSED}" in values_of(opener, "ExecStopPost")[0]
    # "start" of a page that says when it is open returns when it is.
    assert values_of(CARD / "offhook-set-up.service", "Type") == ["notify"]


@pytest.mark.parametrize("unit", every_unit(), ids=lambda unit: unit.name)
def test_who_has_a_network_of_its_own_does_not_look_for_a_card_under_sys(unit: Path) -> None:
    """systemd.exec(5), PrivateNetwork=: /sys is remounted, and then shows the interfaces of that network alone."""
    commands = [line for line in unit.read_text().splitlines() if line.startswith("Exec")]

    assert values_of(unit, "PrivateNetwork") != ["yes"] or "/sys/class/net" not in " ".join(commands)


def test_asked_on_a_cable_the_telephone_opens_the_set_up_network_too() -> None:
    wifi = CARD / "offhook-wifi.service"
    commands = " ".join(values_of(CARD / "offhook-asked.service", "ExecStart"))

    assert f"is-active {values_of(wifi, 'BindsTo')[0]} || systemctl --no-block start {wifi.name}" in commands


def test_the_log_is_not_renamed_while_it_is_erased() -> None:
    assert "offhook-firstboot.service" in values_of(CARD / "offhook-log.service", "After")[0].split()


def test_the_set_up_network_has_the_address_that_every_name_leads_to() -> None:
    network = CARD.parent / "network" / "10-access-point.network"

    assert values_of(network, "Address") == [f"{ACCESS_POINT}/24"]
    # Android leaves a network that names no router, before it looks at any page.
    assert values_of(network, "EmitRouter") == ["yes"]


def test_what_gives_addresses_in_the_set_up_network_is_not_left_out() -> None:
    """networkd's DHCP server keeps its leases, and does not begin before this unit says where."""
    masked = re.search(r'systemctl --root="\$r" mask (.+?) 2>', CUSTOMISE.read_text(), re.DOTALL)

    assert masked is not None
    assert "systemd-networkd-persistent-storage.service" not in masked[1].split()

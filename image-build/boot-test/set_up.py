"""The set-up test: a card without settings becomes a telephone, over simulated radios; wrong answers come back.

    python3 set_up.py ARCH IMAGE MODULES OUT      (as the other tests; of the modules it needs none)

In a network of its own, as telephone.py. In the guest, three radios (mac80211_hwsim) that hear each other: the
telephone's, a visitor's, and a router's, bridged to the wire that leaves the guest, where the exchange is.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(TOP), str(HERE)]

from beginning import arguments  # noqa: E402
from guest import Guest, mtools, prepare  # noqa: E402
from network import Leases, lay_wire, named  # noqa: E402
from pace import SLOW, say  # noqa: E402
from phones import OUTSIDE  # noqa: E402

from tests.support.programs import Phone, wait_until  # noqa: E402

PAGE = "http://offhook.local/"
OURS = "192.168.77.1"
PROBES = (
    "http://captive.apple.com/hotspot-detect.html",
    "http://connectivitycheck.gstatic.com/generate_204",
    "http://www.msftconnecttest.com/connecttest.txt",
    "http://detectportal.firefox.com/canonical.html",
    "http://connectivity-check.ubuntu.com/",
)
"""What devices load to find out whether they are in the internet."""
WRONG_WIFI, RIGHT_WIFI = "incorrect horse", "correct horse"
WRONG_SIP, RIGHT_SIP = "not-the-first", "first"
ANSWERS = {
    "ssid": "Home",
    "address": "1001@home.test",
    "registrar": "10.0.2.2",
    "outbound_proxy": "sip:10.0.2.2;lr",
    "name": "Hall",
    "country": "gb",
    "board": "sim",
}
TROUBLE = 'journalctl --no-pager -q -b -o cat | grep -c -e "{words}" ; true'


class Test:
    """The steps, in their order."""

    def __init__(self, arch: str, disk: Path, folder: Path, outside: Phone) -> None:
        self._arch, self.disk, self._folder, self._outside = arch, disk, folder, outside
        self._boots = 0
        self._told = time.monotonic()
        self.guest: Guest

    def start(self) -> None:
        """Power on, until the radios are there."""
        self._boots += 1
        self.guest = Guest(self._arch, self.disk, self._folder, self._boots, alone=True)
        self.guest.wait_for_wires()
        say("radios after", f"{self._age():.0f} s")

    def _age(self) -> float:
        return time.monotonic() - self.guest.began

    def visit(self, *arguments: str) -> dict[str, Any]:
        """What the visitor's device finds."""
        said = self.guest.order("visit", arguments=arguments)
        try:
            found: dict[str, Any] = json.loads(said)
        except ValueError:
            found = {"fault": said}
        if "fault" in found and time.monotonic() - self._told > 60:
            self._told = time.monotonic()
            say(f"({' '.join(arguments[:2])}: {str(found['fault'])[-200:]})")
        return found

    def sh(self, command: str) -> str:
        """What a shell in the guest says."""
        return self.guest.run("sh", "-c", command).strip()

    # --- the visitor ---

    def join_set_up(self) -> None:
        """The set-up network is there, gives an address, and is joined."""
        lease = wait_until(
            lambda: found if "address" in (found := self.visit("lease")) else None, 240 * SLOW, "an address"
        )
        assert lease["router"] == lease["names"] == OURS, lease
        say(f"the set-up network gives {lease['address']} after {self._age():.0f} s")

    def page(self, status: int = 200) -> str:
        """The set-up page's text."""
        found = wait_until(
            lambda: found if "status" in (found := self.visit("get", PAGE)) else None, 60 * SLOW, "the page"
        )
        assert found["status"] == status, found
        return str(found["text"])

    def is_led(self) -> None:
        """Whatever name and page a device tries, it is led to the page."""
        found = wait_until(lambda: self.visit("multicast", "offhook.local").get("address"), 60 * SLOW, "offhook.local")
        assert found == OURS, found
        for probe in PROBES:
            answer = self.visit("get", probe)
            assert (answer.get("status"), answer["headers"].get("Location")) == (302, f"http://{OURS}/"), answer
        assert "<form" in self.visit("get", f"http://{OURS}/")["text"]
        say(f"offhook.local is {OURS}; {len(PROBES)} probes are led to the page")

    def is_guarded(self) -> None:
        """Other sites' pages, forms without ticket, too much, and nonsense are refused; the latter with reasons."""
        text = self.page()
        assert '<option value="Home">' in text, "the networks in the air"
        ticket = self._ticket(text)
        for status, words in (
            (421, ["HOST=rebound.example", f"ticket={ticket}"]),
            (403, []),
            (413, [f"ticket={ticket}", "name=" + "x" * 70_000]),
            (400, [f"ticket={ticket}", "address=1001", "ssid=Home", "wifi_password=short", "country=gb"]),
        ):
            found = self.visit("post", PAGE, *words)
            assert found.get("status") == status, (status, found)
        assert 'id="address-wrong"' in found["text"], found["text"]
        assert 'id="wifi_password-wrong"' in found["text"], found["text"]
        say("the page refuses strangers' forms, and says what is wrong with its own")

    def answer(self, **changes: str) -> float:
        """Fill in the form; the moment it is saved."""
        form = {**ANSWERS, **changes, "ticket": self._ticket(self.page())}
        found = self.visit("post", PAGE, *(f"{name}={value}" for name, value in form.items()))
        assert found.get("status") == 200, found
        assert "Saved" in found["text"], found["text"]
        return time.monotonic()

    def comes_back(self, field: str, since: float) -> None:
        """The set-up network closes, and opens again with a page that says what was wrong."""
        wait_until(lambda: "fault" in self.visit("get", PAGE), 60 * SLOW, "the set-up network closes")
        closed = time.monotonic() - since
        wait_until(lambda: "address" in self.visit("lease"), 300 * SLOW, "the set-up network opens again")
        text = self.page()
        wrong = re.search(f'id="{field}-wrong">([^<]*)<', text)
        assert wrong is not None, text
        assert 'value="1001@home.test"' in text, "what was answered is there again"
        for secret in (WRONG_WIFI, WRONG_SIP):
            assert secret not in text
        say(f"closed after {closed:.0f} s, back after {time.monotonic() - since:.0f} s: {wrong[1]}")

    @staticmethod
    def _ticket(text: str) -> str:
        found = re.search('name="ticket" value="([^"]+)"', text)
        assert found is not None, text
        return found[1]

    # --- the telephone ---

    def registers(self, since: float) -> None:
        """The exchange outside calls it: it rings, so it is registered, and reached through the home's Wi-Fi."""
        status = "systemctl show -P StatusText offhook.service"
        wait_until(lambda: self.sh(status) == "in service", 300 * SLOW, "in service")
        say(f"in service {time.monotonic() - since:.0f} s later")
        wait_until(lambda: self.sh("test -e /data/offhook/worked && echo yes") == "yes", 30 * SLOW, "noted")
        self._outside.lift()
        self._outside.press("1001")
        wait_until(lambda: any(one["state"] == "ringing" for one in self._outside.phone["calls"]), 60 * SLOW, "ringing")
        self._outside.hang_up()
        say("a call from outside rings it")

    def is_closed(self) -> None:
        """No set-up page any more, on no network; the radio does not sleep, and obeys the country's rules."""
        wait_until(lambda: self.sh("systemctl is-active offhook-set-up.service") == "inactive", 90 * SLOW, "ended")
        assert "fault" in self.visit("get", PAGE)
        listening = "grep -hcE '^ *[0-9]+: [0-9A-F]+:0050 [0-9A-F]+:0000 0A' /proc/net/tcp /proc/net/tcp6; true"
        assert self.sh(listening).split() == ["0", "0"], "nobody listens on port 80"
        assert "Power save: off" in (found := self.sh("iw dev wlan0 get power_save")), found
        assert "country GB" in (found := self.sh("iw reg get")), found
        assert "SSID: Home" in (found := self.sh("iw dev wlan0 link")), found
        say("the page is closed; power save off, country GB, in Home")

    def keeps_secrets(self, *secrets: str) -> None:
        """No password in the journal, nor in a file that others may read."""
        modes = self.sh("stat -c '%a %U %G %n' /data/offhook/*.toml /run/offhook-setup/wpa_supplicant.conf")
        assert "640 root offhook /data/offhook/phone.toml" in modes, modes
        assert "600 root root /data/offhook/wifi.toml" in modes, modes
        assert "600 root root /run/offhook-setup/wpa_supplicant.conf" in modes, modes
        for secret in secrets:
            assert self.sh(TROUBLE.format(words=secret)) == "0", secret
            holds = f"grep -rlF -e '{secret}' /run /data /var /tmp 2>/dev/null"
            readable = f"{holds} | xargs -r stat -c '%A %n' | grep '^.......r' ; true"
            found = [
                line
                for line in self.sh(readable).splitlines()
                if "/run/kit" not in line and "/run/home.conf" not in line
            ]
            assert found == [], found
        say("no password in the journal or in a file that others may read")

    def report(self) -> None:
        """State of this start."""
        for command in (
            "systemctl --failed --no-legend --no-pager",
            "networkctl --no-pager status -a",
            "iw dev; iw reg get; iw dev wlan0 get power_save",
            "ls -la /boot/firmware /data/offhook /run/offhook-setup",
            "systemctl --no-pager status 'offhook*'",
            "journalctl --no-pager -q -b -n 400",
        ):
            (self._folder / f"report-{self._boots}.txt").open("a").write(f"$ {command}\n{self.sh(command)}\n\n")

    def put(self, *files: Path) -> None:
        """Write on the card, as a user does; the machine is off."""
        mtools("mcopy", self.disk, "-o", *map(str, files), "::")


def fat_holds(disk: Path, *secrets: str) -> list[str]:
    """Which of these stand anywhere in the card's first partition, its freed parts too."""
    with disk.open("rb") as file:
        file.seek(4 << 20)
        octets = file.read(256 << 20)
    return [secret for secret in secrets if secret.encode() in octets]


def over_the_air(test: Test) -> None:
    """A card without settings: the set-up network, wrong answers, right ones, a power cut between."""
    test.start()
    test.join_set_up()
    test.is_led()
    test.is_guarded()
    since = test.answer(wifi_password=WRONG_WIFI, password=WRONG_SIP)
    test.comes_back("wifi_password", since)
    since = test.answer(wifi_password=RIGHT_WIFI)
    test.comes_back("password", since)
    test.report()
    test.answer(password=RIGHT_SIP)
    test.guest.pull_the_plug()
    say("the plug is pulled as soon as the page says that it is saved")
    began = time.monotonic()
    test.start()
    test.registers(began)
    test.is_closed()
    wait_until(lambda: named("offhook.local"), 60 * SLOW, "offhook.local")
    say("offhook.local is the telephone in the home's network, too")
    test.keeps_secrets(WRONG_WIFI, RIGHT_WIFI, WRONG_SIP)
    test.report()
    test.guest.pull_the_plug()


def from_the_card(test: Test, folder: Path, settings: Iterable[tuple[str, str]]) -> None:
    """Settings on the card: taken, wiped off it; a wrong file says why, and the old ones hold."""
    for name, text in settings:
        (folder / name).write_text(text)
        test.put(folder / name)
    began = time.monotonic()
    test.start()
    test.registers(began)
    test.is_closed()
    test.report()
    listing = test.sh("ls /boot/firmware")
    assert "phone.toml\n" not in listing, listing
    assert "wifi.toml\n" not in listing, listing
    test.guest.pull_the_plug()
    assert fat_holds(test.disk, RIGHT_WIFI, "from-the-card") == []
    say("the card's files are taken, and wiped off it")
    (folder / "phone.toml").write_text('[phone]\nnmae = "Hall"\n')
    (folder / "set-up.txt").write_text("")
    test.put(folder / "phone.toml", folder / "set-up.txt")
    test.start()
    test.join_set_up()
    problems = test.sh("cat /boot/firmware/problems.txt")
    assert "phone.nmae" in problems, problems
    assert "known here" in problems, problems
    say("a wrong file:", problems.splitlines()[0])
    text = test.page()
    assert 'value="1001@home.test"' in text, text
    since = test.answer(password="", wifi_password="")
    test.registers(since)
    say("asked for by a file on the card, the page came back, and kept the passwords")
    test.report()


CARD = """[phone]
name = "From the card"
[[account]]
address = "sip:1001@home.test"
password = "first"
registrar = "sip:10.0.2.2"
outbound_proxy = "sip:10.0.2.2;lr"
[web]
listen = "0.0.0.0:8080"
token = "from-the-card"
"""
WIFI = f'\ufeffssid = "Home"\r\npassword = "{RIGHT_WIFI}"\r\ncountry = "gb"\r\n'
"""As an old editor writes it: with a mark in front, and another end of line."""


def main() -> int:
    """Run all of it; returns the exit code."""
    options = arguments("Set a card up as its buyer would.")
    image, folder = options.image, options.folder
    lay_wire()
    Leases()
    os.chdir(TOP)
    for name in ("air", "card"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
        disk = prepare(options.arch, image, folder / name, files=[], kit=HERE / "kit-set-up", modules=[])
        with Phone(folder / name, OUTSIDE) as outside:
            test = Test(options.arch, disk, folder / name, outside)
            try:
                if name == "air":
                    over_the_air(test)
                else:
                    from_the_card(test, folder / name, [("phone.toml", CARD), ("wifi.toml.txt", WIFI)])
            except BaseException:
                try:
                    say("outside:", outside.phone)
                    test.report()
                finally:
                    raise
            finally:
                test.guest.pull_the_plug()
    say("PASSED")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The boot test: the untouched image of a card starts in QEMU, is a telephone, and survives a power cut.

    python3 telephone.py ARCH IMAGE MODULES OUT

In a network of its own (`unshare --net --map-root-user`): a wire between the guest and a telephone outside it, which
is also the exchange, and nothing else. The test's own parts come on a second disk and by QEMU's firmware
configuration; the card holds what a user writes on it: phone.toml and the board.
"""

from __future__ import annotations

import base64
import os
import sys
import time
from array import array
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(TOP), str(HERE)]

from beginning import arguments, telephone_card  # noqa: E402
from guest import Guest  # noqa: E402
from hearing import clear_share, faults  # noqa: E402
from network import Leases, lay_wire, named  # noqa: E402
from pace import SLOW, say  # noqa: E402
from panel import Panel  # noqa: E402
from phones import OUTSIDE, calls, is_registered, state  # noqa: E402

from tests.support.listening import dominant_hz, level_dbov, power_at, sine  # noqa: E402
from tests.support.programs import Phone, wait_until, wav_of  # noqa: E402

HOOK, LAMP = 17, 23
KEYS = {"0": 4, **{str(n): n + 4 for n in range(1, 10)}, "*": 14, "#": 15}
DIAL_TONE, RINGBACK = "350+440", "400+450/400 -/200 400+450/400 -/2000"
"""Great Britain's (ITU-T E.180, supplement 2), which is the telephone's country as long as nobody names another."""
RATE_HZ, TAKES = 48000, 5
ENGINE = "for f in $(grep -l media_child /proc/[0-9]*/cmdline); do p=${f%/cmdline}; chrt -p ${p#/proc/}; done"
"""Says which scheduling the media engine was granted."""


class Test:
    """The steps, in their order."""

    def __init__(self, arch: str, disk: Path, folder: Path, outside: Phone) -> None:
        self._arch, self._disk, self._folder, self._outside = arch, disk, folder, outside
        self._boots = 0
        self._panel = Panel()
        self._sounds = 0
        self.guest: Guest

    def start(self) -> None:
        """Power on, until the telephone is registered."""
        self._boots += 1
        self._panel = Panel()
        self.guest = Guest(self._arch, self._disk, self._folder, self._boots)
        self.guest.wait_for_wires()
        say("wires after", f"{time.monotonic() - self.guest.began:.0f} s")
        wait_until(state, 600 * SLOW, "the telephone's interface answers")
        say("the telephone answers after", f"{time.monotonic() - self.guest.began:.0f} s")
        wait_until(is_registered, 120 * SLOW, f"registered: {state()}")
        say("registered after", f"{time.monotonic() - self.guest.began:.0f} s")
        # A simulated line forgets what holds it down when the telephone asks for its pull-up; a contact does not.
        self.hook(lifted=False)

    def read_panel(self, text: str) -> None:
        """Until the octets on the panel's wire make this text."""

        def shown() -> bool:
            self._panel.take(base64.b64decode(self.guest.order("written", forget=True)))
            return self._panel.shows(text)

        try:
            wait_until(shown, 30 * SLOW, f"the panel shows {text}")
        finally:
            self._panel.picture.save(self._folder / f"panel-{self._boots}-{text}.png")
        say(f"the panel shows {text!r}")

    def hook(self, lifted: bool) -> None:
        """The contact is closed while the handset lies on it; until the telephone has noticed."""
        self.guest.order("pull", line=HOOK, down=not lifted)
        wait_until(lambda: state().get("hook") == ("off" if lifted else "on"), 30 * SLOW, "the hook is noticed")
        say("the handset is", "lifted" if lifted else "back")

    def hears(self, what: str, tone: str, seconds: int) -> None:
        """The guest's earpiece plays this tone, its frequencies and its cadence. One take of five must be spotless."""
        for _ in range(TAKES):
            found = faults(self.listen(what, seconds), RATE_HZ, tone)
            say(f"{what}: {'; '.join(found) or f'{tone}, its frequencies and its cadence'}")
            if not found:
                return
        raise AssertionError(f"{what} is not {tone}")

    def listen(self, what: str, seconds: int) -> array[int]:
        """A take of the guest's earpiece; kept as a file."""
        heard = self.guest.order("listen", seconds=seconds)
        pcm = base64.b64decode(heard["pcm"])
        samples = array("h", pcm[: len(pcm) // 2 * 2])
        self._sounds += 1
        (self._folder / f"heard-{self._sounds}-{what.replace(' ', '-')}.wav").write_bytes(wav_of(samples, RATE_HZ))
        assert len(samples) > 0.9 * seconds * RATE_HZ, heard["said"]
        return samples[RATE_HZ // 5 :]  # the two ends of a loopback card take a moment to find one another

    def outside_hears(self, hz: float) -> None:
        """The telephone outside hears a tone that was spoken into the guest's microphone."""
        self.guest.order("speak", hz=int(hz))

        def heard() -> float:
            samples = self._outside.heard(0.2)
            clear = level_dbov(samples) > -40 and power_at(samples, hz) > 0.7
            return dominant_hz(samples) if clear else 0.0

        said = wait_until(heard, 60 * SLOW, f"{hz} Hz outside")
        say(f"outside hears {said:.0f} Hz, spoken into the microphone as {hz:.0f} Hz")
        self.guest.order("speak", hz=0)

    def inside_hears(self, hz: float) -> None:
        """The guest's earpiece plays a tone that was spoken outside.

        A machine that is emulated on a busy one starves for a second at times, and speech, which cannot wait as a tone
        of its own can, has holes then. So a quarter of a take must be clear: silence, or another sound, is none of it.
        """
        for _ in range(TAKES):
            self._outside.speak(sine(hz, 20))
            share = clear_share(self.listen("speech from outside", 4), RATE_HZ, hz)
            say(f"inside hears {hz:.0f} Hz, spoken outside, in {100 * share:.0f} % of the take")
            if share > 0.25:
                return
        raise AssertionError(f"{hz} Hz did not come in")

    def both_hear(self) -> None:
        """Speech crosses both ways."""
        self.outside_hears(700)
        self.inside_hears(1200)

    def first_call(self) -> None:
        """Lift, hear the dial tone, key a number, be answered, speak, hang up."""
        self.hook(lifted=True)
        self.hears("dial tone", DIAL_TONE, 4)
        for key in "1002":
            self.guest.order("press", line=KEYS[key], seconds=0.15)
        say("keyed 1002")
        call = self._outside.call("ringing", 60 * SLOW)
        say("it rings outside, from", call["remote"]["uri"])
        self.read_panel("1002")
        self.hears("ringback", RINGBACK, 6)
        self._outside.lift()
        wait_until(lambda: any(one["state"] == "confirmed" for one in calls()), 30 * SLOW, "confirmed")
        self.both_hear()
        self.hook(lifted=False)
        self._outside.idle(30 * SLOW)
        self._outside.hang_up()
        say("the call ended on both sides")

    def second_call(self) -> None:
        """Be called, see by whom, answer, and lose power while speaking."""
        self._outside.lift()
        self._outside.press("1001")
        wait_until(lambda: any(one["state"] == "ringing" for one in calls()), 60 * SLOW, f"ringing: {calls()}")
        self.read_panel("Outside")
        self.hook(lifted=True)
        wait_until(lambda: any(one["state"] == "confirmed" for one in calls()), 30 * SLOW, "confirmed")
        self.both_hear()
        self.guest.pull_the_plug()
        say("the plug is pulled in the call")
        self._outside.hang_up()

    def is_named(self, name: str) -> bool:
        """Whether the name leads to the telephone; told, and what the guest thinks of it if not."""
        try:
            wait_until(lambda: named(name), 20 * SLOW, name)
        except AssertionError:
            say(f"nobody answers to {name}:", self.guest.run("resolvectl", "--no-pager", "status"))
            say(self.guest.run("journalctl", "--no-pager", "-q", "-u", "systemd-resolved", "-n", "20"))
            return False
        say(f"{name} is the telephone")
        return True

    def report(self) -> None:
        """Times and state of this start."""
        for command in (
            ["systemd-analyze"],
            ["systemd-analyze", "blame", "--no-pager"],
            ["systemctl", "--failed", "--no-legend", "--no-pager"],
            ["findmnt", "-no", "SOURCE,FSTYPE,OPTIONS", "/"],
            ["ls", "-la", "/boot/firmware", "/data/offhook"],
            ["journalctl", "--no-pager", "-q", "-u", "offhook.service", "-u", "offhook-firstboot.service", "-n", "40"],
            ["sh", "-c", "ls -l /proc/$(systemctl show -P MainPID offhook)/fd | cut -c40-"],
            ["sh", "-c", ENGINE],
        ):
            text = self.guest.run(*command)
            (self._folder / f"report-{self._boots}.txt").open("a").write(f"$ {' '.join(command)}\n{text}\n")
            if command[0] == "systemctl":
                say(text.strip() or "no unit failed")
            elif command in (["systemd-analyze"], ["sh", "-c", ENGINE]):
                say(" / ".join(text.split("\n")).strip(" /"))


def main() -> int:
    """Run all of it; returns the exit code."""
    options = arguments("Boot the image of a card and telephone with it.")
    disk, folder = telephone_card(options), options.folder
    lay_wire()
    Leases()
    os.chdir(TOP)
    with Phone(folder, OUTSIDE) as outside:
        test = Test(options.arch, disk, folder, outside)
        try:
            test.start()
            test.report()
            test.first_call()
            found = test.is_named("offhook.local")
            test.second_call()
            test.start()
            say("registered again after the power cut")
            test.report()
        except BaseException:
            try:
                say("inside:", state())
                say("outside:", outside.phone)
                test.report()
            finally:
                raise
        finally:
            test.guest.pull_the_plug()
    say("PASSED" if found else "FAILED: all but the name")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())

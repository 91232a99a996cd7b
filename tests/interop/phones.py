"""Our own phones for the interop tests, and what is measured at their handsets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.interop.peers import PEER_SAYS_HZ, Baresip
from tests.support.listening import level_dbov, power_at, sine
from tests.support.programs import Phone, free_port, wait_until

TEXT = """\
[phone]
name = "Desk"
roles = [{roles}]
call_waiting = {waiting}

[[account]]
address = "{address}"
name = "Desk phone"
{account}

[sip]
listen = ["udp:127.0.0.1:{port}", "tcp:127.0.0.1:{port}"]

[media]
rtp_ports = [{rtp}, {rtp_last}]
codecs = [{codecs}]

[web]
listen = "{{web}}"

[dial]
timeout = 2
{more}
"""
WE_SAY_HZ = 1200.0
"""Speech is a tone; each end has its own."""
LOUD_DBOV = -40.0
"""Speech is above, a silent line below."""
RTP_PORTS = 20


def _ports_beside(sip: int) -> int | None:
    """The first of a range for RTP, None if SIP's port lies in it."""
    first = free_port(pair=True)
    return None if first <= sip < first + RTP_PORTS else first


class Desk(Phone):
    """A phone with a simulated board."""

    def __init__(
        self,
        folder: Path,
        address: str,
        account: str = "register = false",
        *,
        roles: Sequence[str] = ("user-agent",),
        codecs: Sequence[str] = ("PCMA", "PCMU"),
        port: int = 0,
        waiting: bool = True,
        more: str = "",
    ) -> None:
        """`account`: further lines of its account. `port`: of SIP, 0 for a free one. `waiting`: a second
        caller is announced. `more`: further tables."""
        self.port = port or free_port()
        self.address = address
        rtp = wait_until(lambda: _ports_beside(self.port), why="ports for RTP")
        text = TEXT.format(
            roles=_quoted(roles), address=address, account=account, port=self.port, codecs=_quoted(codecs),
            waiting=str(waiting).lower(), rtp=rtp, rtp_last=rtp + RTP_PORTS - 1, more=more,
        )  # fmt: skip
        super().__init__(folder, text)

    def stop(self) -> int:
        """Switch it off; the test fails if it logged a traceback."""
        code = super().stop()
        assert "Traceback" not in self.output, self.output
        return code

    def dial(self, to: str) -> str:
        """Call somebody through the API; the call's id."""
        return str(self.ask("POST", "/api/v1/calls", {"to": to})["id"])

    def tell(self, call: str, verb: str, **body: str) -> None:
        """Do something to a call through the API."""
        self.ask("POST", f"/api/v1/calls/{call}/{verb}", body)

    def press_key(self, key: str) -> None:
        """Press a key that is not a digit, and let it go."""
        for down in (True, False):
            self.ask("POST", "/sim/key", {"key": key, "down": down})

    def listed(self, call: str) -> dict[str, object]:
        """A call as the API shows it."""
        return next(one for one in self.phone["calls"] if one["id"] == call)

    def until(self, call: str, seconds: float = 30.0, **fields: object) -> dict[str, object]:
        """Wait until these fields of a call have these values."""

        def fits() -> bool:
            shown = self.listed(call)
            return all(shown[name] == value for name, value in fields.items())

        wait_until(fits, seconds, f"{fields} of {self.listed(call)}")
        return self.listed(call)

    def hears(self, frequency_hz: float, *, seconds: float = 30.0) -> None:
        """Wait until the earpiece sounds of this frequency, and of nothing else."""
        wait_until(lambda: _is_tone(self.heard(0.3), frequency_hz), seconds, f"{frequency_hz:g} Hz in the earpiece")

    def hears_nothing(self, *, seconds: float = 30.0) -> None:
        """Wait until the earpiece is silent."""
        wait_until(lambda: level_dbov(self.heard(0.3)) < LOUD_DBOV, seconds, "silence in the earpiece")

    def say(self, frequency_hz: float, seconds: float = 60.0) -> None:
        """Say a tone into the handset."""
        self.speak(sine(frequency_hz, seconds))


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def _is_tone(samples: Sequence[int], frequency_hz: float) -> bool:
    return len(samples) >= 2000 and level_dbov(samples) > LOUD_DBOV and power_at(samples, frequency_hz) > 0.9


def assert_peer_hears(peer: Baresip, frequency_hz: float) -> None:
    """The peer's recording comes to be this tone, and nothing else."""
    wait_until(lambda: _is_tone(peer.latest(0.3), frequency_hz), 30.0, f"{frequency_hz:g} Hz in baresip's recording")


def assert_speech_both_ways(desk: Desk, peer: Baresip) -> None:
    """Each hears what the other says, measured at both ends."""
    desk.say(WE_SAY_HZ)
    desk.hears(PEER_SAYS_HZ)
    assert_peer_hears(peer, WE_SAY_HZ)

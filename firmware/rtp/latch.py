"""Which source address is the far end's: symmetric RTP (RFC 4961) guarded against injected packets.

Packets from the signalled address are always the far end's. A translated far end sends from another one: it is believed
after a run of packets in sequence, and only while nothing comes from the address believed so far.
"""

from __future__ import annotations

from firmware.rtp.reception import NEAR
from firmware.rtp.serial import SEQUENCE_MODULUS

Address = tuple[str, int]

RUN = 5
"""Packets in sequence or nearly so, of one SSRC, from one new address, before it is believed."""
SILENCE = 5.0
"""Seconds without a packet from the address believed so far, before another may be."""


def reachable(address: Address) -> bool:
    """Return whether anything is to be sent there.

    RFC 3264 §8.4: nothing is sent to 0.0.0.0, the hold of old; nor to port 0.
    """
    return address[1] != 0 and address[0] not in ("0.0.0.0", "::")


class Latch:
    """The address we believe in.

    if latch.accepts(source, packet.ssrc, packet.sequence, now): ...
    """

    __slots__ = ("_candidate", "_candidate_sequence", "_candidate_ssrc", "_run", "_signalled", "address", "heard_at")

    def __init__(self, signalled: Address) -> None:
        self._signalled = signalled
        self.address = signalled
        """Where the far end is: send there."""
        self.heard_at: float | None = None
        """When the latest packet came from there."""
        self._forget_candidate()

    @property
    def signalled(self) -> Address:
        """The address the far end said in SDP."""
        return self._signalled

    def _forget_candidate(self) -> None:
        self._candidate: Address | None = None
        self._candidate_ssrc = 0
        self._candidate_sequence = 0
        self._run = 0

    def accepts(self, source: Address, ssrc: int, sequence: int, now: float) -> bool:
        """Tell whether a packet is the far end's; the address moves when a run is complete."""
        if source == self.address:
            self.heard_at = now
            return True
        if source != self._signalled and self._locked(now):
            return False
        self._count(source, ssrc, sequence)
        if self._run < RUN:
            return False
        self.address = source
        self.heard_at = now
        self._forget_candidate()
        return True

    def _locked(self, now: float) -> bool:
        return self.heard_at is not None and now - self.heard_at < SILENCE

    def _count(self, source: Address, ssrc: int, sequence: int) -> None:
        ahead = (sequence - self._candidate_sequence) & 0xFFFF
        same = source == self._candidate and ssrc == self._candidate_ssrc
        if same and SEQUENCE_MODULUS - ahead <= NEAR:
            return  # overtaken on the way
        self._run = self._run + 1 if same and 0 < ahead <= NEAR else 1
        self._candidate, self._candidate_ssrc, self._candidate_sequence = source, ssrc, sequence

"""A panel's bus that records what is sent, as luma's serial interface would; and can be unplugged."""

from __future__ import annotations


class PanelBus:
    """Implements `hw.pi.panel.Bus`."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.answers = True
        self.closed = 0

    def command(self, *octets: int) -> None:
        """Record commands, as "c" and their octets in hexadecimal."""
        self._record("c", bytes(octets))

    def data(self, octets: list[int]) -> None:
        """Record pixels, as "d" and their octets; long runs of one octet as 00*1024."""
        self._record("d", bytes(octets))

    def cleanup(self) -> None:
        """Count it."""
        self.closed += 1

    def take(self) -> list[str]:
        """What was sent since the last call."""
        sent, self.sent = self.sent, []
        return sent

    def _record(self, kind: str, octets: bytes) -> None:
        if not self.answers:
            raise OSError(121, "Remote I/O error")
        self.sent.append(f"{kind} {packed(octets)}")


def packed(octets: bytes) -> str:
    """Octets in hexadecimal, runs of nine or more of one as `00*1024`."""
    words: list[str] = []
    at = 0
    while at < len(octets):
        run = 1
        while at + run < len(octets) and octets[at + run] == octets[at]:
            run += 1
        words += [f"{octets[at]:02x}*{run}"] if run > 8 else [f"{octets[at]:02x}"] * run
        at += run
    return " ".join(words)

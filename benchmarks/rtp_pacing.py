"""How far sent RTP is from one packet every 20 ms: the media engine in a process of its own, and on asyncio's loop.

    python -m benchmarks.rtp_pacing [seconds]

The engine calls a socket of ours over loopback; the kernel stamps each packet when it comes in, so what is measured
is the sender. Aim: p99 under 3 ms on an idle machine.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from itertools import pairwise

from firmware.media.messages import (
    CloseSession,
    Command,
    ConfigureSession,
    ConnectAudio,
    Event,
    OpenSession,
    PayloadFormat,
    SessionOpened,
)
from firmware.runtime.media_local import MediaLocal
from firmware.runtime.media_process import MediaProcess
from hw.boards import open_audio

PORTS = (41000, 41099)
PERIOD_MS = 20.0
SO_TIMESTAMPNS = 35
PCMA = PayloadFormat(8, "PCMA")

Media = MediaLocal | MediaProcess


def listener() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock


def arrivals(sock: socket.socket) -> list[float]:
    """When the packets waiting on the socket came in, in milliseconds, by the kernel's stamps."""
    times: list[float] = []
    while True:
        try:
            _, ancillary, _, _ = sock.recvmsg(2048, 256)
        except BlockingIOError:
            return times
        for _, kind, stamp in ancillary:
            if kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("@qq", stamp[:16])
                times.append(seconds * 1e3 + nanoseconds / 1e6)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def measure(make: Callable[[Callable[[Event], None]], Media], seconds: float) -> list[float]:
    """Deviations from 20 ms between successive packets, in ms."""
    opened = asyncio.Event()
    media = make(lambda event: opened.set() if isinstance(event, SessionOpened) else None)
    await media.start()
    with listener() as sock:
        port = sock.getsockname()[1]
        remote, remote_rtcp = ("127.0.0.1", port), ("127.0.0.1", 9)
        formats = (PCMA,)
        media.send(OpenSession("bench", "127.0.0.1"))
        await opened.wait()
        commands: list[Command] = [
            ConfigureSession("bench", remote, remote_rtcp, PCMA, formats, None, None, "sendrecv"),
            ConnectAudio("bench"),
        ]
        for command in commands:
            media.send(command)
        await asyncio.sleep(1.0)
        arrivals(sock)
        times: list[float] = []
        for _ in range(int(seconds * 2)):
            await asyncio.sleep(0.5)
            times += arrivals(sock)
        media.send(CloseSession("bench"))
    await media.stop()
    return [abs(later - earlier - PERIOD_MS) for earlier, later in pairwise(times)]


def report(name: str, deviations: list[float]) -> None:
    figures = "  ".join(
        f"{label} {value:6.3f}"
        for label, value in (
            ("p50", percentile(deviations, 0.5)),
            ("p99", percentile(deviations, 0.99)),
            ("max", max(deviations)),
        )
    )
    print(f"{name:34} {figures}  ms, {len(deviations)} packets", flush=True)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    shells: dict[str, Callable[[Callable[[Event], None]], Media]] = {
        "own process, paced by us": lambda notify: MediaProcess("sim", PORTS, notify),
        "own process, card paces": lambda notify: MediaProcess("null", PORTS, notify),
        "asyncio, paced by us": lambda notify: MediaLocal(open_audio("sim"), PORTS, notify),
        "asyncio, card paces (thread)": lambda notify: MediaLocal(open_audio("null"), PORTS, notify),
    }
    for name, make in shells.items():
        report(name, asyncio.run(measure(make, seconds)))


if __name__ == "__main__":
    main()

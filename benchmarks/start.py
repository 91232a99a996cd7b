"""From the start of the program until a registrar has answered 200: median of 10, ours and baresip by turns.

    python -m benchmarks.start [--quick]

The registrar is a socket here that grants every REGISTER at once; the time ends when its 200 is on its way.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.figures import Aim, Figure, table
from benchmarks.programs import Baresip, Phone, available
from benchmarks.stamped import StampedSocket
from firmware.sip.message import Request, parse_message, response_to

STARTS, QUICK_STARTS = 10, 3
PATIENCE_S = 20.0

Start = Callable[[Path, int], Phone | Baresip]


def grant(register: bytes) -> bytes:
    """The 200 to a REGISTER, with the binding it asked for."""
    request = parse_message(register)
    assert isinstance(request, Request)
    assert request.method == "REGISTER"
    contact = f"<{request.contacts[0].uri}>;expires=600"
    return bytes(response_to(request, 200, to_tag="bench", fields=(("Contact", contact),)))


def registered_after(start: Start, folder: Path) -> float:
    """Start a telephone; milliseconds until it was registered."""
    with StampedSocket() as registrar:
        began = time.time()
        with start(folder, registrar.port) as program:
            came = registrar.receive(PATIENCE_S)
            assert came is not None, f"no REGISTER:\n{program.output}"
            registrar.send(grant(came[0]), came[1])
            return 1000.0 * (time.time() - began)


def run(*, quick: bool = False) -> list[Figure]:
    """Start each so often, and return the figures."""
    starts: dict[str, Start] = {
        "quiet": lambda folder, port: Phone(folder, "quiet", registrar=port, web=True),
        "sim": lambda folder, port: Phone(folder, "sim", registrar=port, web=True),
    }
    if available():
        starts["baresip"] = lambda folder, port: Baresip(folder, registrar=port)
    times: dict[str, list[float]] = {name: [] for name in starts}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for start in starts.values():
            registered_after(start, folder)  # compiles, and brings the files into memory
        for _ in range(QUICK_STARTS if quick else STARTS):
            for kind, start in starts.items():
                times[kind].append(registered_after(start, folder))
    peer = median(times["baresip"]) if "baresip" in times else None
    return [
        Figure("start to registered, ms, median", median(times["quiet"]), peer, aim=Aim(at_most=400.0)),
        Figure("  engine in the phone's process", median(times["sim"]), peer, aim=Aim(at_most=400.0)),
    ]


if __name__ == "__main__":
    print(table(run(quick="--quick" in sys.argv)))

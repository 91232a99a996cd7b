"""How far sent RTP is from one packet every 20 ms: whole telephones in a call, ours and baresip at the same time.

    python -m benchmarks.rtp_pacing [--quick]

Each is called from sockets of ours over loopback. The kernel stamps each packet when it comes in, so what is measured
is the sender. Aim: p99 under 3 ms on an idle machine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

from benchmarks.caller import Answer, Caller
from benchmarks.figures import Aim, Figure, percentile, table
from benchmarks.programs import Baresip, Phone, available, settled

SECONDS, QUICK_SECONDS = 30.0, 4.0
SETTLING_S = 1.5
"""The first packets are not counted."""
PERIOD_MS = 20.0
OK = range(200, 300)


def converse(callers: Mapping[str, Caller], seconds: float) -> dict[str, list[float]]:
    """Call all at once; the deviations from 20 ms between successive packets of each, in ms."""
    answers: dict[str, Answer] = {}
    for name, caller in callers.items():
        caller.invite()
        answers[name] = caller.answer("INVITE", OK)
        caller.acknowledge(answers[name])
    time.sleep(SETTLING_S)
    for caller in callers.values():
        list(caller.media.waiting())
    times: dict[str, list[float]] = {name: [] for name in callers}
    for _ in range(int(seconds)):
        time.sleep(1.0)
        for name, caller in callers.items():
            times[name] += [at for _, at in caller.media.waiting()]
    for name, caller in callers.items():
        caller.hang_up(answers[name])
    return {name: [abs(1000.0 * (b - a) - PERIOD_MS) for a, b in pairwise(each)] for name, each in times.items()}


def run(*, quick: bool = False) -> list[Figure]:
    """Start the telephones, call them, and return the figures."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        phones: dict[str, Phone | Baresip] = {
            board: stack.enter_context(Phone(folder, board, answers=True)).up() for board in ("quiet", "sim")
        }
        if available():
            phones["baresip"] = stack.enter_context(Baresip(folder, answers=True)).up()
        for phone in phones.values():
            settled(phone)
        callers = {name: stack.enter_context(Caller(phone.port)) for name, phone in phones.items()}
        deviations = converse(callers, QUICK_SECONDS if quick else SECONDS)
    return _figures(deviations)


def _figures(deviations: Mapping[str, list[float]]) -> list[Figure]:
    peer = deviations.get("baresip")
    figures = []
    for board, what in (("quiet", "sent RTP off 20 ms"), ("sim", "  engine in the phone's process")):
        for share, name in ((0.5, "p50"), (0.99, "p99"), (1.0, "max")):
            ours, theirs = percentile(deviations[board], share), percentile(peer, share) if peer else None
            aim = Aim(at_most=3.0) if share == 0.99 else None
            figures.append(Figure(f"{what}, ms, {name}", ours, theirs, aim=aim))
    return figures


if __name__ == "__main__":
    print(table(run(quick="--quick" in sys.argv)))

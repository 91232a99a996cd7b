"""From INVITE to 180 over loopback UDP, by the kernel's stamp: median of 200 calls, ours and baresip by turns.

python -m benchmarks.invite_to_180 [--quick]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.caller import Caller
from benchmarks.figures import Aim, Figure, percentile, table
from benchmarks.programs import Baresip, Phone, available, settled

CALLS, QUICK_CALLS = 200, 20
RINGING = range(180, 181)


def ring(caller: Caller) -> float:
    """One call given up as soon as it rings; milliseconds to the 180."""
    caller.invite()
    answer = caller.answer("INVITE", RINGING)
    caller.cancel()
    return answer.after_ms


def take_turns(callers: Mapping[str, Caller], calls: int) -> dict[str, list[float]]:
    """The same number of calls to each, one after another, so that a busy machine slows all alike."""
    for caller in callers.values():
        ring(caller)  # what is done only once is done now
    times: dict[str, list[float]] = {name: [] for name in callers}
    for _ in range(calls):
        for name, caller in callers.items():
            times[name].append(ring(caller))
    return times


def run(*, quick: bool = False) -> list[Figure]:
    """Start the telephones, call them, and return the figures."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        phones: dict[str, Phone | Baresip] = {board: Phone(folder, board).up() for board in ("quiet", "sim")}
        if available():
            phones["baresip"] = Baresip(folder).up()
        for phone in phones.values():
            stack.enter_context(phone)
            settled(phone)
        callers = {name: stack.enter_context(Caller(phone.port)) for name, phone in phones.items()}
        times = take_turns(callers, QUICK_CALLS if quick else CALLS)
    peer = times.get("baresip")
    peer_median = median(peer) if peer else None
    return [
        Figure("INVITE to 180, ms, median", median(times["quiet"]), peer_median, aim=Aim(at_most=1.5)),
        Figure("  p99", percentile(times["quiet"], 0.99), percentile(peer, 0.99) if peer else None),
        Figure("  engine in the phone's process, median", median(times["sim"]), peer_median, aim=Aim(at_most=1.5)),
    ]


if __name__ == "__main__":
    print(table(run(quick="--quick" in sys.argv)))

"""CPU time and memory of a telephone in a G.711 call of one minute: ours and baresip at the same time.

    python -m benchmarks.call [--quick]

A baresip calls each of them: our phone with its engine in a process of its own, our phone in one process, and a
baresip. All calls go on at once, so what the machine does besides is the same for all. CPU time is user and system
time of every process of the telephone, memory the sum of their proportional set sizes (PSS). Before, what they take
while nobody calls.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Aim, Figure, table
from benchmarks.programs import Baresip, Phone, available, settled

SECONDS, QUICK_SECONDS = 60.0, 6.0
SETTLING_S = 3.0
"""After the answer, until the first look."""
RESTING_S = 7.0
"""After the start, until nothing is left to be done: our sound card rests after five seconds without a sound."""


@dataclass(slots=True)
class Cost:
    """What a telephone took."""

    idle_mb: float
    call_mb: float = 0.0
    cpu_s: float = 0.0
    """In a minute of call."""
    idle_cpu_s: float = 0.0
    """In a minute without one."""


def cost_of_calls(phones: Mapping[str, Phone | Baresip], folder: Path, seconds: float) -> dict[str, Cost]:
    """A baresip calls each; what each took, brought to one minute."""
    for phone in phones.values():
        settled(phone)
    time.sleep(RESTING_S)
    costs = {name: Cost(phone.memory_mb()) for name, phone in phones.items()}
    for name, cpu_s in _spent(phones, seconds).items():
        costs[name].idle_cpu_s = cpu_s
    with ExitStack() as stack:
        for phone in phones.values():
            stack.enter_context(Baresip(folder, dials=phone.port)).wait_for("Call established")
        time.sleep(SETTLING_S)
        for name, cpu_s in _spent(phones, seconds).items():
            costs[name].cpu_s = cpu_s
            costs[name].call_mb = phones[name].memory_mb()
    return costs


def _spent(phones: Mapping[str, Phone | Baresip], seconds: float) -> dict[str, float]:
    """CPU time of each in the next `seconds`, brought to one minute."""
    began, before = time.monotonic(), {name: phone.cpu_seconds() for name, phone in phones.items()}
    time.sleep(seconds)
    minute = 60.0 / (time.monotonic() - began)
    return {name: minute * (phone.cpu_seconds() - before[name]) for name, phone in phones.items()}


def run(*, quick: bool = False) -> list[Figure]:
    """Start the telephones, call them, and return the figures."""
    if not available():
        print("without the call: there is no baresip to call us (apt install baresip-core)")
        return []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        phones: dict[str, Phone | Baresip] = {
            "quiet": Phone(folder, "quiet", answers=True),
            "page": Phone(folder, "quiet", answers=True, web=True),
            "sim": Phone(folder, "sim", answers=True),
            "baresip": Baresip(folder, answers=True),
        }
        for phone in phones.values():
            stack.enter_context(phone).up()
        costs = cost_of_calls(phones, folder, QUICK_SECONDS if quick else SECONDS)
    return _figures(costs)


def _figures(costs: Mapping[str, Cost]) -> list[Figure]:
    peer, quiet, page, sim = costs["baresip"], costs["quiet"], costs["page"], costs["sim"]
    cheap, small = Aim(ratio_at_most=1.2), Aim(at_most=60.0)
    return [
        Figure("G.711 call, CPU-s a minute", quiet.cpu_s, peer.cpu_s, aim=cheap),
        Figure("  engine in the phone's process", sim.cpu_s, peer.cpu_s, aim=cheap),
        Figure("without a call, CPU-s a minute", quiet.idle_cpu_s, peer.idle_cpu_s),
        Figure("memory, idle, MB", quiet.idle_mb, peer.idle_mb, aim=small),
        Figure("  in the call", quiet.call_mb, peer.call_mb, aim=small),
        Figure("  with its page, idle", page.idle_mb, peer.idle_mb, aim=small),
        Figure("  with its page, in the call", page.call_mb, peer.call_mb, aim=small),
        Figure("  engine in the phone's process, in the call", sim.call_mb, peer.call_mb, aim=small),
    ]


if __name__ == "__main__":
    print(table(run(quick="--quick" in sys.argv)))

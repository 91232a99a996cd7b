"""What a registration with digest costs an exchange, in CPU time: our registrar beside Kamailio, SIPp as the phones.

    python -m benchmarks.exchange [--quick]

Each REGISTER is challenged and comes again with credentials (RFC 3261 §22), so that one registration is two
transactions. SIPp does the same to one exchange after the other. What an exchange takes when nobody registers is
subtracted.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.figures import Figure, table
from benchmarks.programs import HOST
from tests.interop.peers import SBIN, Kamailio, Sipp
from tests.support.programs import Program, free_port

REGISTRATIONS, QUICK_REGISTRATIONS = 480, 100
"""Two transactions each. Ours keeps 1024 of one host for their 32 s (Timer J), and refuses what is beyond."""
RATE = 100
"""Registrations a second: neither exchange is at its limit."""
IDLE_S = 2.0
USER, PASSWORD, DOMAIN = "1001", "secret", "bench.test"

_REGISTER = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="registration">
  <send retrans="500"><![CDATA[{first}]]></send>
  <recv response="100" optional="true"></recv>
  <recv response="401" auth="true"></recv>
  <send retrans="500"><![CDATA[{second}]]></send>
  <recv response="100" optional="true"></recv>
  <recv response="200"></recv>
</scenario>
"""
_REQUEST = """
REGISTER sip:{domain} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:{user}@{domain}>;tag=[call_number]
To: <sip:{user}@{domain}>
Call-ID: [call_id]
CSeq: {number} REGISTER
Contact: <sip:{user}@[local_ip]:[local_port]>
Expires: 600
{credentials}Content-Length: 0

"""
_EXCHANGE = """
[phone]
name = "Bench"
memory = ""
roles = ["registrar", "proxy"]

[sip]
listen = ["udp:127.0.0.1:{port}"]

[registrar]
domain = "{domain}"
users = {{ {user} = "{password}" }}
"""


class OurExchange(Program):
    """`offhook run` as a registrar and proxy. `port` is its SIP port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        path = folder / "exchange.toml"
        path.write_text(_EXCHANGE.format(port=self.port, domain=DOMAIN, user=USER, password=PASSWORD))
        super().__init__([sys.executable, "-m", "firmware", "run", str(path)], name="offhook as exchange")
        self.wait_for("ready")


def _scenario() -> str:
    login = f"[authentication username={USER} password={PASSWORD}]\n"
    requests = [
        _REQUEST.format(domain=DOMAIN, user=USER, number=number, credentials=credentials)
        for number, credentials in ((1, ""), (2, login))
    ]
    return _REGISTER.format(first=requests[0], second=requests[1])


def cost_ms(exchange: Kamailio | OurExchange, folder: Path, registrations: int) -> float:
    """CPU milliseconds a registration."""
    before = exchange.cpu_seconds()
    time.sleep(IDLE_S)
    idle = (exchange.cpu_seconds() - before) / IDLE_S
    before, began = exchange.cpu_seconds(), time.monotonic()
    arguments = ("-r", str(RATE), "-l", "1000")
    with Sipp(folder, _scenario(), *arguments, remote=exchange.port, calls=registrations) as phones:
        phones.succeeded(registrations)
    taken = exchange.cpu_seconds() - before - idle * (time.monotonic() - began)
    return 1000.0 * taken / registrations


def run(*, quick: bool = False) -> list[Figure]:
    """Register at each, and return the figures."""
    if shutil.which("sipp") is None:
        print(f"without the exchange on {HOST}: there is no SIPp to register at it (apt install sip-tester)")
        return []
    registrations = QUICK_REGISTRATIONS if quick else REGISTRATIONS
    peer = None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours = cost_ms(stack.enter_context(OurExchange(folder)), folder, registrations)
        if shutil.which("kamailio", path=SBIN) is not None:
            peer = cost_ms(stack.enter_context(Kamailio(folder, DOMAIN, {USER: PASSWORD})), folder, registrations)
    return [Figure("registration with digest, CPU ms", ours, peer, "kamailio")]


if __name__ == "__main__":
    print(table(run(quick="--quick" in sys.argv)))

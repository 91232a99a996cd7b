"""A caller made for measuring: SIP over UDP as text, one call at a time, and no media but what it is sent."""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks.stamped import HOST, StampedSocket
from firmware.sip.message import Response, parse_message

PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A response."""

    response: Response
    after_ms: float
    """Between the sending of the INVITE and the response's arrival."""


class Caller:
    """Calls one telephone on loopback; a context manager."""

    def __init__(self, port: int) -> None:
        """`port`: the telephone's SIP port."""
        self._remote = (HOST, port)
        self._socket = StampedSocket()
        self._calls = 0
        self._branch = ""
        self._sent_at = 0.0
        self.media = StampedSocket()
        """Where it wants RTP sent."""

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.__exit__()
        self.media.__exit__()

    def invite(self) -> None:
        """Call the telephone: G.711 µ-law and telephone-events are offered."""
        self._calls += 1
        self._branch = f"z9hG4bK{self._calls:08x}"
        sdp = (
            f"v=0\r\no=- {self._calls} 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
            f"m=audio {self.media.port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
        )
        self._send("INVITE", f"<sip:1001@{HOST}>", f"1 INVITE\r\nContact: <sip:bench@{HOST}:{self._socket.port}>", sdp)

    def _send(self, method: str, to: str, cseq: str, sdp: str = "", target: str = "", branch: str = "") -> None:
        host, port = self._remote
        kind = "Content-Type: application/sdp\r\n" if sdp else ""
        message = (
            f"{method} {target or f'sip:1001@{host}:{port}'} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {HOST}:{self._socket.port};branch={branch or self._branch}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:bench@{HOST}>;tag=t{self._calls}\r\nTo: {to}\r\n"
            f"Call-ID: {self._socket.port}-{self._calls}@{HOST}\r\nCSeq: {cseq}\r\n{kind}"
            f"Content-Length: {len(sdp)}\r\n\r\n{sdp}"
        ).encode()
        if method == "INVITE":
            self._sent_at = time.time()
        self._socket.send(message, self._remote)

    def answer(self, method: str, status: range) -> Answer:
        """Wait for a response with such a status to the request of that method. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE_S
        while (left := deadline - time.monotonic()) > 0:
            came = self._socket.receive(left)
            if came is None:
                break
            message = parse_message(came[0])
            if not isinstance(message, Response) or message.cseq.method != method or message.status not in status:
                continue
            if message.call_id.startswith(f"{self._socket.port}-{self._calls}@"):
                return Answer(message, 1000.0 * (came[2] - self._sent_at))
        raise TimeoutError(f"no {status.start} to {method}")

    def cancel(self) -> None:
        """Give the call up while it rings, and see it end."""
        self._send("CANCEL", f"<sip:1001@{HOST}>", "1 CANCEL")
        ended = self.answer("INVITE", range(300, 700)).response
        self._send("ACK", str(ended.to), "1 ACK")

    def acknowledge(self, answer: Answer) -> None:
        """Take the 2xx."""
        self._within_dialog(answer, "ACK", 1)

    def hang_up(self, answer: Answer) -> None:
        """End the call that was answered so."""
        self._within_dialog(answer, "BYE", 2)
        self.answer("BYE", range(200, 300))

    def _within_dialog(self, answer: Answer, method: str, number: int) -> None:
        response = answer.response
        target = str(response.contacts[0].uri)
        self._send(method, str(response.to), f"{number} {method}", target=target, branch=f"{self._branch}{method}")

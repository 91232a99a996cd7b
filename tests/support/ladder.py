"""Message flows as RFC 3665 draws them: the arrows of a diagram found again in what a world sent, and its rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from firmware.sip.message import Message, Request, Response
from tests.support.world import Sent


@dataclass(frozen=True)
class Arrow:
    """One message between two parties of a diagram."""

    source: str
    target: str
    summary: str
    sent: Sent

    @property
    def message(self) -> Message:
        return self.sent.message

    def __str__(self) -> str:
        return f"{self.source} > {self.target}: {self.summary}"


def arrows(trace: Sequence[Sent], names: Mapping[str, str]) -> list[Arrow]:
    """What was sent, with the parties' names instead of their hosts."""
    return [
        Arrow(names[sent.source[0]], names[sent.destination[0]], sent.summary, sent)
        for sent in trace
        if sent.data.strip()
    ]


class Ladder:
    """A flow compared with its diagram: `ladder[1]` is F1.

    The messages between each two parties come in the diagram's order, and nothing else is sent; so does the whole,
    but for 100s, which an element sends at the same moment at which it passes the request on.
    """

    def __init__(self, trace: Sequence[Sent], names: Mapping[str, str], diagram: str) -> None:
        found = arrows(trace, names)
        expected = [line.strip() for line in diagram.splitlines() if line.strip()]
        assert sorted(map(str, found)) == sorted(expected), "\n".join(map(str, found))
        assert _without_trying(map(str, found)) == _without_trying(expected)
        for pair in {frozenset((arrow.source, arrow.target)) for arrow in found}:
            assert _between(map(str, found), pair) == _between(expected, pair)
        self._by_text: dict[str, list[Arrow]] = {}
        for arrow in found:
            self._by_text.setdefault(str(arrow), []).append(arrow)
        self.arrows = [self._by_text[text].pop(0) for text in expected]

    def __getitem__(self, number: int) -> Message:
        return self.arrows[number - 1].message

    def request(self, number: int) -> Request:
        """F`number`, which is a request."""
        message = self[number]
        assert isinstance(message, Request)
        return message

    def response(self, number: int) -> Response:
        """F`number`, which is a response."""
        message = self[number]
        assert isinstance(message, Response)
        return message

    def data(self, number: int) -> bytes:
        """F`number` as sent."""
        return self.arrows[number - 1].sent.data

    def at(self, number: int) -> float:
        """When F`number` was sent."""
        return self.arrows[number - 1].sent.at


def _without_trying(texts: object) -> list[str]:
    return [text for text in texts if ": 100 " not in text]  # type: ignore[attr-defined]


def _between(texts: object, pair: frozenset[str]) -> list[str]:
    return [text for text in texts if frozenset(text.partition(":")[0].split(" > ")) == pair]  # type: ignore[attr-defined]


def check_rules(ladder: Ladder) -> None:
    """What holds for every message of every flow, whatever it is about."""
    for arrow in ladder.arrows:
        _check_message(arrow)
        if isinstance(arrow.message, Response):
            _check_response(ladder, arrow, arrow.message)
        elif arrow.message.method == "ACK":
            _check_ack(ladder, arrow, arrow.message)
        elif arrow.message.method == "CANCEL":
            _check_cancel(ladder, arrow, arrow.message)


def _check_message(arrow: Arrow) -> None:
    message = arrow.message
    assert message.content_length == len(message.body)
    assert (message.content_type is not None) == bool(message.body)
    assert message.from_.tag
    assert message.via.branch is not None
    assert message.via.branch.startswith("z9hG4bK")
    if isinstance(message, Request):
        assert message.max_forwards == 70 - (len(message.vias) - 1)
        assert message.cseq.method == message.method
        # Who sends a request has put himself on top; whoever passed it on noted where it came from (§18.2.1).
        assert message.via.host == arrow.sent.source[0]
        assert all(via.received is not None or via.rport is not None for via in message.vias[1:])


def _requests_before(ladder: Ladder, arrow: Arrow) -> list[tuple[Arrow, Request]]:
    earlier = [each for each in ladder.arrows if each.sent.at <= arrow.sent.at]
    return [(each, message) for each in earlier if isinstance(message := each.message, Request)]


def _check_response(ladder: Ladder, arrow: Arrow, response: Response) -> None:
    """§8.2.6.2: Via, From, Call-ID, CSeq and To of the request."""
    asked = [
        request
        for each, request in _requests_before(ladder, arrow)
        if (each.source, each.target) == (arrow.target, arrow.source)
        and request.via.branch == response.via.branch
        and request.method == response.cseq.method
    ]
    assert asked, f"{arrow} answers nothing"
    request = asked[-1]
    assert [via.branch for via in response.vias] == [via.branch for via in request.vias]
    assert response.via.received is not None or response.via.rport is not None
    for name in ("From", "Call-ID", "CSeq"):
        assert response.fields.all(name) == request.fields.all(name)
    assert response.to.uri == request.to.uri
    if request.to.tag is not None:
        assert response.to.tag == request.to.tag
    assert (response.to.tag is None) == (response.status == 100)


def _check_ack(ladder: Ladder, arrow: Arrow, ack: Request) -> None:
    invite, final = _acknowledged(ladder, arrow, ack)
    assert ack.cseq.number == invite.cseq.number
    assert ack.from_ == invite.from_
    assert ack.to.tag == final.to.tag
    if final.status < 300:
        # §13.2.2.4: a request of its own, along the route set, to the remote target.
        assert ack.via.branch != invite.via.branch
        assert ack.uri == final.contacts[0].uri
        return
    # §17.1.1.3: hop by hop, with the INVITE's Request-URI, Routes and its one Via.
    assert [via.branch for via in ack.vias] == [invite.via.branch]
    assert ack.uri == invite.uri
    assert ack.fields.all("Route") == invite.fields.all("Route")
    assert ack.body == b""


def _acknowledged(ladder: Ladder, arrow: Arrow, ack: Request) -> tuple[Request, Response]:
    """The INVITE and the final response that an ACK is for: on this link, or where routes keep proxies out, on any."""
    invites = [
        (each, request)
        for each, request in _requests_before(ladder, arrow)
        if request.method == "INVITE" and request.cseq.number == ack.cseq.number and request.call_id == ack.call_id
    ]
    same_link = [pair for pair in invites if (pair[0].source, pair[0].target) == (arrow.source, arrow.target)]
    invite = (same_link or invites)[-1][1]
    finals = [
        each.message
        for each in ladder.arrows
        if isinstance(each.message, Response)
        and each.message.status >= 200
        and each.message.fields.get("CSeq") == invite.fields.get("CSeq")
        and each.message.via.branch == invite.via.branch
    ]
    assert finals, f"{arrow} acknowledges nothing"
    return invite, finals[-1]


def _check_cancel(ladder: Ladder, arrow: Arrow, cancel: Request) -> None:
    """§9.1."""
    (invite,) = {
        request
        for each, request in _requests_before(ladder, arrow)
        if request.method == "INVITE" and request.via.branch == cancel.via.branch
    }
    assert len(cancel.vias) == 1
    assert cancel.uri == invite.uri
    assert cancel.cseq.number == invite.cseq.number
    for name in ("From", "To", "Call-ID", "Route"):
        assert cancel.fields.all(name) == invite.fields.all(name)
    assert cancel.require == cancel.proxy_require == ()

"""Whatever a peer sends in whatever order, and whatever the person does meanwhile: nothing raises, nothing is left."""

from __future__ import annotations

from random import Random

import pytest

from firmware.sip.cores.user_agent_events import Ended, IncomingCall
from firmware.sip.message import Request
from firmware.sip.uri import parse_sip_uri
from tests.support.telephones import ANSWER, OFFER, Peer, Telephone, Wire, telephone

ALICE, BOB = "192.168.0.1", "192.168.0.2"
DIRECT = f"sip:alice@{ALICE}"
INSIDE = ["BYE", "INVITE", "INVITE", "UPDATE", "INFO", "OPTIONS", "REFER", "NOTIFY", "MESSAGE", "ACK"]
STATUSES = [100, 180, 183, 200, 200, 200, 200, 202, 302, 401, 404, 407, 408, 481, 486, 488, 491, 491, 500, 503, 603]
VERBS = ["ring", "answer", "answer", "reject", "hang_up", "reinvite", "accept_offer", "accept_offer", "refuse_offer"]
VERBS += ["transfer", "follow_transfer", "refuse_transfer"]
EXTRA = {
    "REFER": (("Refer-To", f"<sip:carol@{BOB}>"),),
    "NOTIFY": (("Event", "refer"), ("Subscription-State", "active")),
}


class Play:
    """One play between a telephone and a peer, drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.wire = Wire()
        proxy = {"outbound_proxy": parse_sip_uri(f"sip:{BOB}")} if seed % 2 else {}
        self.alice: Telephone = telephone(self.wire, ALICE, "alice", seed=seed, password="secret", **proxy)
        self.peer = Peer(self.wire, BOB, "bob")
        self.made: list[str] = []
        self.sequence = 0
        self.answered: set[int] = set()

    def act(self) -> None:
        """Do one thing."""
        move = self.random.choices(
            [self.invite, self.call, self.verb, self.reply, self.request, self.acknowledge, self.cancel, self.wait],
            [2, 1, 10, 10, 6, 4, 1, 2],
        )[0]
        move()
        self.wire.run(self.random.choice([0, 0.005, 0.05]))

    def invite(self) -> None:
        self.made.append(f"c{len(self.made)}")
        sdp = self.random.choice([OFFER, OFFER, None])
        self.alice.agent.invite(self.made[-1], "sip:alice@home.test", f"sip:bob@{BOB}", sdp, self.wire.now)

    def call(self) -> None:
        self.sequence += 1
        self.peer.send(
            ALICE,
            DIRECT,
            call_id=f"call-{self.sequence}",
            cseq=self.sequence,
            branch=f"z9hG4bKcall{self.sequence}",
            body=self.random.choice([OFFER, b""]),
        )

    def verb(self) -> None:
        known = [*(event.call for event in self.alice.events(IncomingCall)), *self.made]
        if not known:
            return
        agent, now, call = self.alice.agent, self.wire.now, self.random.choice(known[-3:])
        name = self.random.choice(VERBS)
        if name == "follow_transfer":
            agent.follow_transfer(call, f"t{now}", OFFER, now)
        elif name == "transfer":
            agent.transfer(call, now, **self.random.choice([{"to": f"sip:carol@{BOB}"}, {"replaces_call": known[0]}]))
        elif name in ("answer", "reinvite", "accept_offer"):
            getattr(agent, name)(call, ANSWER, now)
        elif name in ("reject", "refuse_offer"):
            getattr(agent, name)(call, 488, now)
        else:
            getattr(agent, name)(call, now)

    def reply(self) -> None:
        asked = [one for one in self.peer.inbox if isinstance(one, Request) and one.method != "ACK"]
        if not asked:
            return
        request = self.random.choice(asked[-4:])
        status = self.random.choice(STATUSES)
        challenge = 'Digest realm="home.test", nonce="n", qop="auth", stale=true'
        fields = {401: {"WWW_Authenticate": challenge}, 407: {"Proxy_Authenticate": challenge}}.get(status, {})
        tag = request.to.tag or self.random.choice(["p", "p", "q"])
        self.peer.reply(request, status, tag=tag, body=ANSWER if status in (183, 200) else b"", **fields)

    def request(self) -> None:
        """Something inside a dialog, seldom with an old number."""
        names = self._dialog()
        if names is None:
            return
        method = self.random.choice(INSIDE)
        self.sequence += 1
        cseq = 1 if self.random.random() < 0.1 else self.sequence
        offered = method in ("INVITE", "UPDATE") and self.random.random() < 0.7
        body = OFFER if offered else b"SIP/2.0 200 OK\r\n" if method == "NOTIFY" else b""
        self.peer.send(
            ALICE, DIRECT, method, cseq=cseq, body=body, extra=EXTRA.get(method, ()), **names,
            kind="message/sipfrag" if method == "NOTIFY" else "application/sdp",
        )  # fmt: skip

    def _dialog(self) -> dict[str, str | None] | None:
        ours = [one for one in self.peer.responses() if one.to.tag and one.status < 300]
        theirs = self.peer.requests("INVITE")
        choices: list[dict[str, str | None]] = [{"call_id": one.call_id, "to_tag": one.to.tag} for one in ours[-2:]]
        choices += [{"call_id": one.call_id, "to_tag": one.from_.tag, "from_tag": "p"} for one in theirs[-2:]]
        return self.random.choice(choices) if choices else None

    def acknowledge(self) -> None:
        """ACK a 2xx of Alice's."""
        accepted = [one for one in self.peer.responses() if one.is_success]
        if accepted:
            one = self.random.choice(accepted[-2:])
            body = self.random.choice([b"", ANSWER])
            self.peer.send(
                ALICE, DIRECT, "ACK", call_id=one.call_id, to_tag=one.to.tag, from_tag=one.from_.tag,
                cseq=one.cseq.number, body=body,
            )  # fmt: skip

    def cancel(self) -> None:
        self.peer.send(
            ALICE, DIRECT, "CANCEL", call_id=f"call-{self.sequence}", cseq=self.sequence,
            branch=f"z9hG4bKcall{self.sequence}",
        )  # fmt: skip

    def wait(self) -> None:
        self.wire.run(self.random.choice([0.6, 5, 40, 200]))


@pytest.mark.parametrize("seed", range(200))
def test_any_order_of_messages_and_verbs(seed: int) -> None:
    play = Play(seed)
    for _ in range(40):
        play.act()
    play.alice.agent.stop(play.wire.now)
    play.wire.run(500)

    assert play.alice.agent.idle
    assert play.alice.endpoint.next_deadline() is None
    assert play.alice.endpoint.transactions == (0, 0)
    ended = [event.call for event in play.alice.events(Ended)]
    assert len(ended) == len(set(ended))
    assert {event.call for event in play.alice.events(IncomingCall)} | set(play.made) <= set(ended)

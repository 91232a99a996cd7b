"""Our call before it is answered: what comes in its early dialogs (RFC 3261 §12.1, RFC 3311), and its ends."""

from __future__ import annotations

import pytest

from firmware.sip.cores.user_agent_events import Answered, Ended, Progress, Responded
from firmware.sip.uri import parse_sip_uri
from tests.support.telephones import ANSWER, OFFER, Peer, Telephone, Wire, telephone

ALICE, BOB, CAROL = "192.168.0.1", "192.168.0.2", "192.168.0.3"
ACCOUNT = "sip:alice@home.test"


def ringing() -> tuple[Wire, Telephone, Peer, dict[str, str | None]]:
    """Alice calls the peer, who rings; how the peer names the early dialog."""
    wire = Wire()
    alice, peer = telephone(wire, ALICE, "alice"), Peer(wire, BOB, "bob")
    alice.agent.invite("c", ACCOUNT, f"sip:bob@{BOB}", OFFER, wire.now)
    wire.run(0.1)
    invite = peer.requests("INVITE")[0]
    peer.reply(invite, 180)
    wire.run(0.1)
    return wire, alice, peer, {"call_id": invite.call_id, "to_tag": invite.from_.tag}


def send(peer: Peer, method: str, dialog: dict[str, str | None], **options: object) -> int:
    """Send a request inside the early dialog; the status it got."""
    peer.send(ALICE, f"sip:alice@{ALICE}", method, **dialog, **options)
    peer.wire.run(0.1)
    return peer.responses(method)[-1].status


def test_update_moves_the_remote_target() -> None:
    """RFC 3311 §5.2; seen by where ACK and BYE go when the 2xx has the same Contact."""
    _, alice, peer, dialog = ringing()

    assert send(peer, "UPDATE", dialog) == 200
    assert str(peer.responses("UPDATE")[0].contacts[0].uri) == f"sip:{alice.account.contact_user}@{ALICE}:5060"


def test_update_with_an_offer_crosses_our_own() -> None:
    """RFC 3311 §5.2: our INVITE's offer has no reliable answer."""
    _, _, peer, dialog = ringing()

    assert send(peer, "UPDATE", dialog, body=OFFER) == 491


def test_bye_of_a_callee_ends_only_its_fork() -> None:
    wire, alice, peer, dialog = ringing()
    assert send(peer, "BYE", dialog) == 200
    assert send(peer, "INFO", dialog, cseq=2) == 481
    peer.reply(peer.requests("INVITE")[0], 200, tag="other", body=ANSWER)
    wire.run(0.1)

    assert alice.only(Answered).sdp == ANSWER


def test_early_requests_are_kept_in_order() -> None:
    """§12.2.2."""
    _, _, peer, dialog = ringing()

    assert [send(peer, "INFO", dialog, cseq=cseq) for cseq in (5, 4)] == [200, 500]


def test_early_dialog_ends_with_a_failure() -> None:
    """§13.2.2.3."""
    wire, alice, peer, dialog = ringing()
    peer.reply(peer.requests("INVITE")[0], 486)
    wire.run(0.1)

    assert send(peer, "INFO", dialog) == 481
    assert alice.agent.idle


def test_100_is_no_progress() -> None:
    wire, alice, peer, _ = ringing()
    peer.reply(peer.requests("INVITE")[0], 100)
    wire.run(0.1)

    assert [event.status for event in alice.events(Progress)] == [180]
    assert alice.only(Responded).call == "c"


def test_2xx_that_cannot_be_read_ends_the_call_in_the_end() -> None:
    """Without Contact no dialog can be made of it (§12.1.2): it is as good as lost."""
    wire, alice, peer, _ = ringing()
    peer.reply(peer.requests("INVITE")[0], 200, body=ANSWER, Contact="<mailto:bob@home.test>")
    wire.run(33)

    assert alice.only(Ended).by == "network"
    assert not alice.events(Answered)


@pytest.mark.parametrize("status", [305, 380, 404, 480, 484, 488, 500, 600, 603, 606])
def test_final_responses_end_the_call_with_their_words(status: int) -> None:
    """RFC 4504 Req-29; 305 and 380 name no address to call."""
    wire, alice, peer, _ = ringing()
    peer.reply(peer.requests("INVITE")[0], status, Contact=f"<sip:carol@{CAROL}>")
    wire.run(0.1)

    ended = alice.only(Ended)
    assert (ended.code, ended.by) == (status, "remote")
    assert ended.reason


def test_redirection_from_sips_to_sip_is_refused() -> None:
    """§8.1.3.4."""
    from firmware.sip.cores.agent.redirection import Redirection
    from firmware.sip.message import Fields, Response

    secure = parse_sip_uri("sips:bob@home.test")
    moved = Response(302, "Moved", Fields([("Contact", "<sip:bob@b.test>, <sips:bob@c.test>")]))

    assert Redirection().next(secure, moved, lambda uri: uri) == parse_sip_uri("sips:bob@c.test")  # type: ignore[arg-type,return-value]


def test_same_call_id_twice_is_our_own_fault() -> None:
    wire, alice, *_ = ringing()
    with pytest.raises(ValueError, match="exists"):
        alice.agent.invite("c", ACCOUNT, "sip:x@y.test", OFFER, wire.now)
    with pytest.raises(ValueError, match="no account"):
        alice.agent.invite("d", "sip:nobody@home.test", "sip:x@y.test", OFFER, wire.now)

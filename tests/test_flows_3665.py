"""RFC 3665, "SIP Basic Call Flow Examples", message by message, between our own phones, registrar and proxies.

Alice's phone is 192.0.2.101, Bob's 192.0.2.201; Proxy 1 (atlanta.example.com) is 192.0.2.111, Proxy 2
(biloxi.example.com) 192.0.2.222. Where the RFC's figure has TLS, this has UDP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from random import Random

import pytest

from firmware.phone.events import DialRequest
from firmware.sip.cores.location import LocationService
from firmware.sip.cores.proxy import Proxy
from firmware.sip.cores.registrar import Registrar
from firmware.sip.digest import answer, digest_response
from firmware.sip.message import Message, Request
from firmware.sip.transaction import ServerTransaction
from firmware.sip.transport import Hop
from firmware.sip.uri import SipUri
from tests.support.exchange import Phone as ScriptedPhone
from tests.support.exchange import make_request, new_node
from tests.support.ladder import Ladder, check_rules
from tests.support.stations import StationNode
from tests.support.world import EndpointNode, World

ALICE, BOB, SS1, SS2 = "192.0.2.101", "192.0.2.201", "192.0.2.111", "192.0.2.222"
NAMES = {ALICE: "Alice", BOB: "Bob", SS1: "Proxy 1", SS2: "Proxy 2"}
ATLANTA, BILOXI = "atlanta.example.com", "biloxi.example.com"
PROXIES = "proxies.example.com"
"""Both proxies together, the first preferred (RFC 3263)."""
PASSWORDS = {"alice": "alice's secret", "bob": "bob's secret"}


@dataclass
class Server:
    """Registrar and proxy of one domain."""

    node: EndpointNode
    location: LocationService
    proxy: Proxy


def server(world: World, host: str, name: str, domain: str, users: Sequence[str], **options: bool) -> Server:
    node = new_node(world, host)
    location, random = LocationService(), Random(f"server {host}")
    passwords = {user: PASSWORDS[user] for user in users}
    proxy = Proxy(node.endpoint, [domain, name, PROXIES], location, random, users=passwords, **options)  # type: ignore[arg-type]
    registrar = Registrar(node.endpoint, domain, passwords, location, random, aliases=[name])
    node.endpoint.cores += [registrar, proxy]
    return Server(node, location, proxy)


def phone_config(user: str, domain: str, servers: str, *, phone: str = "") -> str:
    return f"""
[phone]
name = "{user.title()}"
{phone}

[[account]]
address = "sip:{user}@{domain}"
name = "{user.title()}"
password = "{PASSWORDS[user]}"
{servers}

[sip]
listen = ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]
accept_from = ["192.0.2.0/24"]

[media]
codecs = ["PCMU"]
"""


def station(world: World, host: str, config: str, seed: int) -> StationNode:
    node = StationNode(world, config, host, seed)
    world.add(node)
    node.start()
    return node


@dataclass
class Network:
    """The figure of section 3: two phones, two proxies."""

    transport: str = "UDP"
    alice_proxy: str = "ss1." + ATLANTA
    bob_phone: str = ""
    closed: bool = False
    """Proxy 2 challenges strangers too."""
    world: World = field(default_factory=World)
    mark: int = 0

    def __post_init__(self) -> None:
        ss1, ss2 = Hop(self.transport, SS1, 5060), Hop(self.transport, SS2, 5060)
        self.world.names = {
            ATLANTA: (ss1,),
            f"ss1.{ATLANTA}": (ss1,),
            BILOXI: (ss2,),
            f"ss2.{BILOXI}": (ss2,),
            PROXIES: (ss1, ss2),
        }
        self.ss1 = server(self.world, SS1, f"ss1.{ATLANTA}", ATLANTA, ["alice"])
        self.ss2 = server(self.world, SS2, f"ss2.{BILOXI}", BILOXI, ["alice", "bob"], open_to_strangers=not self.closed)
        config = phone_config("alice", ATLANTA, f'register = false\noutbound_proxy = "sip:{self.alice_proxy};lr"')
        self.alice = station(self.world, ALICE, config, 1)

    def with_bob(self) -> Network:
        """Bob's phone registers "as per Section 2"."""
        config = phone_config("bob", BILOXI, f'registrar = "sip:ss2.{BILOXI}"', phone=self.bob_phone)
        self.bob = station(self.world, BOB, config, 2)
        self.world.wait(5.0)
        assert self.bob.view.accounts[0].registered
        self.mark = len(self.world.trace)
        return self

    def with_scripted_bob(self) -> ScriptedPhone:
        """A phone that answers what it is told to, registered."""
        bob = ScriptedPhone(self.world, BOB)
        binding = make_register([("Contact", f"<sip:bob@{BOB};transport={self.transport.lower()}>")])
        assert ask_registrar(bob, binding).status == 200
        self.mark = len(self.world.trace)
        return bob

    def call(self) -> None:
        """Alice calls Bob."""
        self.alice.lift()
        self.alice.do(DialRequest(f"sip:bob@{BILOXI}"))

    def authenticated(self) -> Network:
        """Alice has called before: her phone knows that Proxy 1 wants credentials (F1 of 3.8, 3.9 and 3.11)."""
        self.alice.lift()
        self.alice.do(DialRequest(f"sip:nobody@{BILOXI}"))
        self.world.wait(2.0)
        self.alice.hang_up()
        self.world.wait(60.0)
        self.mark = len(self.world.trace)
        return self

    def ladder(self, diagram: str) -> Ladder:
        ladder = Ladder(self.world.trace[self.mark :], NAMES, diagram)
        check_rules(ladder)
        return ladder


SDP = f"v=0\r\no=bob 1 1 IN IP4 {BOB}\r\ns=-\r\nc=IN IP4 {BOB}\r\nt=0 0\r\nm=audio 3456 RTP/AVP 0\r\n".encode()


# --- what is checked of many messages ---


def make_register(fields: Sequence[tuple[str, object]], *, cseq: int = 1) -> Request:
    """Bob's REGISTER, without credentials."""
    address = f"sip:bob@{BILOXI}"
    return make_request(
        "REGISTER", f"sip:{BILOXI}", sender=address, to=f"<{address}>", call_id="1j9FpLxk3uxtm8tn", cseq=cseq,
        fields=fields,
    )  # fmt: skip


REGISTRAR = Hop("UDP", SS2, 5060)


def ask_registrar(bob: ScriptedPhone, request: Request) -> Message:
    return bob.ask_with_digest(request, "bob", PASSWORDS["bob"], hop=REGISTRAR)


def assert_proves(request: Request, challenge: Message, user: str) -> None:
    """The credentials answer that challenge: realm, nonce, opaque, URI, and a proof that only the password gives."""
    offered = {(each.realm, each.nonce, each.algorithm) for each in _challenges(challenge)}
    shown = [each for each in _credentials(request) if (each.realm, each.nonce, each.algorithm) in offered]
    assert len(shown) == 1
    (one,) = shown
    assert one.username == user
    assert one.uri == str(request.uri)
    assert one.qop == "auth"
    assert one.response == digest_response(one, user, PASSWORDS[user], request.method, request.body)


def _challenges(message: Message) -> tuple:  # type: ignore[type-arg]
    return (*message.www_authenticate, *message.proxy_authenticate)


def _credentials(message: Message) -> tuple:  # type: ignore[type-arg]
    return (*message.authorization, *message.proxy_authorization)


def realms(message: Message) -> list[str]:
    return [each.realm for each in _credentials(message)]


def hosts(routes: Sequence) -> list[str]:  # type: ignore[type-arg]
    """Of Route and Record-Route; each is a loose router's.

    A proxy that takes a request by UDP and passes it on by TCP (3.3's F13 is longer than 1300 octets) stands there
    twice, RFC 5658 §3; here once.
    """
    uris = [route.uri for route in routes]
    assert all(isinstance(uri, SipUri) and uri.lr for uri in uris)
    return [host for host, _ in groupby(uri.host for uri in uris)]


def contact_host(message: Message) -> str:
    (contact,) = message.contacts
    assert isinstance(contact.uri, SipUri)
    return contact.uri.host


def assert_one_call(ladder: Ladder, *, ended_by_bob_from: int | None = None) -> None:
    """One Call-ID; Alice's tag in From and Bob's in To, the other way round from Bob's first request on."""
    assert len({ladder[n].call_id for n in range(1, len(ladder.arrows) + 1)}) == 1
    alice = ladder[1].from_.tag
    for number in range(1, len(ladder.arrows) + 1):
        turned = ended_by_bob_from is not None and number >= ended_by_bob_from
        assert (ladder[number].to if turned else ladder[number].from_).tag == alice


def assert_offer(message: Message, host: str) -> None:
    assert str(message.content_type) == "application/sdp"
    assert f"c=IN IP4 {host}".encode() in message.body
    assert b"RTP/AVP 0" in message.body


# --- 2. SIP Registration ---

REGISTRATION = """
    Bob > Proxy 2: REGISTER
    Proxy 2 > Bob: 401 REGISTER
    Bob > Proxy 2: REGISTER
    Proxy 2 > Bob: 200 REGISTER
"""
UPDATE = """
    Bob > Proxy 2: REGISTER
    Proxy 2 > Bob: 200 REGISTER
"""


def test_2_1_successful_new_registration() -> None:
    """Bob's telephone is switched on."""
    network = Network()
    bob = station(network.world, BOB, phone_config("bob", BILOXI, f'registrar = "sip:ss2.{BILOXI}"'), 2)
    network.world.wait(5.0)

    f = network.ladder(REGISTRATION)

    assert {str(f.request(n).uri) for n in (1, 3)} == {f"sip:{BILOXI}"}
    for n in (1, 2, 3, 4):
        assert str(f[n].from_.uri) == str(f[n].to.uri) == f"sip:bob@{BILOXI}"
        assert f[n].call_id == f[1].call_id
    assert f[1].to.tag is None
    assert f[3].cseq.number == f[1].cseq.number + 1
    assert f[3].via.branch != f[1].via.branch
    assert f[1].authorization == ()
    assert {each.realm for each in f[2].www_authenticate} == {BILOXI}
    assert all(not each.stale and "auth" in each.qop for each in f[2].www_authenticate)
    assert_proves(f.request(3), f[2], "bob")
    assert contact_host(f[1]) == contact_host(f[3]) == contact_host(f[4]) == BOB
    assert f[4].contacts[0].uri == f[3].contacts[0].uri
    assert f[4].contacts[0].expires == 3600
    assert bob.view.accounts[0].registered


def registered() -> tuple[Network, ScriptedPhone, Message]:
    """Bob as in 2.2 to 2.4: registered, and in possession of a challenge that he has answered once."""
    network = Network()
    bob = ScriptedPhone(network.world, BOB)
    first = make_register([("Contact", f"<sip:bob@{BOB}>")])
    refusal = bob.ask(first, REGISTRAR)
    assert bob.ask(authorised(first.with_("CSeq", "2 REGISTER"), refusal, count=1), REGISTRAR).status == 200
    network.mark = len(network.world.trace)
    return network, bob, refusal


def authorised(request: Request, challenge: Message, *, count: int) -> Request:
    """With credentials from a challenge that was answered before: not challenged again."""
    counts = {each.nonce: count - 1 for each in challenge.www_authenticate}
    credentials = answer(
        challenge.www_authenticate, "bob", PASSWORDS["bob"], "REGISTER", str(request.uri), b"", Random(1), counts
    )
    return request.with_("Authorization", credentials)


def test_2_2_update_of_contact_list() -> None:
    network, bob, challenge = registered()
    mailto = f"mailto:bob@{BILOXI}"

    bob.ask(authorised(make_register([("Contact", mailto)], cseq=3), challenge, count=2), REGISTRAR)
    f = network.ladder(UPDATE)

    assert str(f[1].contacts[0].uri) == mailto
    assert_proves(f.request(1), challenge, "bob")
    listed = {str(contact.uri): contact.expires for contact in f[2].contacts}
    assert set(listed) == {f"sip:bob@{BOB}", mailto}
    assert all(expires is not None and 0 < expires <= 3600 for expires in listed.values())
    assert network.ss2.location.lookup(f"bob@{BILOXI}", network.world.now)


def test_2_3_request_for_current_contact_list() -> None:
    network, bob, challenge = registered()
    bob.ask(authorised(make_register([("Contact", f"mailto:bob@{BILOXI}")], cseq=3), challenge, count=2), REGISTRAR)
    network.mark = len(network.world.trace)

    bob.ask(authorised(make_register([], cseq=4), challenge, count=3), REGISTRAR)
    f = network.ladder(UPDATE)

    assert f[1].contacts == ()
    assert_proves(f.request(1), challenge, "bob")
    assert {str(contact.uri) for contact in f[2].contacts} == {f"sip:bob@{BOB}", f"mailto:bob@{BILOXI}"}
    assert len(network.ss2.location.lookup(f"bob@{BILOXI}", network.world.now)) == 2


def test_2_4_cancellation_of_registration() -> None:
    network, bob, challenge = registered()

    removal = make_register([("Expires", 0), ("Contact", "*")], cseq=3)
    bob.ask(authorised(removal, challenge, count=2), REGISTRAR)
    f = network.ladder(UPDATE)

    assert f[1].contact_is_wildcard
    assert f[1].expires == 0
    assert_proves(f.request(1), challenge, "bob")
    assert f[2].contacts == ()
    assert f.response(2).status == 200
    assert network.ss2.location.lookup(f"bob@{BILOXI}", network.world.now) == ()


def test_2_4_by_our_own_phone_which_removes_only_what_is_its_own() -> None:
    """RFC 3261 §10.2.2: "UAs SHOULD NOT use the "*" Contact header field value unless [it removes all]"."""
    network = Network().with_bob()

    network.bob.station.stop(network.world.now)
    network.world.touch(network.bob)
    network.world.wait(1.0)
    f = network.ladder(UPDATE)

    assert f[1].expires == 0
    assert contact_host(f[1]) == BOB
    assert len(f[1].authorization) == 1
    assert f[2].contacts == ()


# --- 3. SIP Session Establishment ---


def test_3_1_successful_session_establishment() -> None:
    """Alice calls Bob directly, over TCP."""
    world = World(names={BILOXI: (Hop("TCP", BOB, 5060),)})
    alice = station(world, ALICE, phone_config("alice", ATLANTA, "register = false"), 1)
    bob = station(world, BOB, phone_config("bob", BILOXI, "register = false"), 2)
    alice.lift()
    alice.do(DialRequest(f"sip:bob@{BILOXI}"))
    world.wait(3.0)
    bob.lift()
    world.wait(10.0)
    bob.hang_up()
    world.wait(5.0)

    f = Ladder(
        world.trace,
        NAMES,
        """
        Alice > Bob: INVITE
        Bob > Alice: 180 INVITE
        Bob > Alice: 200 INVITE
        Alice > Bob: ACK
        Bob > Alice: BYE
        Alice > Bob: 200 BYE
        """,
    )

    check_rules(f)
    assert_one_call(f, ended_by_bob_from=5)
    assert {arrow.sent.transport for arrow in f.arrows} == {"TCP"}
    assert str(f.request(1).uri) == str(f[1].to.uri) == f"sip:bob@{BILOXI}"
    assert str(f[1].from_.uri) == f"sip:alice@{ATLANTA}"
    assert (f[1].from_.display_name, f[1].to.tag) == ("Alice", None)
    assert f[1].via.transport == "TCP"
    assert [contact_host(f[n]) for n in (1, 2, 3)] == [ALICE, BOB, BOB]
    assert all(";transport=tcp" in str(f[n].contacts[0].uri) for n in (1, 2, 3))
    assert_offer(f[1], ALICE)
    assert f[2].body == b""
    assert_offer(f[3], BOB)
    assert f[2].to.tag == f[3].to.tag == f[4].to.tag
    assert f[4].body == b""
    # F5: to Alice's Contact, with the tags turned round, and a CSeq of Bob's own count.
    assert f.request(5).uri == f[1].contacts[0].uri
    assert f[5].from_.tag == f[3].to.tag
    assert f[5].cseq.method == "BYE"
    assert f[5].routes == ()


TWO_PROXIES = """
    Alice > Proxy 1: INVITE
    Proxy 1 > Alice: 407 INVITE
    Alice > Proxy 1: ACK
    Alice > Proxy 1: INVITE
    Proxy 1 > Proxy 2: INVITE
    Proxy 1 > Alice: 100 INVITE
    Proxy 2 > Bob: INVITE
    Proxy 2 > Proxy 1: 100 INVITE
    Bob > Proxy 2: 180 INVITE
    Proxy 2 > Proxy 1: 180 INVITE
    Proxy 1 > Alice: 180 INVITE
    Bob > Proxy 2: 200 INVITE
    Proxy 2 > Proxy 1: 200 INVITE
    Proxy 1 > Alice: 200 INVITE
    Alice > Proxy 1: ACK
    Proxy 1 > Proxy 2: ACK
    Proxy 2 > Bob: ACK
    Bob > Proxy 2: BYE
    Proxy 2 > Proxy 1: BYE
    Proxy 1 > Alice: BYE
    Alice > Proxy 1: 200 BYE
    Proxy 1 > Proxy 2: 200 BYE
    Proxy 2 > Bob: 200 BYE
"""


@pytest.mark.parametrize("transport", ["TCP", "UDP"])
def test_3_2_session_establishment_through_two_proxies(transport: str) -> None:
    network = Network(transport).with_bob()
    network.call()
    network.world.wait(3.0)
    network.bob.lift()
    network.world.wait(10.0)
    network.bob.hang_up()
    network.world.wait(2.0)

    f = network.ladder(TWO_PROXIES)

    assert_one_call(f, ended_by_bob_from=18)
    # F1 to F4: the challenge of Proxy 1.
    assert hosts(f[1].routes) == [f"ss1.{ATLANTA}"]
    assert str(f.request(1).uri) == f"sip:bob@{BILOXI}"
    assert realms(f[1]) == []
    assert {each.realm for each in f[2].proxy_authenticate} == {ATLANTA}
    assert f[4].cseq.number == f[1].cseq.number + 1
    assert f[4].via.branch != f[1].via.branch
    assert f[4].to.tag is None
    assert_proves(f.request(4), f[2], "alice")
    assert_offer(f[4], ALICE)
    # F5, F7: each proxy takes its Route and its credentials out, and puts itself into Record-Route.
    assert f[5].routes == f[7].routes == ()
    assert realms(f[5]) == realms(f[7]) == []
    assert hosts(f[5].record_routes) == [SS1]
    assert hosts(f[7].record_routes) == [SS2, SS1]
    assert str(f.request(5).uri) == f"sip:bob@{BILOXI}"
    assert f.request(7).uri == network.ss2.location.lookup(f"bob@{BILOXI}", network.world.now)[0].uri
    assert [via.host for via in f[7].vias] == [SS2, SS1, ALICE]
    assert f[7].body == f[5].body == f[4].body
    # F9 to F14: back along the Vias, with the route set and Bob's tag.
    for n in (9, 10, 11, 12, 13, 14):
        assert hosts(f[n].record_routes) == [SS2, SS1]
        assert contact_host(f[n]) == BOB
        assert f[n].to.tag == f[9].to.tag
    assert f[14].body == f[12].body
    assert_offer(f[12], BOB)
    # F15 to F17: the ACK, through both proxies, in a transaction of its own.
    assert [hosts(f[n].routes) for n in (15, 16, 17)] == [[SS1, SS2], [SS2], []]
    assert {f.request(n).uri for n in (15, 16, 17)} == {f[14].contacts[0].uri}
    assert f[15].cseq.number == f[4].cseq.number
    assert f[17].record_routes == ()
    # F18 to F23: Bob's BYE, the other way.
    assert [hosts(f[n].routes) for n in (18, 19, 20)] == [[SS2, SS1], [SS1], []]
    assert {f.request(n).uri for n in (18, 19, 20)} == {f[4].contacts[0].uri}
    assert f[18].from_.tag == f[12].to.tag
    assert [len(f[n].vias) for n in (21, 22, 23)] == [3, 2, 1]
    assert {arrow.sent.transport for arrow in f.arrows[14:17]} == {transport}


def test_3_3_session_with_multiple_proxy_authentication() -> None:
    network = Network(closed=True)
    bob = network.with_scripted_bob()

    def answers_immediately(transaction: ServerTransaction) -> None:
        fields = [("Contact", f"<{bob.contact}>"), ("Content-Type", "application/sdp")]
        bob.endpoint.reply(transaction, 200, network.world.now, fields=fields, body=SDP)
        network.world.touch(bob.node)

    bob.script = answers_immediately
    network.call()
    network.world.wait(1.0)

    f = network.ladder(
        """
        Alice > Proxy 1: INVITE
        Proxy 1 > Alice: 407 INVITE
        Alice > Proxy 1: ACK
        Alice > Proxy 1: INVITE
        Proxy 1 > Alice: 100 INVITE
        Proxy 1 > Proxy 2: INVITE
        Proxy 2 > Proxy 1: 407 INVITE
        Proxy 1 > Proxy 2: ACK
        Proxy 1 > Alice: 407 INVITE
        Alice > Proxy 1: ACK
        Alice > Proxy 1: INVITE
        Proxy 1 > Alice: 100 INVITE
        Proxy 1 > Proxy 2: INVITE
        Proxy 2 > Proxy 1: 100 INVITE
        Proxy 2 > Bob: INVITE
        Bob > Proxy 2: 200 INVITE
        Proxy 2 > Proxy 1: 200 INVITE
        Proxy 1 > Alice: 200 INVITE
        Alice > Proxy 1: ACK
        Proxy 1 > Proxy 2: ACK
        Proxy 2 > Bob: ACK
        """
    )

    assert_one_call(f)
    first = f[1].cseq.number
    assert [f[n].cseq.number for n in (4, 11)] == [first + 1, first + 2]
    assert len({f[n].via.branch for n in (1, 4, 11)}) == 3
    assert {each.realm for each in f[2].proxy_authenticate} == {ATLANTA}
    assert {each.realm for each in f[7].proxy_authenticate} == {BILOXI}
    assert f[9].proxy_authenticate == f[7].proxy_authenticate
    assert_proves(f.request(4), f[2], "alice")
    # F11: "credentials for Proxy 1 AND Proxy 2"; each proxy takes out its own (F13, F15).
    assert realms(f[11]) == [ATLANTA, BILOXI]
    assert_proves(f.request(11), f[2], "alice")
    assert_proves(f.request(11), f[9], "alice")
    assert [realms(f[n]) for n in (6, 13, 15)] == [[], [BILOXI], []]
    # F19 to F21: "The ACK MUST contain the same credentials as the INVITE" (RFC 3261 §13.2.2.4).
    assert f[19].fields.all("Proxy-Authorization") == f[11].fields.all("Proxy-Authorization")
    assert [hosts(f[n].routes) for n in (19, 20, 21)] == [[SS1, SS2], [SS2], []]
    assert hosts(f[15].record_routes) == [SS2, SS1]


def test_3_4_successful_session_with_proxy_failure() -> None:
    """Proxy 1 is reachable but does not answer; both proxies stand in DNS for Alice's one name.

    The figure has seven INVITEs before the next proxy is asked: Timer B's 64*T1, which is a SHOULD. Who waits would
    have hung up by then; our telephone asks the next after 16*T1, which are five.
    """
    network = Network(alice_proxy=PROXIES, closed=True).with_bob()
    network.world.cut(network.ss1.node)
    network.call()
    begun = network.world.now
    network.world.run(begun + 60.0, lambda: network.bob.ringing)
    network.world.wait(1.0)
    network.bob.lift()
    network.world.wait(5.0)
    network.bob.hang_up()
    network.world.wait(2.0)

    f = network.ladder(
        """
        Alice > Proxy 1: INVITE
        Alice > Proxy 1: INVITE
        Alice > Proxy 1: INVITE
        Alice > Proxy 1: INVITE
        Alice > Proxy 1: INVITE
        Alice > Proxy 2: INVITE
        Proxy 2 > Alice: 407 INVITE
        Alice > Proxy 2: ACK
        Alice > Proxy 2: INVITE
        Proxy 2 > Bob: INVITE
        Proxy 2 > Alice: 100 INVITE
        Bob > Proxy 2: 180 INVITE
        Proxy 2 > Alice: 180 INVITE
        Bob > Proxy 2: 200 INVITE
        Proxy 2 > Alice: 200 INVITE
        Alice > Proxy 2: ACK
        Proxy 2 > Bob: ACK
        Bob > Proxy 2: BYE
        Proxy 2 > Alice: BYE
        Alice > Proxy 2: 200 BYE
        Proxy 2 > Bob: 200 BYE
        """
    )

    # The figure's F1 to F7, two fewer: one message, at Timer A's times, until Timer B (RFC 3261 §17.1.1.2).
    assert len({f.data(n) for n in range(1, 6)}) == 1
    assert [f.at(n) - begun for n in range(1, 7)] == pytest.approx([0, 0.5, 1.5, 3.5, 7.5, 8.0])
    # RFC 3263 §4.3: the next server gets a new transaction.
    assert f[6].via.branch != f[5].via.branch
    assert f.request(6).uri == f.request(1).uri
    assert {each.realm for each in f[7].proxy_authenticate} == {BILOXI}
    assert f[9].cseq.number == f[6].cseq.number + 1
    assert_proves(f.request(9), f[7], "alice")
    assert realms(f[10]) == []
    assert [hosts(f[n].record_routes) for n in (10, 12, 13, 14, 15)] == [[SS2]] * 5
    assert [hosts(f[n].routes) for n in (16, 17, 18, 19)] == [[SS2], [], [SS2], []]
    assert f.request(16).uri == f[15].contacts[0].uri
    assert f.request(18).uri == f[9].contacts[0].uri


RINGING = """
    Alice > Proxy 1: INVITE
    Proxy 1 > Proxy 2: INVITE
    Proxy 1 > Alice: 100 INVITE
    Proxy 2 > Bob: INVITE
    Proxy 2 > Proxy 1: 100 INVITE
    Bob > Proxy 2: 180 INVITE
    Proxy 2 > Proxy 1: 180 INVITE
    Proxy 1 > Alice: 180 INVITE
"""


def assert_authorised_from_the_start(f: Ladder) -> None:
    """F1 of 3.8, 3.9 and 3.11 has Proxy 1's credentials already; F2 has them no more."""
    (shown,) = f[1].proxy_authorization
    assert (shown.realm, shown.username) == (ATLANTA, "alice")
    assert shown.response == digest_response(shown, "alice", PASSWORDS["alice"], "INVITE", f[1].body)
    assert realms(f[2]) == []


def test_3_8_unsuccessful_no_answer() -> None:
    """Alice gives up."""
    network = Network().with_bob().authenticated()
    network.call()
    network.world.wait(10.0)
    network.alice.hang_up()
    network.world.wait(1.0)

    f = network.ladder(
        RINGING
        + """
        Alice > Proxy 1: CANCEL
        Proxy 1 > Alice: 200 CANCEL
        Proxy 1 > Proxy 2: CANCEL
        Proxy 2 > Proxy 1: 200 CANCEL
        Proxy 2 > Bob: CANCEL
        Bob > Proxy 2: 200 CANCEL
        Bob > Proxy 2: 487 INVITE
        Proxy 2 > Bob: ACK
        Proxy 2 > Proxy 1: 487 INVITE
        Proxy 1 > Proxy 2: ACK
        Proxy 1 > Alice: 487 INVITE
        Alice > Proxy 1: ACK
        """
    )

    assert_one_call(f)
    assert_authorised_from_the_start(f)
    # Hop by hop: each CANCEL has one Via, the INVITE's of that hop (checked for every CANCEL), each its own 200.
    assert [f[n].via.branch for n in (9, 11, 13)] == [f[n].via.branch for n in (1, 2, 4)]
    assert hosts(f[9].routes) == [f"ss1.{ATLANTA}"]
    assert f[15].to.tag == f[6].to.tag
    assert f[17].to.tag == f[19].to.tag == f[15].to.tag
    # RFC 3261 §22.1: no credentials for a CANCEL, which cannot be challenged.
    assert realms(f[9]) == []
    assert network.bob.view.missed == 1


@pytest.mark.parametrize("transport", ["TCP", "UDP"])
def test_3_9_unsuccessful_busy(transport: str) -> None:
    """Bob is busy: the handset is up, and his telephone has no call waiting."""
    network = Network(transport, bob_phone="call_waiting = false").with_bob().authenticated()
    network.bob.lift()
    network.call()
    network.world.wait(1.0)

    f = network.ladder(
        """
        Alice > Proxy 1: INVITE
        Proxy 1 > Proxy 2: INVITE
        Proxy 1 > Alice: 100 INVITE
        Proxy 2 > Bob: INVITE
        Proxy 2 > Proxy 1: 100 INVITE
        Bob > Proxy 2: 486 INVITE
        Proxy 2 > Bob: ACK
        Proxy 2 > Proxy 1: 486 INVITE
        Proxy 1 > Proxy 2: ACK
        Proxy 1 > Alice: 486 INVITE
        Alice > Proxy 1: ACK
        """
    )

    assert_one_call(f)
    assert_authorised_from_the_start(f)
    assert f[6].to.tag == f[8].to.tag == f[10].to.tag == f[11].to.tag
    assert f[6].contacts == ()
    assert network.alice.last_call.cause == (486, "Busy")


UNAVAILABLE = """
    Bob > Proxy 2: 480 INVITE
    Proxy 2 > Bob: ACK
    Proxy 2 > Proxy 1: 480 INVITE
    Proxy 1 > Proxy 2: ACK
    Proxy 1 > Alice: 480 INVITE
    Alice > Proxy 1: ACK
"""


def test_3_11_unsuccessful_temporarily_unavailable() -> None:
    network = Network()
    bob = network.with_scripted_bob()
    network.authenticated()

    def rings_in_vain(transaction: ServerTransaction) -> None:
        bob.reply(transaction, 180)
        network.world.at(network.world.now + 10.0, lambda: bob.reply(transaction, 480))

    bob.script = rings_in_vain
    network.call()
    network.world.wait(11.0)

    f = network.ladder(RINGING + UNAVAILABLE)

    assert_one_call(f)
    assert_authorised_from_the_start(f)
    assert f[6].to.tag == f[9].to.tag == f[14].to.tag
    assert f.response(13).reason == "Temporarily Unavailable"
    assert f[9].contacts == ()
    assert network.alice.last_call.cause is not None
    assert network.alice.last_call.cause[0] == 480


def test_3_11_by_our_own_phone_which_says_every_minute_that_it_rings() -> None:
    """RFC 3261 §13.3.1.1: a provisional response every minute keeps the proxies' Timer C from firing."""
    network = Network().with_bob().authenticated()
    network.call()
    network.world.wait(130.0)

    said = [sent for sent in network.world.trace[network.mark :] if not sent.is_keep_alive]
    from_bob = [sent for sent in said if sent.source[0] == BOB]
    times = [sent.at for sent in from_bob if sent.summary == "180 INVITE"]

    assert times[1] - times[0] == pytest.approx(60.0)
    assert from_bob[-1].summary == "480 INVITE"
    assert len({sent.message.to.tag for sent in from_bob}) == 1
    assert network.bob.view.missed == 1

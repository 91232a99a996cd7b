"""What a transaction tells its user: RFC 3261 §17."""

from __future__ import annotations

import pytest

from firmware.sip.transaction import ClientTransaction, State
from firmware.sip.transport import Hop
from tests.support.signalling import (
    BILOXI,
    RecordingCore,
    User,
    answer,
    flow,
    new_endpoint,
    outgoing,
    request,
    sent_octets,
)


def test_client_transaction_shows_the_request_as_sent_and_where() -> None:
    endpoint = new_endpoint()
    given = outgoing()

    transaction = endpoint.send_request(given, User(), 0.0)

    assert transaction.original is given
    assert transaction.request.without("Via", "Max-Forwards", "User-Agent") == given
    assert transaction.flow == Hop("UDP", BILOXI, 5060)
    assert (transaction.method, transaction.state) == ("INVITE", State.CALLING)
    assert not transaction.finished


def test_client_transaction_before_anything_is_sent() -> None:
    transaction = ClientTransaction(1, outgoing("BYE"), User())

    assert transaction.state is State.LOCATING
    assert transaction.flow is None
    assert transaction.request is transaction.original


def test_client_transactions_are_keys_by_identity() -> None:
    one, other = (ClientTransaction(number, outgoing(), User()) for number in (1, 2))

    assert {one: "one", other: "other"}[one] == "one"
    assert one != other


def test_transaction_is_finished_once_its_user_knows_the_end() -> None:
    endpoint, user = new_endpoint(), User()
    transaction = endpoint.send_request(outgoing(), user, 0.0)
    (octets,) = sent_octets(endpoint)

    endpoint.receive(answer(octets, 180), flow(), 0.1)
    assert not transaction.finished
    endpoint.receive(answer(octets, 200), flow(), 0.2)
    assert transaction.finished


@pytest.mark.parametrize(("method", "first"), [("INVITE", State.PROCEEDING), ("MESSAGE", State.TRYING)])
def test_server_transaction_shows_what_came_and_whether_it_is_answered(method: str, first: State) -> None:
    endpoint, core = new_endpoint(), RecordingCore()
    endpoint.cores.append(core)
    endpoint.receive(request(method), flow(), 5.0)
    (transaction,) = core.requests

    assert (transaction.method, transaction.state, transaction.started) == (method, first, 5.0)
    assert transaction.flow == flow()
    assert not transaction.answered
    response = endpoint.reply(transaction, 403, 5.1)
    assert transaction.answered
    assert transaction.response is response
    assert response.to.tag == transaction.to_tag


def test_tag_of_a_dialog_is_kept() -> None:
    """§8.2.6.2: "If the request contained a To tag [...], the To header field in the response MUST equal that"."""
    endpoint, core = new_endpoint(), RecordingCore()
    endpoint.cores.append(core)

    endpoint.receive(request("BYE", to_tag="314159"), flow(), 0.0)

    assert core.requests[0].to_tag == "314159"
    assert endpoint.reply(core.requests[0], 200, 0.0).to.tag == "314159"

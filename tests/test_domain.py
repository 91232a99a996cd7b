"""Which URIs are ours: RFC 3261 §10.3 step 5, §16.5."""

from __future__ import annotations

import pytest

from firmware.sip.cores.server.domain import Domain
from firmware.sip.uri import parse_uri


class Own:
    """We are 192.0.2.10, port 5060."""

    def is_own_address(self, host: str, port: int | None, transport: str | None = None) -> bool:
        return (host, port or 5060) == ("192.0.2.10", 5060)


HOME = Domain(Own(), ["Home.test", "alias.test"], {"1001": "x", "a b": "y"})
NUMERIC = Domain(Own(), ["192.0.2.10"], {"1001": "x"})


@pytest.mark.parametrize(
    ("uri", "user"),
    [
        ("sip:1001@home.test", "1001"),
        ("sips:1001@HOME.test:5061;user=phone", "1001"),
        ("sip:%31001@alias.test", "1001"),
        ("sip:a%20b@home.test", "a b"),
        ("sip:1001@192.0.2.10", "1001"),
        ("tel:1001;phone-context=home.test", "1001"),
        ("tel:1-0-0-1;phone-context=home.test", "1001"),
        ("tel:1002;phone-context=home.test", None),
        ("sip:1002@home.test", None),
        ("sip:home.test", None),
        ("sip:1001@192.0.2.10:5070", None),
        ("sip:1001@elsewhere.example", None),
        ("mailto:1001@home.test", None),
    ],
)
def test_whose_address_it_is(uri: str, user: str | None) -> None:
    assert HOME.user(parse_uri(uri)) == user


def test_the_index_has_the_domains_first_name() -> None:
    assert HOME.address("1001") == "1001@home.test"


@pytest.mark.parametrize(
    ("uri", "ours"),
    [
        ("sip:1001@192.0.2.10", True),
        ("sip:1001@192.0.2.10:5060", True),
        ("sip:1001@192.0.2.10:5070", False),
        ("sip:x7Gq@192.0.2.10:5060", False),
    ],
)
def test_in_a_household_without_a_domain_other_ports_are_other_phones(uri: str, ours: bool) -> None:
    """And a user part that is nobody's is our own user agent's Contact."""
    assert NUMERIC.has_address(parse_uri(uri)) is ours


@pytest.mark.parametrize(
    ("uri", "ours"),
    [
        ("sip:1999@home.test", True),
        ("sip:home.test", False),
        ("sip:x7Gq@192.0.2.10", False),
        ("tel:1999", False),
        ("tel:1001", True),
    ],
)
def test_an_address_of_the_domain_may_be_nobodys(uri: str, ours: bool) -> None:
    assert HOME.has_address(parse_uri(uri)) is ours


def test_a_domain_needs_a_name() -> None:
    with pytest.raises(ValueError, match="name"):
        Domain(Own(), [], {})

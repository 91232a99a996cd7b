"""firmware.sip.making: the fast constructor makes what the slow one makes."""

from dataclasses import FrozenInstanceError, fields

import pytest

from firmware.sip.address import Contact, NameAddress
from firmware.sip.making import maker
from firmware.sip.message import Fields, Request
from firmware.sip.parameters import NO_PARAMETERS
from firmware.sip.uri import SipUri
from firmware.sip.via import Via

URI = SipUri("a", "b")


@pytest.mark.parametrize(
    ("cls", "values"),
    [
        (SipUri, ("a", "b", None, NO_PARAMETERS, (), None, False, None)),
        (Via, ("UDP", "h", 5060, NO_PARAMETERS)),
        (NameAddress, ("n", URI, NO_PARAMETERS)),
        (Contact, ("n", URI, NO_PARAMETERS)),
        (Request, ("INVITE", URI, Fields(), b"")),
    ],
)
def test_what_is_made_is_the_same_and_as_frozen(cls, values):
    made = maker(cls)(*values)

    assert type(made) is cls
    assert made == cls(*values)
    assert hash(made) == hash(cls(*values))
    assert not hasattr(made, "__dict__")
    with pytest.raises(FrozenInstanceError):
        setattr(made, fields(cls)[0].name, None)

"""Branches, tags and Call-IDs: RFC 3261 §8.1.1.4, §8.1.1.7, §19.3, §25.1."""

from __future__ import annotations

from random import Random

from firmware.sip.via import MAGIC_COOKIE


def _word(random: Random, bits: int) -> str:
    """Hexadecimal, so in one case: some elements forget that tags and Call-IDs are compared with case."""
    return f"{random.getrandbits(bits):0{bits // 4}x}"  # one draw: each is a system call


def new_branch(random: Random) -> str:
    """Return a branch unique across space and time, with the magic cookie (§8.1.1.7): 80 bits of chance."""
    return MAGIC_COOKIE + _word(random, 80)


def new_tag(random: Random) -> str:
    """Return a tag of 64 bits of chance; §19.3 asks for 32."""
    return _word(random, 64)


def new_call_id(random: Random, host: str = "") -> str:
    """Return a Call-ID of 104 bits of chance, with `@host` if one is given (§8.1.1.4, which suggests none)."""
    return f"{_word(random, 104)}@{host}" if host else _word(random, 104)


def new_cseq(random: Random) -> int:
    """Return a first sequence number, below 2**16 so that it cannot run out (§8.1.1.5)."""
    return random.randrange(1, 2**16)


def new_contact_user(random: Random) -> str:
    """Return a user part that strangers cannot guess: 104 bits of chance."""
    return _word(random, 104)

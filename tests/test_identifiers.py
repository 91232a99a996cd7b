"""firmware.sip.identifiers: RFC 3261 §8.1.1.4, §8.1.1.7, §19.3."""

from random import Random

from firmware.sip.field_values import parse_call_id
from firmware.sip.grammar import is_token
from firmware.sip.identifiers import new_branch, new_call_id, new_contact_user, new_cseq, new_tag


def test_identifiers_are_tokens_and_never_the_same():
    random = Random(3261)
    for make in (new_branch, new_tag, new_contact_user, new_call_id):
        made = {make(random) for _ in range(1000)}
        assert len(made) == 1000
        assert all(is_token(each) for each in made)


def test_the_same_seed_gives_the_same():
    assert new_branch(Random(1)) == new_branch(Random(1))
    assert new_branch(Random(1)) != new_branch(Random(2))


def test_a_branch_begins_with_the_cookie():
    """§8.1.1.7."""
    assert new_branch(Random(1)).startswith("z9hG4bK")


def test_a_call_id_may_name_a_host():
    """§25.1 callid."""
    call_id = new_call_id(Random(1), "192.0.2.1")
    assert call_id.endswith("@192.0.2.1")
    assert parse_call_id(call_id) == call_id


def test_a_first_sequence_number_leaves_room():
    """§8.1.1.5: less than 2**31."""
    assert all(0 < new_cseq(Random(seed)) < 2**16 for seed in range(100))

"""Every status a call can end with has plain words that fit the panel (RFC 4504 Req-29)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from firmware.phone.reasons import PANEL_COLUMNS, reason_for

# RFC 3261 §21.3 to §21.6, in order.
RFC_3261 = [
    300, 301, 302, 305, 380,
    400, 401, 402, 403, 404, 405, 406, 407, 408, 410, 413, 414, 415, 416, 420, 421, 423, 480, 481, 482, 483, 484, 485,
    486, 487, 488, 491, 493,
    500, 501, 502, 503, 504, 505, 513,
    600, 603, 604, 606,
]  # fmt: skip
OTHERS = [412, 417, 422, 428, 429, 430, 433, 436, 437, 438, 439, 440, 469, 470, 489, 494, 555, 580, 607, 608]


@pytest.mark.parametrize("code", RFC_3261 + OTHERS)
def test_every_known_status_has_its_own_words(code: int) -> None:
    reason = reason_for(code)

    assert "It said" not in reason.explanation
    assert reason.explanation.endswith(".")


@pytest.mark.parametrize("by", ["remote", "network"])
@pytest.mark.parametrize("code", [200, *RFC_3261, *OTHERS, 499, 299, 699, 799])
def test_words_and_advice_fit_a_line_of_the_smallest_panel(code: int, by: str) -> None:
    reason = reason_for(code, by)  # type: ignore[arg-type]

    assert 0 < len(reason.words) <= PANEL_COLUMNS
    assert len(reason.advice) <= PANEL_COLUMNS
    assert not re.search(r"\b(SIP|SDP|URI|INVITE|UAC|UAS)\b", reason.words + reason.explanation + reason.advice)


@pytest.mark.parametrize(
    ("code", "words"),
    [(499, "Call not possible"), (599, "Server fault"), (699, "Call declined"), (399, "Reached elsewhere")],
)
def test_an_unknown_status_counts_as_its_class_and_quotes_the_other_side(code: int, words: str) -> None:
    """RFC 3261 §8.1.3.2: an unknown final response is treated as x00 of its class."""
    reason = reason_for(code, "remote", "Too Hot")

    assert reason.words == words
    assert f"{code} Too Hot" in reason.explanation


def test_silence_of_the_network_is_not_taken_for_a_person_who_does_not_answer() -> None:
    assert reason_for(408, "remote").words == "No answer"
    assert reason_for(408, "network").words == "Server not answering"
    assert reason_for(404, "network").words == "Server not found"
    assert reason_for(599, "network").words == "Server not answering"


def test_busy_people_sound_busy_and_busy_networks_congested() -> None:
    assert {reason_for(code).tone for code in (486, 600, 603)} == {"busy"}
    assert {reason_for(code).tone for code in (404, 410, 484, 604)} == {"number_unobtainable"}
    assert {reason_for(code).tone for code in (403, 488, 500, 503)} == {"congestion"}


def test_the_words_are_compared_with_those_agreed_on() -> None:
    """The whole table as text, so that a change of words is seen by whoever reviews it."""
    table = Path(__file__).parent / "vectors" / "reasons.txt"
    lines = [f"{code} {reason_for(code).words} | {reason_for(code).advice}" for code in sorted(RFC_3261 + OTHERS)]

    assert lines == table.read_text(encoding="utf-8").splitlines()

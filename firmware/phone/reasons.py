"""Why a call ended, in plain words: every final status of RFC 3261 §21 and its extensions (RFC 4504 Req-29)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ToneName = Literal["busy", "congestion", "number_unobtainable"]

ADDRESS_INCOMPLETE = 484
PANEL_COLUMNS = 21
"""Characters in a line of the smallest panel."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What to tell the person."""

    words: str
    """For the panel: at most two lines of `PANEL_COLUMNS` characters."""
    explanation: str
    """A whole sentence or two, for the web page."""
    advice: str
    """The next step in one panel line; empty if there is none."""
    tone: ToneName
    """What sounds in the ear."""


_Row = tuple[str, str, str, ToneName]

_BUSY: _Row = ("Busy", "The other person is on the phone or does not want calls now.", "Try again later", "busy")
_NO_ANSWER: _Row = ("No answer", "The phone rang, but nobody took the call.", "Try again later", "busy")
_UNKNOWN: _Row = (
    "Number not in use", "The server knows nobody by this number.", "Check the number", "number_unobtainable",
)  # fmt: skip
_SERVER_FAULT: _Row = (
    "Server fault", "The server could not handle the call: the fault is there, not here.", "Try again later",
    "congestion",
)  # fmt: skip
_REFUSED: _Row = (
    "Not allowed", "The server does not let this phone make that call.", "Check the account", "congestion",
)  # fmt: skip
_PASSWORD: _Row = (
    "Password refused", "The server did not accept this phone's user name and password.", "Check the account",
    "congestion",
)  # fmt: skip
_NOT_UNDERSTOOD: _Row = (
    "Call not understood", "The other side could not make sense of what this phone sent.", "Report to your admin",
    "congestion",
)  # fmt: skip
_MISMATCH: _Row = (
    "Phones do not match", "The two phones have no common way to speak, for instance no common codec.",
    "Check the codecs", "congestion",
)  # fmt: skip
_IDENTITY: _Row = (
    "Caller not verified", "The other side wants a proof of who is calling and did not accept ours.",
    "Report to your admin", "congestion",
)  # fmt: skip
_SILENT: _Row = (
    "Server not answering", "Nothing came back from the server: it is down, or the network to it is.",
    "Check the network", "congestion",
)  # fmt: skip

# 300, 301 and 302 are followed by themselves (RFC 3261 §8.1.3.4): whoever reads these words has no address to dial.
_ROWS: dict[int, _Row] = {
    200: ("Call ended", "The call was ended as usual.", "", "busy"),
    300: ("Several addresses", "The number stands for several addresses, and none of them could be called.",
          "Try another number", "congestion"),
    301: ("Number has changed", "The person can no longer be reached at this number.", "Ask for the new one",
          "number_unobtainable"),
    302: ("Reached elsewhere", "The person is elsewhere for now, but not at an address that this phone can call.",
          "Try another number", "congestion"),
    305: ("Use another server", "The call has to go through another server.", "Report to your admin", "congestion"),
    380: ("Other service needed", "The call is not possible, but another service may be.", "Try another way",
          "congestion"),
    400: _NOT_UNDERSTOOD,
    401: _PASSWORD,
    402: ("Payment required", "The server wants to be paid for this call.", "Check your credit", "congestion"),
    403: _REFUSED,
    404: _UNKNOWN,
    405: _NOT_UNDERSTOOD,
    406: _MISMATCH,
    407: _PASSWORD,
    408: _NO_ANSWER,
    410: ("Number withdrawn", "The number was in use once, but is no longer.", "Check the number",
          "number_unobtainable"),
    412: _NOT_UNDERSTOOD,
    413: ("Message too large", "The other side cannot take a message of this size.", "Report to your admin",
          "congestion"),
    414: ("Address too long", "The server cannot take an address of this length.", "Check the number",
          "number_unobtainable"),
    415: _MISMATCH,
    416: ("Address not usable", "The server does not know this kind of address.", "Check the number",
          "number_unobtainable"),
    417: _NOT_UNDERSTOOD,
    420: _MISMATCH,
    421: _MISMATCH,
    422: _MISMATCH,
    423: _NOT_UNDERSTOOD,
    428: _IDENTITY,
    429: _IDENTITY,
    430: ("Connection lost", "The server lost its connection to that phone.", "Try again later", "congestion"),
    433: ("Number is withheld", "The other person does not take calls from hidden numbers.", "Show your number",
          "busy"),
    436: _IDENTITY,
    437: _IDENTITY,
    438: _IDENTITY,
    439: _NOT_UNDERSTOOD,
    440: ("Too many branches", "The call was passed on too often on its way.", "Report to your admin", "congestion"),
    469: _NOT_UNDERSTOOD,
    470: ("Consent needed", "The other person has to agree to calls from you first.", "Ask them first", "busy"),
    480: ("Not available", "The person is not reachable now: the phone is off, or nobody answered.",
          "Try again later", "busy"),
    481: ("Call was lost", "The other side no longer knew about this call.", "Dial again", "congestion"),
    482: ("Call went in a loop", "Servers passed the call round in a circle.", "Report to your admin", "congestion"),
    483: ("Too many servers", "The call was passed on through too many servers.", "Report to your admin",
          "congestion"),
    ADDRESS_INCOMPLETE: ("Number incomplete", "The server needs more digits.", "Dial all digits",
                         "number_unobtainable"),
    485: ("Number is ambiguous", "The number fits several people.", "Dial the full number", "number_unobtainable"),
    486: _BUSY,
    487: ("Call cancelled", "The call was given up before anybody answered.", "", "busy"),
    488: _MISMATCH,
    489: _NOT_UNDERSTOOD,
    491: ("Calls crossed", "Both sides changed the call at the same moment.", "Dial again", "congestion"),
    493: ("Encryption differs", "The other side could not read what this phone sent encrypted.",
          "Check encryption", "congestion"),
    494: ("Security differs", "The server asks for a protection that this phone did not offer.",
          "Check encryption", "congestion"),
    500: _SERVER_FAULT,
    501: _SERVER_FAULT,
    502: ("Bad gateway", "A server on the way got an answer that made no sense.", "Try again later", "congestion"),
    503: ("Server not answering", "The server is overloaded, being maintained, or out of reach.",
          "Try again later", "congestion"),
    504: ("Server too slow", "A server on the way did not hear from the next one in time.", "Try again later",
          "congestion"),
    505: _NOT_UNDERSTOOD,
    513: ("Message too large", "The server cannot take a message of this size.", "Report to your admin",
          "congestion"),
    555: _SERVER_FAULT,
    580: ("No line quality", "The network could not reserve what the call needs.", "Try again later", "congestion"),
    600: ("Busy", "The person is busy at every phone.", "Try again later", "busy"),
    603: ("Call declined", "The person does not want to take the call.", "Try again later", "busy"),
    604: ("Number not in use", "This number exists nowhere.", "Check the number", "number_unobtainable"),
    606: _MISMATCH,
    607: ("Call unwanted", "The other person marked calls from you as unwanted.", "", "busy"),
    608: ("Call rejected", "A service on the way rejected the call, taking it for a nuisance.",
          "Ask your provider", "busy"),
}  # fmt: skip

_CLASSES: dict[int, _Row] = {
    2: _ROWS[200],
    3: _ROWS[302],
    4: ("Call not possible", "The other side refused the call.", "Check the number", "congestion"),
    5: _SERVER_FAULT,
    6: ("Call declined", "The person cannot or will not take the call at any phone.", "Try again later", "busy"),
}

_BY_NETWORK: dict[int, _Row] = {
    404: ("Server not found", "The name of the server could not be found.", "Check the address", "congestion"),
    408: _SILENT,
    503: _SILENT,
    504: _SILENT,
}
"""Made by this phone itself, because no server answered at all."""


def reason_for(code: int, by: Literal["local", "remote", "network"] = "remote", phrase: str = "") -> Reason:
    """Return what status `code` means to a person.

    `phrase`: the reason phrase as received; it explains a status we have no words for (RFC 4504 Req-29).
    """
    row = (_BY_NETWORK.get(code) or _SILENT) if by == "network" else _ROWS.get(code)
    if row is not None:
        return Reason(*row)
    words, explanation, advice, tone = _CLASSES.get(code // 100, _CLASSES[4])
    said = f"{explanation} It said: {code} {phrase}." if phrase else f"{explanation} It said: {code}."
    return Reason(words, said, advice, tone)

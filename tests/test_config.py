"""The configuration file: what may stand in it, and what is said of the rest."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.config import ConfigurationError, load, parse
from firmware.numbering.dial_plan import Rule
from firmware.sip.transport import ListeningPoint

ACCOUNT = '[[account]]\naddress = "sip:1001@example.net"\n'


def problems(text: str, folder: Path | None = None) -> list[tuple[str, int | None]]:
    """Key path and line of each problem."""
    with pytest.raises(ConfigurationError) as caught:
        parse(text, folder)
    for problem in caught.value.problems:
        assert problem.message
        assert problem.remedy
    return [(problem.path, problem.line) for problem in caught.value.problems]


def test_one_account_is_all_a_phone_needs() -> None:
    config = parse(ACCOUNT)

    assert str(config.account[0].address) == "sip:1001@example.net"
    assert config.account[0].register is True
    assert config.account[0].expires == 3600
    assert config.phone.roles == ("user-agent",)
    assert config.media.rtp_ports == (16384, 16483)
    assert config.media.codecs == ("opus", "G722", "PCMA", "PCMU")
    assert config.sip.listen[0] == ListeningPoint("UDP", "0.0.0.0", 5060)
    assert config.web is None


def test_the_whole_interface_is_read() -> None:
    """Every key of the outside interface's example that this version can honour."""
    config = parse(
        """
[phone]
name = "Hall"
country = "gb"
roles = ["user-agent", "registrar", "proxy"]

[[account]]
address = "sip:1001@example.net"
name = "Hall phone"
username = "1001"
password = "sesame"
registrar = "sip:192.0.2.10;transport=tcp"
outbound_proxy = "sip:192.0.2.10;lr"
register = true
expires = 600
auto_answer = 2

[sip]
listen = ["udp:0.0.0.0:5060", "tcp:[::]:5060"]

[media]
rtp_ports = [20000, 20001]
codecs = ["PCMU"]
srtp = "off"

[hardware]
board = "sim"

[web]
listen = "0.0.0.0:8080"
token = "open"

[registrar]
domain = "home.test"
users = { 1001 = "secret", 1002 = "secret" }
"""
    )

    account = config.account[0]
    assert account.registrar is not None
    assert account.registrar.transport == "TCP"
    assert account.outbound_proxy is not None
    assert account.outbound_proxy.lr
    assert account.auto_answer == 2.0
    assert config.sip.listen[1] == ListeningPoint("TCP", "::", 5060)
    assert config.web is not None
    assert config.web.listen == ("0.0.0.0", 8080)
    assert config.registrar is not None
    assert dict(config.registrar.users)["1002"] == "secret"


INTERFACE = """
[phone]
name = "Hall"                       # shown on the panel
country = "gb"                      # call-progress tones
roles = ["user-agent"]              # add "registrar", "proxy", "redirect"

[[account]]
address = "sip:1001@example.net"    # address-of-record
name = "Hall phone"                 # display name
username = "1001"                   # digest user, default: the address's user part
password = "..."                    # or password_file = "secrets/1001"
registrar = "sip:192.0.2.10;transport=tcp"   # default: the address's domain, located by RFC 3263
outbound_proxy = "sip:192.0.2.10;lr"
register = true                     # false: a peer that is called directly, with no server at all
expires = 3600                      # seconds
auto_answer = false                 # or seconds before an incoming call is answered

[sip]
listen = ["udp:0.0.0.0:5060", "tcp:0.0.0.0:5060"]      # and "tls:0.0.0.0:5061", IPv6 as "udp:[::]:5060"

[media]
rtp_ports = [16384, 16483]          # first and last
codecs = ["opus", "G722", "PCMA", "PCMU"]              # in order of preference
srtp = "off"                        # "offer", "require"

[hardware]
board = "sim"                       # or a name in hw/boards, or a path to such a file

[web]
listen = "127.0.0.1:8080"           # absent: no web server
token = "..."                       # or token_file; without one, only a loopback address may be listened on

[registrar]                         # with the role
domain = "home.test"
users = { 1001 = "secret", 1002 = "secret" }
"""


def test_the_interfaces_example_is_accepted_as_it_stands() -> None:
    """Users copy it: its [registrar] waits for the role, and codecs this version lacks are passed over."""
    config = parse(INTERFACE)

    assert config.phone.roles == ("user-agent",)
    assert config.registrar is not None
    assert config.registrar.domain == "home.test"


def test_the_registrar_offers_md5_alone_unless_it_is_told_otherwise() -> None:
    """Phones that give up at the sight of another algorithm are many (see RFC 8760 §2.4 for what they should do)."""
    exchange = '[phone]\nroles = ["registrar"]\n[registrar]\ndomain = "a.test"\nusers = { 1 = "x" }\n'

    plain, chosen = parse(exchange), parse(exchange + 'digest = ["SHA-256", "MD5"]\n')

    assert plain.registrar is not None
    assert plain.registrar.digest == ("MD5",)
    assert chosen.registrar is not None
    assert chosen.registrar.digest == ("SHA-256", "MD5")
    assert problems(exchange + 'digest = ["SHA-1"]\n') == [("registrar.digest", 6)]


def test_every_problem_is_listed_with_its_path_and_line() -> None:
    text = """[phone]
name = "Hall"
colour = "red"
country = "zz"

[[account]]
address = "1001"
expires = "long"

[sip]
listen = ["udp:somewhere:5060"]
"""

    assert problems(text) == [
        ("phone.colour", 3),
        ("phone.country", 4),
        ("account[0].address", 7),
        ("account[0].expires", 8),
        ("sip.listen", 11),
    ]


def test_one_bad_value_hides_no_other() -> None:
    """Neither in its array, nor in its section, nor between sections."""
    text = """[phone]
colour = "red"
roles = ["user-agent", "proxy"]
[[account]]
address = "sip:1001@example.net"
auto_answer = true
[sip]
listen = ["udp:0.0.0.0:99999", "sctp:0.0.0.0:5060", "tls:0.0.0.0:5061", "udp:5060", "udp:[::]:6", "udp:[::1]:6"]
[media]
rtp_ports = [5, 4]
codecs = ["opus"]
srtp = "require"
[hardware]
board = "nope"
[dial]
patterns = ["1[", "x.", ""]
rules = [{ pattern = "0[", strip = -1, suffix = "4" }]
[registrar]
users = { 1001 = 5, 1002 = "" }
"""
    with pytest.raises(ConfigurationError) as caught:
        parse(text, board_check=lambda board: [f"{board}: no such board"])

    found = [(problem.path, problem.line, problem.message) for problem in caught.value.problems]
    expected = [
        ("phone.colour", 2, "unknown key"),
        ("account[0].auto_answer", 6, "true does not say when"),
        ("sip.listen", 8, "99999"),
        ("sip.listen", 8, "sctp:0.0.0.0:5060"),
        ("sip.listen", 8, "TLS"),
        ("sip.listen", 8, '"udp:5060"'),
        ("sip.listen", 8, "udp port 6 is listened on twice"),
        ("media.rtp_ports", 10, "5 is out of range"),
        ("media.rtp_ports", 10, "4 is out of range"),
        ("media.codecs", 11, "none of these codecs"),
        ("media.srtp", 12, "not supported"),
        ("hardware.board", 14, "nope: no such board"),
        ("dial.patterns", 16, "'1['"),
        ("dial.patterns", 16, "it is empty"),
        ("dial.rules", 17, "'0['"),
        ("dial.rules", 17, "-1 is out of range"),
        ("dial.rules", 17, 'no "suffix"'),
        ("registrar.domain", 18, "it is missing"),
        ("registrar.users", 19, "the password of 1001"),
        ("registrar.users", 19, "the password of 1002"),
    ]
    assert [(path, line) for path, line, _ in found] == [(path, line) for path, line, _ in expected]
    for (_, _, message), (_, _, words) in zip(found, expected, strict=True):
        assert words in message


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('[media]\ncodecs = ["PCMX"]', ["media.codecs"]),
        ('[phone]\nroles = ["user-agant"]', ["phone.roles"]),
        ('[web]\nlisten = "0.0.0.0:80"\ntoken = 5', ["web.token"]),
        ('[web]\nlisten = "0.0.0.0:80"\ntoken_file = "/nowhere/at/all"', ["web.token_file"]),
        ("[[account]]\n[[account]]", ["account[1].address", "account[2].address"]),
        ('[sip]\nlisten = ["udp:0.0.0.0:16390"]\n[media]\nrtp_ports = [5, 4]', ["media.rtp_ports"] * 2),
    ],
)
def test_one_fault_is_not_told_twice(text: str, paths: list[str]) -> None:
    """What stands in for a value that can't be read is held against nobody."""
    assert [path for path, _ in problems(ACCOUNT + text)] == paths


def test_a_rule_of_the_dial_plan() -> None:
    text = '[dial]\nrules = [{ pattern = "0x.", strip = 1, prefix = "+44" }, { pattern = "09x.", refuse = true }]'

    assert parse(ACCOUNT + text).dial.rules == (Rule("0x.", strip=1, prefix="+44"), Rule("09x.", refuse=True))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", "account"),
        ("[phone]\nroles = []\n" + ACCOUNT, "phone.roles"),
        ('[phone]\nroles = ["operator"]\n' + ACCOUNT, "phone.roles"),
        ('[phone]\nroles = ["user-agent", "proxy"]\n' + ACCOUNT, "phone.roles"),
        ("phone = 3\n" + ACCOUNT, "phone"),
        ('[account]\naddress = "sip:1@a"', "account"),
        ("[[account]]\n", "account[0].address"),
        (ACCOUNT + ACCOUNT, "account[1].address"),
        ('[[account]]\naddress = "sips:1@a"', "account[0].address"),
        ('[[account]]\naddress = "sip:example.net"', "account[0].address"),
        (ACCOUNT + "expires = true", "account[0].expires"),
        (ACCOUNT + "expires = 3", "account[0].expires"),
        (ACCOUNT + "auto_answer = -1", "account[0].auto_answer"),
        (ACCOUNT + 'registrar = "mailto:a@b"', "account[0].registrar"),
        (ACCOUNT + 'register = false\nregistrar = "sip:a"', "account[0].registrar"),
        (ACCOUNT + 'password_file = "/nowhere/at/all"', "account[0].password_file"),
        (ACCOUNT + '[sip]\nlisten = "udp:0.0.0.0:5060"', "sip.listen"),
        (ACCOUNT + '[sip]\nlisten = ["udp:0.0.0.0:70000"]', "sip.listen"),
        (ACCOUNT + '[sip]\nlisten = ["tls:0.0.0.0:5061"]', "sip.listen"),
        (ACCOUNT + '[sip]\nlisten = ["udp:0.0.0.0:5060", "udp:0.0.0.0:5060"]', "sip.listen"),
        (ACCOUNT + '[sip]\naccept_from = ["here"]', "sip.accept_from"),
        (ACCOUNT + "[media]\nrtp_ports = [20001, 20000]", "media.rtp_ports"),
        (ACCOUNT + "[media]\nrtp_ports = [20001, 20002]", "media.rtp_ports"),
        (ACCOUNT + '[media]\ncodecs = ["mp3"]', "media.codecs"),
        (ACCOUNT + '[media]\ncodecs = ["opus"]', "media.codecs"),
        (ACCOUNT + '[media]\nsrtp = "require"', "media.srtp"),
        (ACCOUNT + '[web]\nlisten = "0.0.0.0:8080"', "web.listen"),
        (ACCOUNT + '[web]\nlisten = "8080"', "web.listen"),
        (ACCOUNT + "auto_answer = true", "account[0].auto_answer"),
        (ACCOUNT + '[registrar]\ndomain = "a"\nusers = 3', "registrar.users"),
        (ACCOUNT + '[dial]\nrules = [ "0x." ]', "dial.rules"),
        (ACCOUNT + "[dial]\nrules = [ { strip = 1 } ]", "dial.rules"),
        (ACCOUNT + '[dial]\nrules = [ { pattern = "0x.", prefix = "+4+" } ]', "dial.rules"),
        (ACCOUNT + '[phone]\ndo_not_disturb = "no"', "phone.do_not_disturb"),
        (ACCOUNT + '[dial]\npatterns = ["1[9-2]"]', "dial.patterns"),
        (ACCOUNT + '[dial]\ntimeout = "soon"', "dial.timeout"),
        (ACCOUNT + "[telephone]\n", "telephone"),
    ],
)
def test_an_impossible_value_is_named_with_its_remedy(text: str, path: str) -> None:
    assert problems(text)[0][0] == path


def test_a_text_that_is_not_toml_says_on_which_line() -> None:
    assert problems("[phone]\nname = Hall\n") == [("", 2)]


def test_a_password_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("sesame\n")
    path = tmp_path / "phone.toml"
    path.write_text(ACCOUNT + 'password_file = "secret"')

    assert load(path).account[0].password == "sesame"


def test_a_password_and_its_file_do_not_go_together(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("sesame\n")

    assert problems(ACCOUNT + 'password = "a"\npassword_file = "secret"', tmp_path)[0][0] == "account[0].password_file"


def test_a_web_token_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("open\n")

    config = parse(ACCOUNT + '[web]\nlisten = "0.0.0.0:80"\ntoken_file = "token"', tmp_path)

    assert config.web is not None
    assert config.web.token == "open"


def test_a_file_that_is_not_there_is_a_problem_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        load(tmp_path / "none.toml")


def test_a_file_that_is_not_utf8_says_on_which_line(tmp_path: Path) -> None:
    path = tmp_path / "phone.toml"
    path.write_bytes(b'[phone]\nname = "\xff"\n')

    with pytest.raises(ConfigurationError, match="line 2"):
        load(path)


values = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text("abc:/@[]{}.\\\"'\n\x00é0123", max_size=12)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
keys = st.sampled_from(
    ["phone.name", "phone.roles", "phone.country", "sip.listen", "sip.accept_from", "media.rtp_ports", "media.codecs"]
    + [
        "media.srtp",
        "web.listen",
        "web.token",
        "hardware.board",
        "registrar.domain",
        "registrar.users",
        "registrar.digest",
        "dial.patterns",
    ]
)


def toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = "".join(f"\\u{ord(letter):04x}" for letter in value)
        return f'"{escaped}"'
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value)


@given(st.dictionaries(keys, values, max_size=4))
def test_no_value_brings_anything_but_a_configuration_or_its_problems(settings: dict[str, object]) -> None:
    text = "".join(f"{key} = {toml(value)}\n" for key, value in settings.items()) + ACCOUNT

    try:
        parse(text)
    except ConfigurationError as fault:
        assert fault.problems


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (ACCOUNT + '[phone]\ntimezone = "Mars/Olympus"', "phone.timezone"),
        (ACCOUNT + '[phone]\ntimezone = "../../etc/passwd"', "phone.timezone"),
        (ACCOUNT + '[phone]\ntimezone = "Europe"', "phone.timezone"),
        (ACCOUNT + '[sip]\nlisten = ["udp:0.0.0.0:20000"]\n[media]\nrtp_ports = [16384, 20000]', "media.rtp_ports"),
        (ACCOUNT + '[sip]\nlisten = ["tcp:0.0.0.0:8080"]\n[web]\nlisten = "127.0.0.1:8080"', "web.listen"),
        (ACCOUNT + '[sip]\nlisten = ["udp:0.0.0.0:5060", "udp:127.0.0.1:5060"]', "sip.listen"),
        (ACCOUNT + '[phone]\nroles = ["registrar"]\n[registrar]\ndomain = "home test"\nusers = {}', "registrar.domain"),
        (ACCOUNT + '[phone]\nroles = ["registrar"]\n[registrar]\ndomain = "a;lr"\nusers = {}', "registrar.domain"),
        (ACCOUNT + '[phone]\nroles = ["registrar"]\n[registrar]\ndomain = "u@a"\nusers = {}', "registrar.domain"),
        ("a = " + "[" * 5000, ""),
    ],
)
def test_what_would_fail_later_is_named_now(text: str, path: str) -> None:
    assert path in [one for one, _ in problems(text)]


@pytest.mark.parametrize(
    "text",
    [
        '[sip]\nlisten = ["udp:0.0.0.0:5060", "tcp:0.0.0.0:5060", "udp:[::]:5060"]',
        '[sip]\nlisten = ["udp:127.0.0.1:5060", "udp:127.0.0.2:5060"]',
        '[sip]\nlisten = ["udp:0.0.0.0:8080"]\n[web]\nlisten = "127.0.0.1:8080"',
        '[sip]\nlisten = ["tcp:127.0.0.2:8080"]\n[web]\nlisten = "127.0.0.1:8080"',
        '[phone]\ntimezone = "Europe/London"',
    ],
)
def test_what_only_looks_like_a_clash_is_none(text: str) -> None:
    assert parse(ACCOUNT + text).account


def test_a_boards_file_lies_beside_the_configuration(tmp_path: Path) -> None:
    text = ACCOUNT + '[hardware]\nboard = "desk.toml"'

    assert parse(text, tmp_path).hardware.board == str(tmp_path / "desk.toml")
    assert parse(text.replace("desk.toml", "sim"), tmp_path).hardware.board == "sim"
    assert parse(text.replace("desk.toml", "/etc/desk.toml"), tmp_path).hardware.board == "/etc/desk.toml"


def test_a_byte_order_mark_is_nothing(tmp_path: Path) -> None:
    """Some editors put one first, in a file with a password too."""
    (tmp_path / "phone.toml").write_text(ACCOUNT + 'password_file = "secret"', "utf-8-sig")
    (tmp_path / "secret").write_text("x\n", "utf-8-sig")

    assert load(tmp_path / "phone.toml").account[0].password == "x"
    assert problems("\ufeffcolour = 5\n" + ACCOUNT) == [("colour", 1)]

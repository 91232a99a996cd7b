"""Session descriptions: text and values (RFC 8866 §5 and the grammar of §9).

Reading is lenient where implementations are sloppy (bare LF, lines left out or out of order); writing is strict.
Octets that are not UTF-8 survive a round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")

MAXIMUM_OCTETS = 65536
MAXIMUM_LINES = 2000
MAXIMUM_MEDIA = 64
MAXIMUM_FORMATS = 256
"""In one m= line."""


class MalformedDescription(ValueError):
    """Text that is no session description: SIP answers 400, or 488 to what is merely not wanted."""


@dataclass(frozen=True, slots=True)
class Origin:
    """o= (§5.2)."""

    username: str = "-"
    session_id: str = "0"
    """Digits; kept as text, for nothing is ever computed with the far end's."""
    version: str = "0"
    network_type: str = "IN"
    address_type: str = "IP4"
    address: str = "0.0.0.0"

    def __str__(self) -> str:
        fields = (self.username, self.session_id, self.version, self.network_type, self.address_type, self.address)
        return " ".join(fields)


@dataclass(frozen=True, slots=True)
class Connection:
    """c= (§5.7)."""

    address: str
    """Without the multicast time to live and count."""
    address_type: str = "IP4"
    network_type: str = "IN"
    suffix: str = ""
    """"127/3": time to live and count of a multicast address, as written."""

    @classmethod
    def to(cls, host: str) -> Connection:
        """Return the connection to a numeric host or a name."""
        return cls(host, "IP6" if ":" in host else "IP4")

    def __str__(self) -> str:
        return f"{self.network_type} {self.address_type} {self.address}{'/' if self.suffix else ''}{self.suffix}"


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """b= (§5.8)."""

    kind: str
    """"AS", "CT", "TIAS", "RS", "RR", "X-..."."""
    value: int
    """In the unit of its kind: kbit/s for AS and CT."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


@dataclass(frozen=True, slots=True)
class Timing:
    """t= with the r= and z= lines that follow it (§5.9 to §5.11)."""

    start: int = 0
    """Seconds since 1900; 0: unbounded."""
    stop: int = 0
    repeats: tuple[str, ...] = ()
    zones: str | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """a= (§5.13): a property ("recvonly") or a value ("ptime:20")."""

    name: str
    value: str | None = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}:{self.value}"


class _Attributed:
    """What a session and a media section share: looking up attributes."""

    __slots__ = ()
    attributes: tuple[Attribute, ...]

    def has(self, name: str) -> bool:
        """Tell whether the attribute is there, with or without a value."""
        return any(attribute.name == name for attribute in self.attributes)

    def values(self, name: str) -> list[str]:
        """Return the values of every attribute of that name, in order."""
        return [a.value for a in self.attributes if a.name == name and a.value is not None]

    def value(self, name: str) -> str | None:
        """Return the first value of the attribute."""
        return next(iter(self.values(name)), None)

    @property
    def own_direction(self) -> Direction | None:
        """The direction said at this level (§6.7); of several, the last."""
        return next((d for a in reversed(self.attributes) for d in DIRECTIONS if a.name == d), None)


@dataclass(frozen=True, slots=True)
class Media(_Attributed):
    """m= and the lines under it (§5.14)."""

    kind: str
    """"audio", "video", "image", ..."""
    port: int
    """0: refused or switched off."""
    protocol: str
    """"RTP/AVP", ..."""
    formats: tuple[str, ...]
    port_count: int | None = None
    title: str | None = None
    connections: tuple[Connection, ...] = ()
    bandwidths: tuple[Bandwidth, ...] = ()
    key: str | None = None
    attributes: tuple[Attribute, ...] = ()

    def __str__(self) -> str:
        count = "" if self.port_count is None else f"/{self.port_count}"
        return f"{self.kind} {self.port}{count} {self.protocol} {' '.join(self.formats)}"


@dataclass(frozen=True, slots=True)
class SessionDescription(_Attributed):
    """A whole description."""

    origin: Origin = Origin()
    name: str = "-"
    title: str | None = None
    """i="""
    uri: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    connection: Connection | None = None
    bandwidths: tuple[Bandwidth, ...] = ()
    timings: tuple[Timing, ...] = (Timing(),)
    key: str | None = None
    attributes: tuple[Attribute, ...] = ()
    media: tuple[Media, ...] = ()

    def connection_of(self, media: Media) -> Connection | None:
        """Return the media section's connection, else the session's (§5.7)."""
        return media.connections[0] if media.connections else self.connection

    def direction_of(self, media: Media) -> Direction:
        """Return the media section's direction, else the session's, else sendrecv (§6.7)."""
        return media.own_direction or self.own_direction or "sendrecv"

    def __bytes__(self) -> bytes:
        """Return the text in the order of §9. Raises ValueError when a value would break its line."""
        lines = [*_session_lines(self), *(line for media in self.media for line in _media_lines(media))]
        for line in lines:
            if "\r" in line or "\n" in line or "\0" in line:
                raise ValueError(f"a line break inside {line!r}")
        return "".join(line + "\r\n" for line in lines).encode("utf-8", "surrogateescape")


def _session_lines(session: SessionDescription) -> Iterable[str]:
    yield "v=0"
    yield f"o={session.origin}"
    yield f"s={session.name or ' '}"  # §5.3: never empty; a single space where there is no name
    yield from _optional("i", session.title)
    yield from _optional("u", session.uri)
    yield from (f"e={email}" for email in session.emails)
    yield from (f"p={phone}" for phone in session.phones)
    yield from _optional("c", session.connection)
    yield from (f"b={bandwidth}" for bandwidth in session.bandwidths)
    for timing in session.timings or (Timing(),):
        yield f"t={timing.start} {timing.stop}"
        yield from (f"r={repeat}" for repeat in timing.repeats)
        yield from _optional("z", timing.zones)
    yield from _optional("k", session.key)
    yield from (f"a={attribute}" for attribute in session.attributes)


def _media_lines(media: Media) -> Iterable[str]:
    yield f"m={media}"
    yield from _optional("i", media.title)
    yield from (f"c={connection}" for connection in media.connections)
    yield from (f"b={bandwidth}" for bandwidth in media.bandwidths)
    yield from _optional("k", media.key)
    yield from (f"a={attribute}" for attribute in media.attributes)


def _optional(letter: str, value: object | None) -> Iterable[str]:
    return () if value is None else (f"{letter}={value}",)


# --- reading ---


@dataclass(slots=True)
class _Section:
    """A media section, or the session's own part, while it is read."""

    media: Media | None = None
    single: dict[str, str] = field(default_factory=dict)
    connections: list[Connection] = field(default_factory=list)
    bandwidths: list[Bandwidth] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    timings: list[Timing] = field(default_factory=list)


def parse(text: bytes | str) -> SessionDescription:
    """Return the description in a body. Raises MalformedDescription."""
    if len(text) > MAXIMUM_OCTETS:
        raise MalformedDescription("too long")
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    lines = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
    if not lines or len(lines) > MAXIMUM_LINES or "\0" in text:
        raise MalformedDescription("no lines, too many lines or a NUL")
    sections = [_Section()]
    for line in lines:
        _read_line(sections, line)
    return _finish(sections)


def _read_line(sections: list[_Section], line: str) -> None:
    letter, equals, value = line[:1], line[1:2], line[2:]
    if equals != "=":
        raise MalformedDescription(f"not a field: {line[:40]!r}")
    if letter == "m":
        if len(sections) > MAXIMUM_MEDIA:
            raise MalformedDescription("too many media sections")
        sections.append(_Section(media=_read_media(value)))
        return
    section = sections[-1]
    reader = _READERS.get(letter)
    # §5: a description with a letter we do not understand is rejected whole.
    if reader is None or (section.media is not None and letter not in "icbka"):
        raise MalformedDescription(f"unknown or misplaced field: {line[:40]!r}")
    reader(section, value)


def _read_media(value: str) -> Media:
    words = value.split()
    if len(words) < 4 or len(words) > MAXIMUM_FORMATS + 3:
        raise MalformedDescription(f"m={value[:40]}: media, port, protocol and formats are wanted")
    port, slash, count = words[1].partition("/")
    return Media(
        kind=words[0],
        port=_number(port, 65535),
        protocol=words[2],
        formats=tuple(words[3:]),
        port_count=_number(count, 65535) if slash else None,
    )


def _number(text: str, highest: int) -> int:
    # isascii: other scripts' digits are no DIGIT; the length is looked at before the value is computed.
    if not (text.isascii() and text.isdigit()) or len(text) > 20 or int(text) > highest:
        raise MalformedDescription(f"not a number up to {highest}: {text[:20]!r}")
    return int(text)


def _read_single(letter: str) -> Callable[[_Section, str], None]:
    def read(section: _Section, value: str) -> None:
        section.single.setdefault(letter, value)

    return read


def _read_connection(section: _Section, value: str) -> None:
    words = value.split()
    if len(words) != 3:
        raise MalformedDescription(f"c={value[:40]}: network type, address type and address are wanted")
    address, _, suffix = words[2].partition("/")
    if not address:
        raise MalformedDescription("c= without address")
    section.connections.append(Connection(address, words[1].upper(), words[0].upper(), suffix))


def _read_bandwidth(section: _Section, value: str) -> None:
    kind, colon, amount = value.strip().partition(":")
    if not colon:
        raise MalformedDescription(f"b={value[:40]}")
    section.bandwidths.append(Bandwidth(kind, _number(amount.strip(), 2**63)))


def _read_attribute(section: _Section, value: str) -> None:
    name, colon, rest = value.partition(":")
    section.attributes.append(Attribute(name.strip(), rest if colon else None))


def _read_time(section: _Section, value: str) -> None:
    words = value.split()
    if len(words) != 2:
        raise MalformedDescription(f"t={value[:40]}: start and stop are wanted")
    section.timings.append(Timing(_number(words[0], 2**64), _number(words[1], 2**64)))


def _read_repeat(section: _Section, value: str) -> None:
    if not section.timings:
        raise MalformedDescription("r= before t=")
    last = section.timings[-1]
    section.timings[-1] = replace(last, repeats=(*last.repeats, value))


def _read_zones(section: _Section, value: str) -> None:
    # §5.11: z= modifies the r= lines before it, and is an error without one.
    if not section.timings or not section.timings[-1].repeats:
        raise MalformedDescription("z= without r=")
    section.timings[-1] = replace(section.timings[-1], zones=value)


_READERS: dict[str, Callable[[_Section, str], None]] = {
    **{letter: _read_single(letter) for letter in "vosiuk"},
    "e": lambda section, value: section.emails.append(value),
    "p": lambda section, value: section.phones.append(value),
    "c": _read_connection,
    "b": _read_bandwidth,
    "t": _read_time,
    "r": _read_repeat,
    "z": _read_zones,
    "a": _read_attribute,
}


def _finish(sections: list[_Section]) -> SessionDescription:
    session = sections[0]
    if session.single.get("v", "0").strip() != "0":
        raise MalformedDescription("version is not 0")
    return SessionDescription(
        origin=_read_origin(session.single.get("o")),
        name=session.single.get("s", "-"),
        title=session.single.get("i"),
        uri=session.single.get("u"),
        emails=tuple(session.emails),
        phones=tuple(session.phones),
        connection=session.connections[0] if session.connections else None,
        bandwidths=tuple(session.bandwidths),
        timings=tuple(session.timings) or (Timing(),),
        key=session.single.get("k"),
        attributes=tuple(session.attributes),
        media=tuple(_finish_media(section) for section in sections[1:]),
    )


def _read_origin(value: str | None) -> Origin:
    if value is None:
        return Origin()
    words = value.split()
    if len(words) != 6:
        raise MalformedDescription(f"o={value[:60]}: six fields are wanted")
    return Origin(*words)


def _finish_media(section: _Section) -> Media:
    assert section.media is not None
    return replace(
        section.media,
        title=section.single.get("i"),
        connections=tuple(section.connections),
        bandwidths=tuple(section.bandwidths),
        key=section.single.get("k"),
        attributes=tuple(section.attributes),
    )

"""Our own addresses: which listening point serves a hop, and how we look from there (RFC 3261 §18.1.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from firmware.sip.locating import DEFAULT_PORTS, is_numeric
from firmware.sip.next_hop import Path
from firmware.sip.transport import Flow, Hop, ListeningPoint, SocketAddress

WILDCARDS = frozenset(["0.0.0.0", "::"])
"""Hosts of listening points bound to every address."""


class Addresses:
    """The listening points, and our numeric address towards a remote one."""

    def __init__(self, points: Sequence[ListeningPoint], local_address: Callable[[str], str]) -> None:
        """`local_address(remote numeric host)` gives our numeric address towards it, "" if there is none."""
        self._points = tuple(points)
        self._local_address = local_address

    def transports_to(self, host: str) -> frozenset[str]:
        """The transports we listen on in the address family of the numeric `host`."""
        return frozenset(point.transport for point in self._points if _same_family(point.host, host))

    def path(self, hop: Hop | Flow) -> Path | None:
        """How to reach `hop`, or go back along a flow; None if no listening point serves it."""
        if isinstance(hop, Flow):
            return self._path_back(hop)
        point = self._point(hop.transport, hop.host)
        if point is None:
            return None
        return Path(hop, (point.host, point.port), self._seen(point, hop.host))

    def contact_address(self, remote_host: str, transport: str) -> SocketAddress:
        """Our host and port as the numeric `remote_host` sees them. Raises `ValueError` if we do not listen so."""
        point = self._point(transport, remote_host)
        if point is None:
            raise ValueError(f"no listening point for {transport} towards {remote_host}")
        return self._seen(point, remote_host)

    def is_own(self, host: str, port: int | None, transport: str | None = None) -> bool:
        """True if a numeric host and port (None: the transport's default) designate a listening point."""
        return is_numeric(host) and any(
            self._designates(point, host, port)
            for point in self._points
            if transport in (None, point.transport) and _same_family(point.host, host)
        )

    def _designates(self, point: ListeningPoint, host: str, port: int | None) -> bool:
        if point.port != (port or DEFAULT_PORTS[point.transport]):
            return False
        # An address is ours if packets to it would leave from it.
        return point.host == host or (point.host in WILDCARDS and self._local_address(host) == host)

    def _path_back(self, flow: Flow) -> Path | None:
        path = self.path(Hop(flow.transport, *flow.remote))
        if path is None:
            return None
        local = path.local if flow.transport != "UDP" else flow.local
        sent_by = path.sent_by if local[0] in WILDCARDS or flow.transport != "UDP" else local
        return Path(path.hop, local, sent_by, flow.connection)

    def _point(self, transport: str, host: str) -> ListeningPoint | None:
        able = [point for point in self._points if point.transport == transport and _same_family(point.host, host)]
        if len(able) < 2:
            return able[0] if able else None
        ours = self._local_address(host)
        return min(able, key=lambda point: (point.host != ours, point.host not in WILDCARDS))

    def _seen(self, point: ListeningPoint, remote_host: str) -> SocketAddress:
        if point.host not in WILDCARDS:
            return (point.host, point.port)
        return (self._local_address(remote_host) or point.host, point.port)


def _same_family(one: str, other: str) -> bool:
    return (":" in one) == (":" in other)

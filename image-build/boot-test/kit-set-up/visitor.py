"""What a visitor's device does in the set-up network, one thing a call; each prints JSON.

lease                       asks for an address (RFC 2131) and takes it
multicast NAME              asks the network for the address of a name (RFC 6762)
name NAME SERVER            asks a name server for it
get URL [HOST]              loads a page; HOST stands in for the URL's
post URL FIELD=VALUE ...    sends a form; HOST=... stands in for the URL's host
"""

import http.client
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import time
import urllib.parse

CARD = "wlan1"


def lease():
    """The address, router and name servers that are offered."""
    mac = bytes.fromhex(pathlib.Path(f"/sys/class/net/{CARD}/address").read_text().replace(":", "").strip())
    mark = os.urandom(4)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        asker.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, CARD.encode())
        asker.bind(("0.0.0.0", 68))
        asker.settimeout(5)

        def ask(kind, more=b""):
            head = struct.pack("!BBBB4sHH", 1, 1, 6, 0, mark, 0, 0x8000) + bytes(16) + mac.ljust(16, b"\0") + bytes(192)
            options = bytes([53, 1, kind, 55, 4, 1, 3, 6, 114]) + more + b"\xff"
            asker.sendto(head + b"\x63\x82\x53\x63" + options, ("255.255.255.255", 67))
            end = time.monotonic() + 5
            while time.monotonic() < end:
                answer = asker.recv(2048)
                if answer[4:8] == mark:
                    return answer[16:20], options_of(answer)
            raise TimeoutError

        offered, options = ask(1)
        offered, options = ask(3, bytes([50, 4]) + offered + bytes([54, 4]) + options[54])
    address = socket.inet_ntoa(offered)
    subprocess.run(["ip", "address", "flush", "dev", CARD], check=True)
    subprocess.run(["ip", "address", "add", f"{address}/24", "dev", CARD], check=True)
    subprocess.run(["ip", "route", "replace", "default", "via", socket.inet_ntoa(options[3][:4])], check=True)
    return {"address": address, "router": socket.inet_ntoa(options[3][:4]), "names": socket.inet_ntoa(options[6][:4])}


def options_of(message):
    """The options of a DHCP message."""
    found, at = {}, 240
    while at + 1 < len(message) and message[at] != 255:
        if message[at]:
            found[message[at]] = message[at + 2 : at + 2 + message[at + 1]]
        at += 2 + message[at + 1] if message[at] else 1
    return found


def question(name):
    """A query for a name's IPv4 address."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    return struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + labels + struct.pack("!HH", 1, 1)


def multicast(name):
    """Whose address the name is, by one-shot multicast: the answer comes to the port that asked."""
    own = subprocess.run(["ip", "-j", "-4", "address", "show", "dev", CARD], capture_output=True, text=True).stdout
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        ours = socket.inet_aton(json.loads(own)[0]["addr_info"][0]["local"])
        asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, ours)
        asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        return asked(asker, name, ("224.0.0.251", 5353))


def name(name, server):
    """Whose address the name is, by a name server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        return asked(asker, name, (server, 53))


def asked(asker, name, whom):
    """The last four octets of the answer are the address."""
    asker.settimeout(3)
    asker.sendto(question(name), whom)
    answer, sender = asker.recvfrom(4096)
    return {"address": socket.inet_ntoa(answer[-4:]), "from": sender[0]}


def load(method, url, host, body=None):
    """What a server answers; redirections are told, not followed."""
    parts = urllib.parse.urlsplit(url)
    known = {"offhook.local": "192.168.77.1"}
    where = known.get(parts.hostname) or name(parts.hostname, "192.168.77.1")["address"]
    connection = http.client.HTTPConnection(
        where if not parts.hostname[0].isdigit() else parts.hostname, 80, timeout=20
    )
    headers = {"Host": host or parts.netloc}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, parts.path or "/", body, headers)
    answer = connection.getresponse()
    return {"status": answer.status, "headers": dict(answer.getheaders()), "text": answer.read().decode()}


def main(what, *words):
    """Do one of these."""
    match what:
        case "lease":
            return lease()
        case "multicast":
            return multicast(*words)
        case "name":
            return name(*words)
        case "get":
            return load("GET", words[0], words[1] if len(words) > 1 else "")
        case "post":
            form = dict(word.split("=", 1) for word in words[1:])
            host = form.pop("HOST", "")
            return load("POST", words[0], host, urllib.parse.urlencode(form))


try:
    print(json.dumps(main(*sys.argv[1:])))
except (OSError, KeyError, IndexError) as fault:
    print(json.dumps({"fault": repr(fault)}))
